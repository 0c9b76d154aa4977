"""What is counted once an hour or a day is over: unique prompts, the peak hour, killed calls.

Each step is one short transaction. An hour that gets a late call afterwards is simply not settled
any more and is counted again.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from genotel.journal import sessions
from genotel.journal.connecting import immediate, snapshot
from genotel.journal.rollup import DAY_SECONDS, HOUR_SECONDS, Rollup
from genotel.journal.rows import KILLED, CallRow

# How long after its end an hour or a day is settled: most late calls are in by then.
DELAY_SECONDS = 120.0
# Counting one hour or day may hold up the writer this long at most; its queue holds more. An hour of
# some million calls stays unsettled, and readers count it themselves.
LIMIT_SECONDS = 2.0

_KILLED_PER_STEP = 1000
# How many instructions of SQLite's machine pass between two looks at the clock: some milliseconds.
_INSTRUCTIONS_PER_LOOK = 100_000

UNIQUE_BY_HOUR = """
SELECT model, operation, count(DISTINCT prompt_hash) FROM calls
WHERE started_at >= ? AND started_at < ? AND outcome IS NOT NULL AND prompt_hash IS NOT NULL
GROUP BY model, operation
"""
UNIQUE_BY_DAY = """
SELECT model, count(DISTINCT prompt_hash) FROM calls
WHERE started_at >= ? AND started_at < ? AND outcome IS NOT NULL AND prompt_hash IS NOT NULL
GROUP BY model
"""


class Settler:
    """Settle one hour, one day or some killed calls at a time."""

    def __init__(self, connection: sqlite3.Connection, *, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._connection = connection
        self._limit_seconds = limit_seconds
        self._too_large: set[tuple[str, int]] = set()

    def step(self, now: float) -> bool:
        """Settle the oldest hour or day that is over at ``now``; return False where none is left."""
        for table, column, length, settle in (
            ("hourly", "hour", HOUR_SECONDS, self._settle_hour),
            ("daily", "day", DAY_SECONDS, self._settle_day),
        ):
            oldest = self._connection.execute(
                f"SELECT DISTINCT {column} FROM {table} WHERE settled = 0 AND {column} < ? ORDER BY {column}",  # noqa: S608  # our own names
                (now - length - DELAY_SECONDS,),
            )
            begin = next((at for (at,) in oldest if (table, at) not in self._too_large), None)
            oldest.close()
            if begin is None:
                continue
            try:
                settle(begin)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                    raise
                self._too_large.add((table, begin))
            return True
        return False

    def step_killed(self, here: sessions.ProcessIdentity, now: float) -> bool:
        """Mark some running calls of dead sessions as killed; return False where none is left."""
        connection = self._connection
        dead = sessions.dead_sessions(connection, here, now, silent_seconds=sessions.SETTLE_SECONDS)
        for session in dead:
            with immediate(connection):
                rows = connection.execute(
                    "SELECT id, started_at, model, operation, prompt_hash FROM calls "
                    "WHERE outcome IS NULL AND session = ? LIMIT ?",
                    (session, _KILLED_PER_STEP),
                ).fetchall()
                rollup = Rollup()
                for _, started_at, model, operation, prompt_hash in rows:
                    prompt = None if prompt_hash is None else ""
                    rollup.add_call(CallRow(started_at, model, operation, "", outcome=KILLED, prompt=prompt))
                rollup.write(connection)
                connection.executemany("UPDATE calls SET outcome = ? WHERE id = ?", [(KILLED, row[0]) for row in rows])
        return bool(dead)

    def _settle_hour(self, hour: int) -> None:
        connection = self._connection
        # Counted outside of the write lock; what changed meanwhile is left for the next time.
        with snapshot(connection):
            known = connection.execute(
                "SELECT model, operation, total + killed FROM hourly WHERE hour = ? AND settled = 0", (hour,)
            ).fetchall()
            unique = {
                (model, operation): count
                for model, operation, count in self._limited(UNIQUE_BY_HOUR, (hour, hour + HOUR_SECONDS))
            }
        with immediate(connection):
            connection.executemany(
                "UPDATE hourly SET unique_prompts = max(unique_prompts, ?), settled = 1 "
                "WHERE hour = ? AND model = ? AND operation = ? AND total + killed = ?",
                [
                    (unique.get((model, operation), 0), hour, model, operation, calls)
                    for model, operation, calls in known
                ],
            )

    def _settle_day(self, day: int) -> None:
        connection = self._connection
        with snapshot(connection):
            known = connection.execute(
                "SELECT model, total, total + killed FROM daily WHERE day = ? AND settled = 0", (day,)
            ).fetchall()
            unique: dict[str, int] = dict(self._limited(UNIQUE_BY_DAY, (day, day + DAY_SECONDS)))
            peaks = peak_hours(connection, day, day + DAY_SECONDS)
        with immediate(connection):
            connection.executemany(
                "UPDATE daily SET unique_prompts = max(unique_prompts, ?), peak_hour = coalesce(?, peak_hour), "
                "settled = 1 "
                "WHERE day = ? AND model = ? AND total + killed = ?",
                [
                    (unique.get(model, 0), _peak(peaks.get((day, model)), total), day, model, calls)
                    for model, total, calls in known
                ],
            )

    def _limited(self, query: str, window: tuple[int, int]) -> list[Any]:
        deadline = time.monotonic() + self._limit_seconds
        connection = self._connection
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _INSTRUCTIONS_PER_LOOK)
        try:
            return connection.execute(query, window).fetchall()
        finally:
            connection.set_progress_handler(None, 0)


def _peak(found: tuple[int, int] | None, total: int) -> int | None:
    # Hours that are no longer there (retention) must not change what was known of their day.
    return found[1] if found is not None and found[0] == total else None


def peak_hours(connection: sqlite3.Connection, since: int, until: int) -> dict[tuple[int, str], tuple[int, int]]:
    """Return the calls that the hours of each day and model hold, and the hour (0–23) with the most of them.

    Args:
        connection: the journal.
        since: the first moment, Unix seconds.
        until: the moment after the last, Unix seconds.
    """
    best: dict[tuple[int, str], tuple[int, int, int]] = {}
    for hour, model, total in connection.execute(
        "SELECT hour, model, sum(total) FROM hourly WHERE hour >= ? AND hour < ? GROUP BY hour, model ORDER BY hour",
        (since, until),
    ):
        key = (hour - hour % DAY_SECONDS, model)
        calls, most, peak = best.get(key, (0, 0, 0))
        if total > most:
            most, peak = total, hour % DAY_SECONDS // HOUR_SECONDS
        best[key] = (calls + total, most, peak)
    return {key: (calls, peak) for key, (calls, _, peak) in best.items() if calls}
