"""Hourly and daily sums of calls, kept in the same transaction as the calls themselves.

So the sums are exact whatever dies when: a row and its share of the sums are written together or
not at all. Only what no sum can hold, the number of unique prompts and the peak hour, is settled
after its hour or day is over; until then a reader counts it from the rows.
"""

from __future__ import annotations

import sqlite3

from genotel.journal.rows import KILLED, CallRow, EventRow
from genotel.semconv.attributes import EVENT_LOAD, OUTCOME_ERROR, OUTCOME_OK, OUTCOME_OUT_OF_MEMORY

HOUR_SECONDS = 3600
DAY_SECONDS = 86_400

FAILURES = frozenset({OUTCOME_ERROR, OUTCOME_OUT_OF_MEMORY})

_INFINITY = float("inf")

_UPSERT_HOUR = """
INSERT INTO hourly (hour, model, operation, total, ok, failed, killed, timed, total_seconds, min_seconds, max_seconds,
    loads, load_seconds, load_failures, settled)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    total = total + excluded.total, ok = ok + excluded.ok, failed = failed + excluded.failed,
    killed = killed + excluded.killed, timed = timed + excluded.timed,
    total_seconds = total_seconds + excluded.total_seconds,
    min_seconds = coalesce(min(min_seconds, excluded.min_seconds), min_seconds, excluded.min_seconds),
    max_seconds = coalesce(max(max_seconds, excluded.max_seconds), max_seconds, excluded.max_seconds),
    loads = loads + excluded.loads, load_seconds = load_seconds + excluded.load_seconds,
    load_failures = load_failures + excluded.load_failures, settled = min(settled, excluded.settled)
"""
_UPSERT_DAY = """
INSERT INTO daily (day, model, total, ok, failed, killed, timed, total_seconds)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    total = total + excluded.total, ok = ok + excluded.ok, failed = failed + excluded.failed,
    killed = killed + excluded.killed, timed = timed + excluded.timed,
    total_seconds = total_seconds + excluded.total_seconds, settled = 0
"""
_UPSERT_MODEL = """
INSERT INTO models (model, first_seen, last_used, total, ok, failed) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    first_seen = min(first_seen, excluded.first_seen),
    last_used = coalesce(max(last_used, excluded.last_used), last_used, excluded.last_used),
    total = total + excluded.total, ok = ok + excluded.ok, failed = failed + excluded.failed
"""
_UPSERT_LABEL_SET = """
INSERT INTO label_sets (model, operation, provider, last_used) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET last_used = max(last_used, excluded.last_used)
"""


class _Cell:
    """Hold the sums of one hour, model and operation within one batch."""

    __slots__ = (
        *("total", "ok", "failed", "killed", "timed", "total_seconds", "min_seconds", "max_seconds"),
        *("loads", "load_seconds", "load_failures", "has_prompts", "first", "last"),
    )

    def __init__(self) -> None:
        self.total = self.ok = self.failed = self.killed = self.timed = 0
        self.total_seconds = 0.0
        self.min_seconds = _INFINITY
        self.max_seconds = 0.0
        self.loads = self.load_failures = 0
        self.load_seconds = 0.0
        self.has_prompts = False
        # When calls began, the first and the last; infinite and 0 without a call.
        self.first = _INFINITY
        self.last = 0.0


class Rollup:
    """Add up one batch in plain numbers, then write it with one upsert per hour, day and model."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, str, str], _Cell] = {}
        self._seen: dict[str, tuple[float, float | None]] = {}
        self._label_sets: dict[tuple[str, str, str], float] = {}

    def add_call(self, row: CallRow) -> None:
        """Count a finished or killed call; ``started_at`` must be a finite Unix time."""
        started_at = row.started_at
        cell = self._cell(started_at, row.model, row.operation)
        # Rows come nearly in order, so the last one is the latest but for moments.
        self._label_sets[row.model, row.operation, row.provider] = started_at
        outcome = row.outcome
        if started_at < cell.first:
            cell.first = started_at
        if started_at > cell.last:
            cell.last = started_at
        if row.prompt is not None:
            cell.has_prompts = True
        if outcome == OUTCOME_OK:
            cell.ok += 1
        elif outcome in FAILURES:
            cell.failed += 1
        elif outcome == KILLED:
            cell.killed += 1
            return
        cell.total += 1
        seconds = row.duration_seconds
        if seconds is not None and 0.0 <= seconds < _INFINITY:
            cell.timed += 1
            cell.total_seconds += seconds
            if seconds < cell.min_seconds:
                cell.min_seconds = seconds
            if seconds > cell.max_seconds:
                cell.max_seconds = seconds

    def add_start(self, row: CallRow) -> None:
        """Note that a model was used by a call that still runs."""
        first, last = self._seen.get(row.model, (_INFINITY, None))
        self._seen[row.model] = (min(first, row.started_at), max(last or 0.0, row.started_at))

    def add_event(self, row: EventRow) -> None:
        """Count a load; note that the model of any event exists."""
        first, last = self._seen.get(row.model, (_INFINITY, None))
        self._seen[row.model] = (min(first, row.at), last)
        if row.kind != EVENT_LOAD:
            return
        cell = self._cell(row.at, row.model, "")
        if row.outcome != OUTCOME_OK:
            cell.load_failures += 1
            return
        cell.loads += 1
        seconds = row.duration_seconds
        if seconds is not None and 0.0 <= seconds < _INFINITY:
            cell.load_seconds += seconds

    def write(self, connection: sqlite3.Connection) -> None:
        """Add the sums to the tables, inside the caller's transaction."""
        days: dict[tuple[int, str], list[float]] = {}
        models: dict[str, list[float]] = {}
        hours = []
        for (hour, model, operation), cell in self._cells.items():
            has_calls = cell.total or cell.killed
            hours.append(
                (
                    *(hour, model, operation, cell.total, cell.ok, cell.failed, cell.killed),
                    *(cell.timed, cell.total_seconds, cell.min_seconds if cell.timed else None),
                    *(cell.max_seconds if cell.timed else None, cell.loads, cell.load_seconds, cell.load_failures),
                    0 if cell.has_prompts else 1,
                )
            )
            if has_calls:
                day = days.setdefault((hour - hour % DAY_SECONDS, model), [0, 0, 0, 0, 0, 0.0])
                sums = (cell.total, cell.ok, cell.failed, cell.killed, cell.timed, cell.total_seconds)
                day[:] = [before + more for before, more in zip(day, sums, strict=True)]
                known = models.setdefault(model, [_INFINITY, 0.0, 0, 0, 0])
                known[:] = [
                    *(min(known[0], cell.first), max(known[1], cell.last)),
                    *(known[2] + cell.total, known[3] + cell.ok, known[4] + cell.failed),
                ]
        connection.executemany(_UPSERT_HOUR, hours)
        connection.executemany(_UPSERT_DAY, [(*key, *sums) for key, sums in days.items()])
        connection.executemany(_UPSERT_MODEL, [(model, *known) for model, known in models.items()])
        connection.executemany(
            _UPSERT_MODEL, [(model, first, last, 0, 0, 0) for model, (first, last) in self._seen.items()]
        )
        connection.executemany(_UPSERT_LABEL_SET, [(*key, last) for key, last in self._label_sets.items()])

    def _cell(self, at: float, model: str, operation: str) -> _Cell:
        key = (int(at - at % HOUR_SECONDS), model, operation)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Cell()
        return cell
