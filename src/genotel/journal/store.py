"""Write batches of records to the file: one transaction each, sums included.

Not for programs: :mod:`genotel.journal.writer` stands before it, with the queue and the thread.
One thread at a time may be inside, holding :attr:`JournalStore.lock`.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from genotel.clock import Clock
from genotel.journal import location, schema, sessions
from genotel.journal.connecting import connect, immediate
from genotel.journal.encoding import CALL_COLUMNS, Column, call_columns, prompt_hasher
from genotel.journal.parameter_counts import ParameterCounts
from genotel.journal.retention import prune
from genotel.journal.rollup import DAY_SECONDS, Rollup
from genotel.journal.rows import CallRow, EventRow, WatchRow
from genotel.journal.settling import Settler

# A session that was not looked after for so many heartbeats did not watch meanwhile.
MISSED_HEARTBEATS = 5

# Fewer, larger statements: SQLite gives the interpreter lock away at each, and a busy program takes
# up to 5 ms to hand it back. More rows than this gain nothing.
_ROWS_PER_INSERT = 50

_PARAMETERS = CALL_COLUMNS.index("parameters")
_PLACES = "(" + ", ".join("?" * len(CALL_COLUMNS)) + ")"
_INSERT_CALL = f"INSERT INTO calls ({', '.join(CALL_COLUMNS)}) VALUES {_PLACES}"  # noqa: S608  # our own names
_INSERT_CALLS = _INSERT_CALL + f", {_PLACES}" * (_ROWS_PER_INSERT - 1)
_UPDATE_CALL = f"UPDATE calls SET {', '.join(f'{name} = ?' for name in CALL_COLUMNS)} WHERE id = ? AND outcome IS NULL"  # noqa: S608  # as above
_INSERT_EVENT = (
    "INSERT INTO events (session, at, model, kind, outcome, duration_seconds, source) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


class Batch(NamedTuple):
    """Hold what one transaction writes; calls carry the key that the program gave them.

    ``forgotten`` are the keys of running calls whose end was dropped: their rows go as well.
    """

    finished: Sequence[tuple[int, CallRow]] = ()
    running: Sequence[tuple[int, CallRow]] = ()
    forgotten: Sequence[int] = ()
    events: Sequence[EventRow] = ()
    watches: Sequence[WatchRow] = ()


class JournalStore:
    """Hold the connection to one journal, the session of this process and its running calls."""

    def __init__(self, path: Path, *, retention_days: float, heartbeat_seconds: float, clock: Clock) -> None:
        self.path = path
        self.lock = threading.Lock()
        # Row ids of the calls that are in the file as running, by the program's key.
        self.running: dict[int, int] = {}
        self._retention_seconds = retention_days * DAY_SECONDS
        self._heartbeat_seconds = heartbeat_seconds
        self._clock = clock
        self._started_wall = self._session_start = self._looked_at = clock.wall()
        self._started_monotonic = clock.monotonic()
        self._identity = sessions.this_process()
        self._session: int | None = None
        # Rows lost since the process began, as last written, and those of them before this session.
        self._dropped = self._dropped_before = 0
        self._connection: sqlite3.Connection | None = None
        self._settler: Settler | None = None
        self._file: tuple[int, int] | None = None
        self._key = b""
        self._parameters = ParameterCounts()
        self._hash_prompt: Callable[[str], int] = prompt_hasher(b"-")

    @property
    def is_connected(self) -> bool:
        """Say whether SQLite holds the file open in this process."""
        return self._connection is not None

    def write(self, batch: Batch, rows_dropped: int) -> None:
        """Write a batch, its sums and a heartbeat in one transaction.

        Raises:
            sqlite3.Error, OSError, JournalError: nothing was written, the batch may be tried again.
            ValueError, OverflowError, TypeError: a record holds what SQLite cannot store.
        """
        now = self._look()
        connection = self._connect()
        rollup = Rollup()
        parameters = self._parameters
        parameters.begin()
        known = dict(self.running)
        with immediate(connection):
            session = self._current_session(connection, now, rows_dropped)
            inserts = []
            for key, row in batch.finished:
                columns = call_columns(row, session, self._hash_prompt)
                rollup.add_call(row)
                text = columns[_PARAMETERS]
                if text is not None:
                    parameters.add(row.started_at, row.model, text)  # type: ignore[arg-type]  # JSON is text
                identifier = known.pop(key, None) if known else None
                if identifier is None or not connection.execute(_UPDATE_CALL, (*columns, identifier)).rowcount:
                    inserts.append(columns)
            _insert_calls(connection, inserts)
            connection.executemany(
                "DELETE FROM calls WHERE id = ?", [(known.pop(key),) for key in batch.forgotten if key in known]
            )
            for key, row in batch.running:
                rollup.add_start(row)
                cursor = connection.execute(_INSERT_CALL, call_columns(row, session, self._hash_prompt))
                known[key] = cursor.lastrowid or 0
            for event in batch.events:
                rollup.add_event(event)
            connection.executemany(_INSERT_EVENT, [(session, *event) for event in batch.events])
            for watch in batch.watches:
                imported = sessions.begin(connection, self._identity, *watch)
                sessions.close(connection, imported, watch.last_seen_at, 0)
            rollup.write(connection)
            parameters.write(connection)
        self._session, self._dropped = session, rows_dropped
        self.running = known

    def beat(self, rows_dropped: int) -> None:
        """Write that this process is still watching."""
        self.write(Batch(), rows_dropped)

    def maintain(self) -> bool:
        """Settle or delete a little of what is over; return whether there is more to do."""
        connection = self._connect()
        if self._settler is None:
            self._settler = Settler(connection)
        wall = self._clock.wall()
        # A clock that jumped forwards must not delete what is young: the older of two opinions counts.
        steady = self._started_wall + self._clock.monotonic() - self._started_monotonic
        now = min(wall, steady)
        return (
            self._settler.step_killed(self._identity, wall)
            or self._settler.step(now)
            or prune(connection, now - self._retention_seconds)
        )

    def end(self, rows_dropped: int) -> None:
        """Write the end of the session, fold the log into the file and close it."""
        connection = self._connection
        if connection is None:
            return
        try:
            if self._session is not None:
                sessions.close(connection, self._session, self._clock.wall(), rows_dropped - self._dropped_before)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._session = None
            self.disconnect()

    def disconnect(self) -> None:
        """Close the file; the next write opens it again and goes on with the same session."""
        connection, self._connection, self._settler = self._connection, None, None
        if connection is not None:
            connection.close()

    def set_aside(self) -> Path | None:
        """Rename the corrupt file; return its new name, None where another process has done it."""
        self.disconnect()
        with _folder_lock(self.path.parent):
            if self._file != _identity(self.path):
                return None
            return location.set_aside(self.path, self._clock.wall())

    def begin_again(self) -> None:
        """Forget everything that belongs to the parent of a forked process."""
        self.lock = threading.Lock()
        # Never closed here: it belongs to the parent's thread, whose frames keep it alive in the child.
        self._connection = self._settler = None
        self.running = {}
        self._identity = sessions.this_process()
        self._started_wall = self._session_start = self._looked_at = self._clock.wall()
        self._started_monotonic = self._clock.monotonic()
        self._session = None
        self._dropped = self._dropped_before = 0

    def _look(self) -> float:
        # Time that passed unseen (suspended, or the clock jumped) ends the session.
        now = self._clock.wall()
        unseen = now - self._looked_at
        if not -self._heartbeat_seconds <= unseen <= MISSED_HEARTBEATS * self._heartbeat_seconds:
            self._begin_session(now)
        self._looked_at = now
        return now

    def _begin_session(self, now: float) -> None:
        # What was lost before is told by the session in which it was lost.
        self._session, self._session_start, self._dropped_before = None, now, self._dropped

    def _current_session(self, connection: sqlite3.Connection, now: float, rows_dropped: int) -> int:
        session = self._session
        if session is None:
            session = sessions.begin(connection, self._identity, self._session_start, now)
        sessions.beat(connection, session, now, rows_dropped - self._dropped_before)
        return session

    def _connect(self) -> sqlite3.Connection:
        if self._connection is not None:
            if self._file == _identity(self.path):
                return self._connection
            # Somebody removed or replaced the file; what goes into the old one is lost.
            self.disconnect()
        location.make_private(self.path)
        self._file = _identity(self.path)
        connection = connect(self.path)
        try:
            schema.prepare(connection, self.path)
            key = bytes(connection.execute("SELECT value FROM meta WHERE name = 'prompt_key'").fetchone()[0])
        except BaseException:
            connection.close()
            raise
        if key != self._key:
            if self._key:
                # Another file: neither the session nor the running calls are in it.
                self.running = {}
                self._begin_session(self._looked_at)
            self._key, self._hash_prompt, self._parameters = key, prompt_hasher(key), ParameterCounts()
        self._connection = connection
        return connection


def _insert_calls(connection: sqlite3.Connection, rows: list[tuple[Column, ...]]) -> None:
    whole = len(rows) - len(rows) % _ROWS_PER_INSERT
    for begin in range(0, whole, _ROWS_PER_INSERT):
        chunk = rows[begin : begin + _ROWS_PER_INSERT]
        connection.execute(_INSERT_CALLS, tuple(itertools.chain.from_iterable(chunk)))
    connection.executemany(_INSERT_CALL, rows[whole:])


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    # Two processes that find the same corruption must not set the fresh file aside as well.
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
