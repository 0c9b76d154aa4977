"""Single uses of the past, from an event list or a journal: what a backtest is played from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from genotel.analysis.use_times import UseTimes, use_times
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.errors import InputError
from genotel.history.event_file import EventColumns, read_events
from genotel.history.hourly import SECONDS_PER_DAY, SECONDS_PER_HOUR, Booleans, Floats, HourTable
from genotel.history.usage import UsageHistory, count_hours
from genotel.journal.reader import JournalReader


@dataclass(frozen=True, eq=False)
class Trace:
    """Hold K uses and the loads that were measured, in any order.

    Attributes:
        source: where they were read from, in words for people.
        model: K names.
        time: shape (K,), Unix seconds.
        succeeded, failed: shape (K,), whether the outcome is known to be this.
        load_model: names of L loads whose time was measured.
        load_time: shape (L,), Unix seconds.
        load_seconds: shape (L,).
        size_bytes: the last known size on disk by name, where one is known.
    """

    source: str
    model: list[str]
    time: Floats
    succeeded: Booleans
    failed: Booleans
    load_model: list[str]
    load_time: Floats
    load_seconds: Floats
    size_bytes: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def uses(self) -> UseTimes:
        """Return the uses in the order of time."""
        return use_times(self.model, self.time)

    def sizes(self) -> Floats:
        """Return the size of each model in bytes, shape (N,); NaN where it is not known, and for one of nothing."""
        return np.array([self.size_bytes.get(name) or np.nan for name in self.uses.names], dtype=np.float64)

    def load_table(self, *, fixed_seconds: float | None = None) -> Floats:
        """Return what a load of each model takes, as it was known at each midnight, shape (days, N).

        The median of the model's own loads so far; of all loads so far where it has none; 0 where
        nobody measured one. ``fixed_seconds`` stands for all of them.
        """
        uses = self.uses
        table = np.zeros((uses.days, len(uses.names)))
        if fixed_seconds is not None:
            table[:] = fixed_seconds
            return table
        number = {name: index for index, name in enumerate(uses.names)}
        is_known = np.array([name in number for name in self.load_model], dtype=bool)
        model = np.array([number[name] for name in self.load_model if name in number], dtype=np.int64)
        day = (self.load_time[is_known] - uses.midnight) // SECONDS_PER_DAY
        seconds = self.load_seconds[is_known]
        for number_of_day in range(1, uses.days):
            is_past = day < number_of_day
            if not is_past.any():
                continue
            table[number_of_day] = np.median(seconds[is_past])
            for index in np.unique(model[is_past]).tolist():
                table[number_of_day, index] = np.median(seconds[is_past & (model == index)])
        return table

    def history_until(self, moment: float) -> UsageHistory:
        """Return the history as it was known at a Unix time; models that came later are not in it."""
        is_past = self.time < moment
        names = tuple(sorted({name for name, past in zip(self.model, is_past.tolist(), strict=True) if past}))
        number = {name: index for index, name in enumerate(names)}
        index = np.array([number.get(name, -1) for name in self.model], dtype=np.int64)[is_past]
        time = self.time[is_past]
        first_seen, last_used = np.full(len(names), np.inf), np.full(len(names), -np.inf)
        np.minimum.at(first_seen, index, time)
        np.maximum.at(last_used, index, time)
        start, end = float(self.time.min()), moment - 1.0
        return UsageHistory(
            source=self.source,
            start=start,
            end=end,
            models=names,
            observed=np.ones(count_hours(start, end), dtype=bool),
            hourly=HourTable.gather(
                index,
                (time // SECONDS_PER_HOUR).astype(np.int64),
                requests=np.ones(len(index), dtype=np.int64),
                succeeded=self.succeeded[is_past],
                failed=self.failed[is_past],
            ),
            first_seen=first_seen,
            last_used=np.minimum(last_used, end),
            size_bytes=np.full(len(names), np.nan),
        )


def trace_of_events(path: Path, *, clock: Clock = SYSTEM_CLOCK) -> Trace:
    """Return the uses of an event list.

    Raises:
        InputError: the file cannot be read, a line is wrong, or there is no use in it.
    """
    events = read_events(path, latest_seconds=clock.wall() + SECONDS_PER_DAY)
    is_load = np.nan_to_num(events.load_seconds) > 0
    return _checked(
        Trace(
            source=f"events {path.name}",
            model=events.model,
            time=events.time,
            succeeded=events.succeeded,
            failed=events.failed,
            load_model=[events.model[place] for place in np.flatnonzero(is_load).tolist()],
            load_time=events.time[is_load],
            load_seconds=events.load_seconds[is_load],
            size_bytes=_last_sizes(events),
        ),
        path,
    )


def trace_of_journal(path: Path, *, clock: Clock = SYSTEM_CLOCK) -> Trace:
    """Return the calls of a journal that it still keeps one by one.

    Raises:
        JournalError: the file is missing, corrupt, from a newer genotel or no journal.
        InputError: there is no call in it.
    """
    with JournalReader(path, clock=clock) as reader:
        calls = [(call.model, call.started_at, call.outcome) for call in reader.calls()]
        loads = [
            (event.model, event.at, event.duration_seconds)
            for event in reader.events(kind="load")
            if event.duration_seconds
        ]
    return _checked(
        Trace(
            source=f"journal {path.name}",
            model=[model for model, _, _ in calls],
            time=np.array([time for _, time, _ in calls], dtype=np.float64),
            succeeded=np.array([outcome == "ok" for _, _, outcome in calls], dtype=bool),
            failed=np.array([outcome == "error" for _, _, outcome in calls], dtype=bool),
            load_model=[model for model, _, _ in loads],
            load_time=np.array([time for _, time, _ in loads], dtype=np.float64),
            load_seconds=np.array([seconds for _, _, seconds in loads], dtype=np.float64),
        ),
        path,
    )


def _last_sizes(events: EventColumns) -> dict[str, float]:
    known = np.flatnonzero(np.isfinite(events.size_bytes))
    order = known[np.argsort(events.time[known], kind="stable")]
    # Of several of one name the last stays.
    return {events.model[place]: float(events.size_bytes[place]) for place in order.tolist()}


def _checked(trace: Trace, path: Path) -> Trace:
    if not trace.model:
        raise InputError("holds no use of a model, there is nothing to play back", file=str(path))
    return trace
