"""Old rows go in small steps, sums of days stay."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from genotel.journal.connecting import connect
from genotel.journal.retention import prune
from genotel.journal.rows import EventRow, WatchRow
from genotel.journal.store import Batch, JournalStore
from tests.unit.journal.conftest import DAY, HOUR, call, finished, query


def counts(path: Path) -> dict[str, int]:
    """Return how many rows each table has."""
    return {
        table: query(path, f"SELECT count(*) FROM {table}")[0][0]
        for table in ("calls", "events", "hourly", "daily", "models", "parameters", "sessions")
    }


def test_only_what_is_older_goes(store: JournalStore, path: Path) -> None:
    """An hour goes when all of it is older; days and models stay for ever."""
    batch = Batch(
        finished=[
            (1, call(DAY - 24 * HOUR, parameters={"steps": 1})),
            (2, call(DAY + 2 * HOUR)),
            (3, call(DAY + 2 * HOUR + 60, parameters={"steps": 1})),
        ],
        events=[EventRow(DAY, "sdxl", "load", "ok"), EventRow(DAY + 3 * HOUR, "sdxl", "unload", "ok")],
        watches=[WatchRow(DAY, DAY + 60), WatchRow(DAY, DAY + 4 * HOUR)],
    )
    store.write(batch, 0)
    connection = connect(path)
    cutoff = DAY + 2 * HOUR + 30
    assert prune(connection, cutoff)
    assert not prune(connection, cutoff)
    connection.close()
    assert counts(path) == {
        "calls": 1,
        "events": 1,
        "hourly": 1,
        "daily": 2,
        "models": 1,
        "parameters": 1,
        "sessions": 2,
    }
    assert query(path, "SELECT total FROM hourly") == [(2,)]
    assert query(path, "SELECT total FROM daily") == [(1,), (2,)]


def test_a_step_is_bounded(store: JournalStore, path: Path) -> None:
    """A long-forgotten journal is cut down in many short transactions."""
    store.write(finished(*[call(DAY + n) for n in range(25)]), 0)
    connection = connect(path)
    left = []
    while prune(connection, DAY + HOUR * 24, rows=10):
        left.append(counts(path)["calls"])
    connection.close()
    assert left == [15, 5, 0]


def test_a_session_stays_as_long_as_its_call_runs(store: JournalStore, path: Path) -> None:
    """Otherwise nobody could say that the call was killed."""
    store.write(Batch(running=[(1, call(DAY + 9 * HOUR, outcome=None))]), 0)
    connection: sqlite3.Connection = connect(path)
    connection.execute("UPDATE sessions SET last_seen_at = ?", (DAY,))
    assert not prune(connection, DAY + HOUR)
    connection.close()
    assert counts(path)["sessions"] == 1
