"""Histories of models at work, made by chance: calls with durations, failures and loads, hour by hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genotel.history.hourly import HOURS_PER_DAY, SECONDS_PER_HOUR, HourTable
from genotel.history.usage import UsageHistory
from histories import EPOCH

FIRST_HOUR = int(EPOCH // SECONDS_PER_HOUR)


@dataclass(frozen=True)
class Work:
    """Say what one model does.

    Attributes:
        seconds: mean duration of a call.
        slower: from day (0.0 is the first) to how many times as long its calls take from then on.
        spread: deviation of the logarithm of an hour's mean, and that of a whole day's.
        rhythm: deviation of the logarithm over the day: calls are slower at noon than at night.
        failing: share of the calls that fail.
        broken_from: day from which on every call fails.
        load_every: hours with a use after which it is loaded anew; 0 for never.
        load_seconds: what a load takes.
        operation: what it does.
    """

    seconds: float = 10.0
    slower: tuple[float, float] | None = None
    spread: tuple[float, float] = (0.15, 0.1)
    rhythm: float = 0.2
    failing: float = 0.02
    broken_from: float | None = None
    load_every: int = 0
    load_seconds: float = 5.0
    operation: str | None = "chat"


def at_work(models: dict[str, Work], *, days: int = 28, seed: int = 0, active: float = 0.4) -> UsageHistory:
    """Return a history of models that are used in a share of the hours, by a few calls each."""
    random = np.random.default_rng(seed)
    names = tuple(sorted(models))
    columns: dict[str, list[np.ndarray]] = {}
    for index, name in enumerate(names):
        work = models[name]
        hours = np.flatnonzero(random.random(days * HOURS_PER_DAY) < active)
        calls = random.poisson(5, len(hours)) + 1
        day = hours / HOURS_PER_DAY
        level = work.spread[0] * random.standard_normal(len(hours))
        level += work.spread[1] * random.standard_normal(days)[hours // HOURS_PER_DAY]
        level += work.rhythm * np.sin(2 * np.pi * (hours % HOURS_PER_DAY) / HOURS_PER_DAY)
        if work.slower is not None:
            level += np.where(day >= work.slower[0], np.log(work.slower[1]), 0.0)
        failed = random.binomial(calls, work.failing)
        if work.broken_from is not None:
            failed = np.where(day >= work.broken_from, calls, failed)
        is_load = np.arange(len(hours)) % work.load_every == 0 if work.load_every else np.zeros(len(hours), dtype=bool)
        row = {
            "model": np.full(len(hours), index),
            "hour": hours + FIRST_HOUR,
            "requests": calls,
            "succeeded": calls - failed,
            "failed": failed,
            "timed": calls,
            "duration_seconds": calls * work.seconds * np.exp(level),
            "loads": is_load.astype(np.int64),
            "timed_loads": is_load.astype(np.int64),
            "load_seconds": is_load * work.load_seconds,
        }
        for column, values in row.items():
            columns.setdefault(column, []).append(values)
    joined = {column: np.concatenate(values) for column, values in columns.items()}
    end = EPOCH + days * 86_400 - 1
    return UsageHistory(
        source="made-up work",
        start=EPOCH,
        end=end,
        models=names,
        observed=np.ones(days * HOURS_PER_DAY, dtype=bool),
        hourly=HourTable.gather(joined.pop("model"), joined.pop("hour"), **joined),
        first_seen=np.full(len(names), EPOCH),
        last_used=np.full(len(names), end),
        size_bytes=np.full(len(names), np.nan),
        operations=tuple(models[name].operation for name in names),
    )
