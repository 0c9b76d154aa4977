"""The figures of one model's use, for people who ask about a model rather than for advice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import overload

import numpy as np

from genotel.analysis.idleness import active_share, days_known, days_since_last_use, peak_hours
from genotel.analysis.seasonality import Trend, peak_days, trend
from genotel.errors import InputError
from genotel.history.hourly import SECONDS_PER_DAY
from genotel.history.kept import KEPT_HISTORIES
from genotel.history.source import HistorySource
from genotel.history.usage import UsageHistory
from genotel.settings import load_settings

DAILY_DAYS = 30
DAYS_PER_WEEK = 7
_SHOWN_MODELS = 5


@dataclass(frozen=True, slots=True)
class DailyFigures:
    """Hold the use of one model on one day (UTC); an average is None where no duration is known."""

    date: str
    requests: int
    succeeded: int
    failed: int
    average_duration_seconds: float | None
    is_observed: bool


@dataclass(frozen=True, slots=True)
class UsageStatistics:
    """Hold the figures of one model; None is unknown.

    Attributes:
        model: its name.
        source: where the history was read from.
        start, end: Unix times of the history.
        uses: calls that were begun.
        uses_per_day: over the days since it was first seen, one day at least.
        success_rate: of the calls whose outcome is known, 0–1.
        average_duration_seconds: of the calls whose duration is known.
        days_idle: from the last use, or else from being first seen, to the end of the history.
        active_share: share of days with a use, of the days since it was first seen, 0–1.
        peak_hours: hours of the day (UTC) with twice their share of the calls or more.
        peak_days: days of the week (0 is Monday, UTC) with one and a half times their share or more.
        trend: how the last seven days compare to the seven before; None unless all of them were observed.
        first_seen, last_used: Unix times.
        loads: times it was loaded.
        average_load_seconds: of the loads whose duration is known.
        size_bytes: size on disk.
        daily: the last 30 days of the history, oldest first.
        parameters: calls by parameter and value, where the source knows them.
    """

    model: str
    source: str
    start: float
    end: float
    uses: int
    uses_per_day: float
    success_rate: float | None
    average_duration_seconds: float | None
    days_idle: float
    active_share: float
    peak_hours: tuple[int, ...]
    peak_days: tuple[int, ...]
    trend: Trend | None
    first_seen: float
    last_used: float | None
    loads: int
    average_load_seconds: float | None
    size_bytes: int | None
    daily: tuple[DailyFigures, ...]
    parameters: Mapping[str, Mapping[str, int]]


@overload
def usage_statistics(source: HistorySource, model: str) -> UsageStatistics: ...
@overload
def usage_statistics(source: HistorySource, model: None = None) -> list[UsageStatistics]: ...
def usage_statistics(source: HistorySource, model: str | None = None) -> UsageStatistics | list[UsageStatistics]:
    """Return the figures of a model, or of every model sorted by name.

    Args:
        source: ``Journal(path)``, ``Events(path)`` or anything with their one method.
        model: the name of a model that the history knows.

    Raises:
        InputError: the source cannot be read, or it does not know the model.

    Example:
        >>> from genotel.history.usage import empty_history
        >>> class Nothing:
        ...     def load_usage(self):
        ...         return empty_history("nothing")
        >>> usage_statistics(Nothing())
        []
    """
    history = KEPT_HISTORIES.load(source, load_settings().advice.cache_ttl_minutes * 60)
    if model is None:
        return figures(history, range(len(history.models)))
    index = history.index(model)
    if index is None:
        known = ", ".join(history.models[:_SHOWN_MODELS]) + (", …" if len(history.models) > _SHOWN_MODELS else "")
        raise InputError(f"no model {model!r} in {history.source}; it knows {known or 'none'}")
    return figures(history, [index])[0]


@overload
async def ausage_statistics(source: HistorySource, model: str) -> UsageStatistics: ...
@overload
async def ausage_statistics(source: HistorySource, model: None = None) -> list[UsageStatistics]: ...
async def ausage_statistics(source: HistorySource, model: str | None = None) -> UsageStatistics | list[UsageStatistics]:
    """Return what :func:`usage_statistics` does, read in a thread so that the event loop goes on."""
    return await asyncio.to_thread(usage_statistics, source, model)


def figures(history: UsageHistory, indexes: Iterable[int]) -> list[UsageStatistics]:
    """Return the figures of the models at some positions of ``history.models``."""
    idle, known, share = days_since_last_use(history), days_known(history), active_share(history)
    starts = np.searchsorted(history.hourly.model, np.arange(len(history.models) + 1))
    parameters: dict[str, dict[str, dict[str, int]]] = {}
    for use in history.parameters:
        parameters.setdefault(use.model, {}).setdefault(use.parameter, {})[use.value] = use.requests
    hidden = frozenset(history.hidden_days.tolist())
    table = history.hourly
    found = []
    for index in indexes:
        rows = slice(starts[index], starts[index + 1])
        uses = int(table.requests[rows].sum())
        succeeded, failed = table.succeeded[rows].sum(), table.failed[rows].sum()
        size = _known(history.size_bytes[index])
        found.append(
            UsageStatistics(
                model=history.models[index],
                source=history.source,
                start=history.start,
                end=history.end,
                uses=uses,
                uses_per_day=uses / max(float(known[index]), 1.0),
                success_rate=_ratio(succeeded, succeeded + failed),
                average_duration_seconds=_ratio(table.duration_seconds[rows].sum(), table.timed[rows].sum()),
                days_idle=float(idle[index]),
                active_share=float(share[index]),
                peak_hours=peak_hours(table.requests[rows], table.hour[rows]),
                peak_days=peak_days(table.requests[rows], table.hour[rows]),
                trend=_trend(history, rows, hidden),
                first_seen=float(history.first_seen[index]),
                last_used=_known(history.last_used[index]),
                loads=int(table.loads[rows].sum()),
                average_load_seconds=_ratio(table.load_seconds[rows].sum(), table.timed_loads[rows].sum()),
                size_bytes=None if size is None else int(size),
                daily=_daily(history, rows, hidden),
                parameters=parameters.get(history.models[index], {}),
            )
        )
    return found


def _trend(history: UsageHistory, rows: slice, hidden: frozenset[int]) -> Trend | None:
    """Return how two weeks compare that end with the last whole day, where nothing of them went unseen."""
    # The day in which the history ends is over only with its last second.
    end = int((history.end + 1) // SECONDS_PER_DAY)
    days = range(end - 2 * DAYS_PER_WEEK, end)
    if days[0] * SECONDS_PER_DAY < history.start or not hidden.isdisjoint(days):
        return None
    age = end - 1 - history.hourly.day[rows]
    requests = history.hourly.requests[rows]
    counts = (requests[(age >= first) & (age < first + DAYS_PER_WEEK)].sum() for first in (0, DAYS_PER_WEEK))
    return trend(*map(float, counts))


def _daily(history: UsageHistory, rows: slice, hidden: frozenset[int]) -> tuple[DailyFigures, ...]:
    last = int(history.end // SECONDS_PER_DAY)
    first = max(last - DAILY_DAYS + 1, int(history.start // SECONDS_PER_DAY))
    table, count = history.hourly, last - first + 1
    place = table.day[rows] - first
    is_recent = place >= 0
    columns = ("requests", "succeeded", "failed", "timed", "duration_seconds")
    by_day = {
        name: np.bincount(place[is_recent], weights=getattr(table, name)[rows][is_recent], minlength=count)
        for name in columns
    }
    return tuple(
        DailyFigures(
            date=datetime.fromtimestamp((first + day) * SECONDS_PER_DAY, UTC).date().isoformat(),
            requests=int(by_day["requests"][day]),
            succeeded=int(by_day["succeeded"][day]),
            failed=int(by_day["failed"][day]),
            average_duration_seconds=_ratio(by_day["duration_seconds"][day], by_day["timed"][day]),
            is_observed=first + day not in hidden,
        )
        for day in range(count)
    )


def _ratio(part: float, whole: float) -> float | None:
    return float(part) / float(whole) if whole else None


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
