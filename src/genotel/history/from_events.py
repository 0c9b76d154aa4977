"""Take the history from an event list: a CSV file with one line for each use of a model."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

import numpy as np

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.history.event_file import EventColumns, read_events
from genotel.history.file_marks import file_mark
from genotel.history.hourly import SECONDS_PER_DAY, SECONDS_PER_HOUR, Floats, HourTable, Integers
from genotel.history.usage import UsageHistory, count_hours, empty_history

# A clock that is wrong by less than this is not worth a refusal.
_CLOCK_SLACK_SECONDS = float(SECONDS_PER_DAY)


class Events:
    """Read an event list with the header ``timestamp,model[,status,duration_seconds,load_seconds,size_bytes]``.

    ``timestamp`` is Unix seconds or RFC 3339; ``status`` is ok, error or unknown. The order of lines
    does not matter; every line is one use, also where two are the same. All time from the first to
    the last event counts as observed, and nothing is said of the time after.

    Args:
        path: the file.
        clock: tells what lies in the future.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "events.csv"
        >>> _ = file.write_text("timestamp,model\\n1700000000,sdxl\\n1700007200,sdxl\\n")
        >>> Events(file).load_usage().total("requests")
        array([2.])
    """

    def __init__(self, path: str | Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path = Path(path)
        self.clock = clock

    @property
    def place(self) -> Hashable:
        """Return what tells this source from others."""
        return "events", self.path.absolute(), self.clock

    def mark(self) -> Hashable:
        """Return what changes when the file does."""
        return file_mark(self.path)

    def load_usage(self) -> UsageHistory:
        """Return the history that the file holds.

        Raises:
            InputError: the file cannot be read, a line is wrong, or an event lies in the future.
        """
        events = read_events(self.path, latest_seconds=self.clock.wall() + _CLOCK_SLACK_SECONDS)
        source = f"events {self.path.name}"
        if not events.model:
            return empty_history(source)
        start, end = float(events.time.min()), float(events.time.max())
        models, index = _number(events.model)
        first_seen = np.full(len(models), np.inf)
        np.minimum.at(first_seen, index, events.time)
        last_used = np.full(len(models), -np.inf)
        np.maximum.at(last_used, index, events.time)
        return UsageHistory(
            source=source,
            start=start,
            end=end,
            models=models,
            observed=np.ones(count_hours(start, end), dtype=bool),
            hourly=_hourly(events, index),
            first_seen=first_seen,
            last_used=last_used,
            size_bytes=_latest(events.size_bytes, events.time, index, len(models)),
        )


def _number(names: list[str]) -> tuple[tuple[str, ...], Integers]:
    models = tuple(sorted(set(names)))
    position = {name: index for index, name in enumerate(models)}
    return models, np.array([position[name] for name in names], dtype=np.int64)


def _hourly(events: EventColumns, index: Integers) -> HourTable:
    # A load that took no time at all was no load.
    is_load = events.load_seconds > 0
    return HourTable.gather(
        index,
        (events.time // SECONDS_PER_HOUR).astype(np.int64),
        requests=np.ones(len(index), dtype=np.int64),
        succeeded=events.succeeded,
        failed=events.failed,
        timed=np.isfinite(events.duration_seconds),
        duration_seconds=np.nan_to_num(events.duration_seconds),
        loads=is_load,
        timed_loads=is_load,
        load_seconds=np.nan_to_num(events.load_seconds),
    )


def _latest(values: Floats, time: Floats, index: Integers, count: int) -> Floats:
    """Return the last known value of each model, NaN where there is none."""
    known = np.flatnonzero(np.isfinite(values))
    known = known[np.argsort(time[known], kind="stable")]
    latest = np.full(count, np.nan)
    # Of several assignments to one place the last stays.
    latest[index[known]] = values[known]
    return latest
