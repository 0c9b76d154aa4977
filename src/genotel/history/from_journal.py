"""Take the history from a journal: the calls that genotel's SDK wrote down on this machine."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.history.file_marks import file_mark
from genotel.history.hourly import HOURS_PER_DAY, SECONDS_PER_DAY, SECONDS_PER_HOUR, Booleans, HourTable
from genotel.history.usage import BatchUse, MemoryFailures, ParameterUse, UsageHistory, count_hours, empty_history
from genotel.journal.reader import JournalReader
from genotel.journal.rows import DailyUsage, HourlyUsage, Session

# What diffusers, transformers and people call how many items a call makes at once.
_BATCH_PARAMETERS = ("batch_size", "num_images_per_prompt", "num_videos_per_prompt")
# Single calls of longer ago are history.
_DETAIL_SECONDS = 30.0 * SECONDS_PER_DAY
# Somebody who asks in the morning what happened until last night asks about last night.
_FRESH_SECONDS = float(SECONDS_PER_DAY)


class Journal:
    """Read the journal that ``configure(journal=…)`` or ``genotel serve --journal`` keeps.

    A day counts as observed when a process watched on it and lost nothing. The history ends when
    somebody last watched; where that is more than a day ago it ends now, and the time since then
    counts as not observed.

    Args:
        path: the file.
        clock: tells what is now.
    """

    def __init__(self, path: str | Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path = Path(path)
        self.clock = clock

    @property
    def place(self) -> Hashable:
        """Return what tells this source from others."""
        return "journal", self.path.absolute(), self.clock

    def mark(self) -> Hashable:
        """Return what changes when a row is added; new rows are in SQLite's log first."""
        return file_mark(self.path, self.path.with_name(f"{self.path.name}-wal"))

    def load_usage(self) -> UsageHistory:
        """Return the history that the journal holds.

        Raises:
            JournalError: the file is missing, corrupt, from a newer genotel or no journal.
        """
        with JournalReader(self.path, clock=self.clock) as reader:
            hours, days = list(reader.hourly()), list(reader.daily())
            models, sessions = reader.models(), reader.sessions()
            parameters = tuple(ParameterUse(*count) for count in reader.parameters())
            out_of_memory, batches = _details(reader, hours, parameters)
        source = f"journal {self.path.name}"
        if not sessions:
            return empty_history(source)
        now = self.clock.wall()
        start = min(now, min(session.started_at for session in sessions))
        last_seen = min(now, max(session.last_seen_at for session in sessions))
        end = max(start, last_seen if now - last_seen <= _FRESH_SECONDS else now)
        rows = [row for row in _rows(hours, days) if start // SECONDS_PER_HOUR <= row.hour <= end // SECONDS_PER_HOUR]
        names = sorted({use.model for use in models} | {row.model for row in rows})
        position = {name: index for index, name in enumerate(names)}
        first_seen, last_used = np.full(len(names), end), np.full(len(names), np.nan)
        for use in models:
            # A clock that was ahead for a while must not make a use of the future.
            first_seen[position[use.model]] = min(use.first_seen, end)
            if use.last_used is not None:
                last_used[position[use.model]] = min(use.last_used, end)
        return UsageHistory(
            source=source,
            start=start,
            end=end,
            models=tuple(names),
            observed=_observed(sessions, start, end),
            hourly=_table(rows, position),
            first_seen=first_seen,
            last_used=last_used,
            size_bytes=np.full(len(names), np.nan),
            parameters=parameters,
            operations=_operations(names, hours),
            out_of_memory=out_of_memory,
            batches=batches,
        )


def _details(
    reader: JournalReader, hours: list[HourlyUsage], parameters: tuple[ParameterUse, ...]
) -> tuple[tuple[MemoryFailures, ...], tuple[BatchUse, ...]]:
    """Return what only single calls tell, where the sums say that there is something to be told.

    A journal may hold millions of calls; most have no failure and one batch size.
    """
    failed = [row.hour for row in hours if row.failed]
    sizes = {(use.model, use.value) for use in parameters if use.parameter in _BATCH_PARAMETERS}
    models = [model for model, count in Counter(model for model, _ in sizes).items() if count > 1]
    since = max((row.hour for row in hours), default=0) - _DETAIL_SECONDS
    out_of_memory = reader.out_of_memory(since=max(since, min(failed))) if failed else iter(())
    batches = reader.batch_sizes(_BATCH_PARAMETERS, models, since=since) if models else iter(())
    return tuple(MemoryFailures(*count) for count in out_of_memory), tuple(BatchUse(*sums) for sums in batches)


def _operations(names: list[str], hours: Iterable[HourlyUsage]) -> tuple[str | None, ...]:
    """Return what each model does most; loads belong to no operation."""
    calls: Counter[tuple[str, str]] = Counter()
    for row in hours:
        if row.operation:
            calls[row.model, row.operation] += row.total
    mostly: dict[str, str] = {}
    for (model, operation), _ in sorted(calls.items(), key=lambda item: (item[1], item[0])):
        mostly[model] = operation
    return tuple(mostly.get(name) for name in names)


class _Row(NamedTuple):
    """The sums of a model in one hour, which is counted from the Unix epoch."""

    hour: int
    model: str
    total: int
    ok: int
    failed: int
    killed: int
    timed: int
    total_seconds: float
    loads: int = 0
    load_seconds: float = 0.0


def _rows(hours: list[HourlyUsage], days: list[DailyUsage]) -> Iterator[_Row]:
    """Yield the hours, and before them the days whose hours are no longer kept.

    Hours go after the retention, days stay. Without them a session that began before the retention
    would claim to have watched models that nobody used. A day stands at its busiest hour.
    """
    complete_from = math.inf
    if hours:
        first = hours[0].hour - hours[0].hour % SECONDS_PER_DAY
        in_hours = sum(row.total + row.killed for row in hours if row.hour < first + SECONDS_PER_DAY)
        in_day = sum(row.total + row.killed for row in days if row.day == first)
        complete_from = first if in_hours >= in_day else first + SECONDS_PER_DAY
    for day in days:
        if day.day < complete_from:
            hour = day.day // SECONDS_PER_HOUR + (day.peak_hour or 0)
            yield _Row(hour, day.model, day.total, day.ok, day.failed, day.killed, day.timed, day.total_seconds)
    for row in hours:
        if row.hour >= complete_from:
            yield _Row(
                row.hour // SECONDS_PER_HOUR,
                row.model,
                row.total,
                row.ok,
                row.failed,
                row.killed,
                row.timed,
                row.total_seconds,
                row.loads,
                row.load_seconds,
            )


def _observed(sessions: Iterable[Session], start: float, end: float) -> Booleans:
    """Return which hours lie on a day on which somebody watched and lost nothing, shape (T,)."""
    first_hour = int(start // SECONDS_PER_HOUR)
    day = (first_hour + np.arange(count_hours(start, end))) // HOURS_PER_DAY
    first_day = day[0]
    is_watched, has_losses = (
        np.zeros(day[-1] - first_day + 1, dtype=bool),
        np.zeros(day[-1] - first_day + 1, dtype=bool),
    )
    for session in sessions:
        from_day = max(int(session.started_at // SECONDS_PER_DAY) - first_day, 0)
        to_day = int(session.last_seen_at // SECONDS_PER_DAY) - first_day + 1
        is_watched[from_day:to_day] = True
        has_losses[from_day:to_day] |= session.rows_dropped > 0
    observed: Booleans = (is_watched & ~has_losses)[day - first_day]
    return observed


def _table(rows: list[_Row], position: dict[str, int]) -> HourTable:
    return HourTable.gather(
        np.array([position[row.model] for row in rows], dtype=np.int64),
        np.array([row.hour for row in rows], dtype=np.int64),
        # A call whose process died was a use all the same.
        requests=np.array([row.total + row.killed for row in rows]),
        succeeded=np.array([row.ok for row in rows]),
        failed=np.array([row.failed for row in rows]),
        timed=np.array([row.timed for row in rows]),
        duration_seconds=np.array([row.total_seconds for row in rows]),
        loads=np.array([row.loads for row in rows]),
        timed_loads=np.array([row.loads for row in rows]),
        load_seconds=np.array([row.load_seconds for row in rows]),
    )
