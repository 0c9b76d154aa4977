"""What a history file holds, use by use, with the days on which somebody watched."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.errors import InputError
from genotel.history.event_file import read_events
from genotel.journal.reader import JournalReader
from genotel.journal.rows import KILLED, DailyUsage, Session
from genotel.semconv import attributes as a

DAY = 86_400.0
_HOUR = 3600.0
# What the SDK says of calls of which nothing else is said.
DEFAULT_OPERATION, DEFAULT_PROVIDER = "generate_content", "self_hosted"


class Use(NamedTuple):
    """One call: when it ended (Unix time), what was called, how it went, how long it took (None: unknown)."""

    time: float
    model: str
    operation: str
    provider: str
    outcome: str
    seconds: float | None


class Load(NamedTuple):
    """One load of a model: when it ended, and how long it took."""

    time: float
    model: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Uses:
    """Hold all that is known, in the order of time.

    Attributes:
        start, end: Unix times between which somebody watched.
        watched: spans of Unix times in which nothing could be missed.
        uses: every call.
        loads: every load.
        sizes: bytes on disk by model.
    """

    start: float
    end: float
    watched: tuple[tuple[float, float], ...]
    uses: tuple[Use, ...]
    loads: tuple[Load, ...]
    sizes: Mapping[str, float]


def uses_of_journal(path: Path, days: float, *, clock: Clock = SYSTEM_CLOCK) -> Uses:
    """Return what a journal holds of the last ``days``.

    Calls that are no longer kept one by one stand in their day's busiest hour. A call whose process
    died counts as an error, as nothing else would tell of it.

    Raises:
        JournalError: it is missing, corrupt, from a newer genotel or no journal.
        InputError: nobody watched in that time.
    """
    now = clock.wall()
    since = now - days * DAY
    with JournalReader(path, clock=clock) as reader:
        calls = [
            Use(
                min(call.started_at + (call.duration_seconds or 0.0), now),
                call.model,
                call.operation,
                call.provider,
                a.OUTCOME_ERROR if call.outcome == KILLED else call.outcome,
                call.duration_seconds,
            )
            for call in reader.calls(since=since)
            if call.outcome is not None
        ]
        daily = list(reader.daily(since=since))
        loads = [
            Load(event.at, event.model, event.duration_seconds)
            for event in reader.events(since=since, kind=a.EVENT_LOAD)
            if event.duration_seconds is not None
        ]
        names = {known.model: (known.operation, known.provider) for known in reversed(reader.label_sets())}
        sessions = reader.sessions()
    watched = _watched(sessions, since, now)
    if not watched:
        raise InputError(f"nobody watched in the last {days:g} days; --days asks for more", file=str(path))
    uses = sorted([*_kept(calls, daily), *_spread(calls, daily, names)], key=_order)
    return Uses(watched[0][0], watched[-1][1], watched, tuple(uses), tuple(sorted(loads)), {})


def uses_of_events(path: Path, days: float, *, clock: Clock = SYSTEM_CLOCK) -> Uses:
    """Return what an event list holds of the ``days`` before its last line.

    Raises:
        InputError: it cannot be read, a line is wrong, an event lies in the future, or there is none.
    """
    events = read_events(path, latest_seconds=clock.wall())
    if not events.model:
        raise InputError("holds no events", file=str(path))
    last = float(events.time.max())
    first = max(float(events.time.min()), last - days * DAY)
    uses, loads = [], []
    sizes: dict[str, tuple[float, float]] = {}
    rows = zip(
        events.time.tolist(),
        events.model,
        events.succeeded.tolist(),
        events.failed.tolist(),
        events.duration_seconds.tolist(),
        events.load_seconds.tolist(),
        events.size_bytes.tolist(),
        strict=True,
    )
    for time, model, is_ok, is_failed, seconds, load_seconds, size in rows:
        if not math.isnan(size):
            sizes[model] = max(sizes.get(model, (-math.inf, 0.0)), (time, size))
        if time < first:
            continue
        # What nobody knows of is no failure.
        outcome = a.OUTCOME_OK if is_ok else a.OUTCOME_ERROR if is_failed else a.OUTCOME_CANCELLED
        known = None if math.isnan(seconds) else seconds
        uses.append(Use(time, model, DEFAULT_OPERATION, DEFAULT_PROVIDER, outcome, known))
        if load_seconds > 0:
            loads.append(Load(time, model, load_seconds))
    return Uses(
        first,
        last,
        ((first, last),),
        tuple(sorted(uses, key=_order)),
        tuple(sorted(loads)),
        {model: size for model, (_, size) in sizes.items()},
    )


def _order(use: Use) -> tuple[float, str]:
    return use.time, use.model


def _watched(sessions: Iterable[Session], since: float, now: float) -> tuple[tuple[float, float], ...]:
    """Return the days on which somebody watched and lost nothing, joined where they follow each other."""
    days: set[int] = set()
    lossy: set[int] = set()
    for session in sessions:
        span = range(int(max(session.started_at, since) // DAY), int(min(session.last_seen_at, now) // DAY) + 1)
        days.update(span)
        if session.rows_dropped > 0:
            lossy.update(span)
    began = min((max(session.started_at, since) for session in sessions), default=now)
    spans: list[tuple[float, float]] = []
    for day in sorted(days - lossy):
        start, end = max(day * DAY, began), min((day + 1) * DAY, now)
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        elif end > start:
            spans.append((start, end))
    return tuple(spans)


def _kept(calls: Iterable[Use], daily: Iterable[DailyUsage]) -> Iterator[Use]:
    """Yield the calls of days whose calls are all still kept one by one."""
    all_of = {(row.model, row.day): row.total + row.killed for row in daily}
    mine = _by_day(calls)
    for key, uses in mine.items():
        if len(uses) >= all_of.get(key, 0):
            yield from uses


def _spread(calls: Iterable[Use], daily: Iterable[DailyUsage], names: Mapping[str, tuple[str, str]]) -> Iterator[Use]:
    """Yield as many calls as the other days had, evenly over the busiest hour of each."""
    mine = Counter({key: len(uses) for key, uses in _by_day(calls).items()})
    for row in daily:
        count = row.total + row.killed
        if count <= mine[row.model, row.day]:
            continue
        operation, provider = names.get(row.model, (DEFAULT_OPERATION, DEFAULT_PROVIDER))
        begin = row.day + (row.peak_hour or 0) * _HOUR
        other = max(row.total - row.ok - row.failed, 0)
        outcomes = (
            [a.OUTCOME_OK] * row.ok + [a.OUTCOME_ERROR] * (row.failed + row.killed) + [a.OUTCOME_CANCELLED] * other
        )
        for number, outcome in enumerate(outcomes):
            time = begin + _HOUR * (number + 0.5) / len(outcomes)
            yield Use(time, row.model, operation, provider, outcome, row.average_seconds)


def _by_day(uses: Iterable[Use]) -> dict[tuple[str, int], list[Use]]:
    found: defaultdict[tuple[str, int], list[Use]] = defaultdict(list)
    for use in uses:
        found[use.model, int(use.time // DAY * DAY)].append(use)
    return found
