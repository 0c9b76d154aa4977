"""Journals in a folder of their own, a clock that is turned by hand, and ready-made records."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genotel.clock import Clock
from genotel.journal.connecting import connect
from genotel.journal.rows import CallRow
from genotel.journal.schema import prepare
from genotel.journal.store import Batch, JournalStore

# 2026-03-02 00:00 UTC, the begin of a day.
DAY = 1_772_409_600.0
HOUR = 3600.0


class TurnedClock:
    """Tell the time that was set; both hands move together unless one is set by hand."""

    def __init__(self, now: float) -> None:
        self.wall = now
        self.monotonic = 1000.0

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += seconds
        self.monotonic += seconds

    @property
    def clock(self) -> Clock:
        """Return it as what the code takes."""
        return Clock(wall=lambda: self.wall, monotonic=lambda: self.monotonic)


@pytest.fixture
def time() -> TurnedClock:
    """A clock that stands at noon of :data:`DAY`."""
    return TurnedClock(DAY + 12 * HOUR)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a journal may be made."""
    return tmp_path / "state" / "journal.db"


@pytest.fixture
def store(path: Path, time: TurnedClock) -> Iterator[JournalStore]:
    """An open journal without a thread."""
    store = JournalStore(path, retention_days=90, heartbeat_seconds=60, clock=time.clock)
    yield store
    store.disconnect()


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """An empty journal, opened for writing."""
    file = tmp_path / "bare.db"
    file.touch()
    connection = connect(file)
    prepare(connection, file)
    yield connection
    connection.close()


def call(at: float = DAY + 12 * HOUR, model: str = "sdxl", outcome: str | None = "ok", **fields: Any) -> CallRow:
    """Return a call that began at ``at``."""
    fields.setdefault("duration_seconds", 2.0 if outcome else None)
    operation = fields.pop("operation", "generate_content")
    return CallRow(at, model, operation, "diffusers", outcome=outcome, **fields)


def finished(*rows: CallRow) -> Batch:
    """Return a batch of calls that ended before they were seen to run."""
    return Batch(finished=[(-1 - number, row) for number, row in enumerate(rows)])


def query(path: Path, sql: str, *values: object) -> list[Any]:
    """Return the rows of a query on a connection of its own."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def running(row: CallRow) -> Callable[[], CallRow]:
    """Return what a program hands over at the start of a call."""
    return lambda: row
