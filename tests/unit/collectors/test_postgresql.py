"""The catalogue of PostgreSQL, by a server that is not one; ``tests/end_to_end/test_database.py`` asks a real one."""

from __future__ import annotations

import pytest

from genotel.collectors.postgresql import PostgresqlCatalogue
from genotel.semconv import attributes as a
from genotel.semconv import database_metrics as m

ANSWERS = {
    "FROM pg_stat_activity WHERE": [
        ("active", 2),
        ("idle in transaction", 1),
        (None, 4),
        ("fastpath function call", 1),
    ],
    "max_connections": [(100,)],
    "FROM pg_locks": [("RowExclusiveLock", True, 3), ("ShareLock", False, 1)],
    "pg_database_size": [(8_000_000,)],
    "FROM pg_stat_database": [(10, 1, 0, 900, 100)],
    "FROM pg_stat_user_tables": [("public.jobs", 7, 2, 50, 5)],
}


class FakeCursor:
    """Answer one statement."""

    def __init__(self, connection):
        self.connection = connection
        self.rows = None

    @property
    def description(self):
        """Return something where there are rows."""
        return None if self.rows is None else [("column",)]

    def execute(self, statement):
        """Find the answer."""
        connection = self.connection
        connection.log.append(statement)
        if any(part in statement for part in connection.refused):
            raise PermissionError
        self.rows = next((rows for part, rows in connection.answers.items() if part in statement), None)

    def fetchall(self):
        """Return the answer."""
        return self.rows

    def close(self):
        """End."""


class FakeConnection:
    """Be a DBAPI connection."""

    def __init__(self, answers, refused=()):
        self.answers = answers
        self.refused = refused
        self.log = []

    def cursor(self):
        """Return a new one."""
        return FakeCursor(self)

    def commit(self):
        """Note it."""
        self.log.append("commit")

    def rollback(self):
        """Note it."""
        self.log.append("rollback")

    def close(self):
        """Note it."""
        self.log.append("close")


def test_the_catalogue_becomes_readings():
    """One a row and figure; states that are not known, or not told, are other ones."""
    connection = FakeConnection(ANSWERS)
    readings, complete = PostgresqlCatalogue("app", lambda: connection).read()
    assert complete
    assert readings == [
        (m.SERVER_CONNECTIONS, ("app", "active"), 2),
        (m.SERVER_CONNECTIONS, ("app", "idle"), 0),
        (m.SERVER_CONNECTIONS, ("app", "idle_in_transaction"), 1),
        (m.SERVER_CONNECTIONS, ("app", "aborted"), 0),
        (m.SERVER_CONNECTIONS, ("app", "other"), 5),
        (m.SERVER_CONNECTION_LIMIT, ("app",), 100),
        (m.LOCKS, ("app", "RowExclusiveLock", a.LOCK_GRANTED), 3),
        (m.LOCKS, ("app", "ShareLock", a.LOCK_WAITING), 1),
        (m.DATABASE_SIZE, ("app",), 8_000_000),
        (m.TRANSACTIONS, ("app", a.TRANSACTION_COMMIT), 10),
        (m.TRANSACTIONS, ("app", a.TRANSACTION_ROLLBACK), 1),
        (m.DEADLOCKS, ("app",), 0),
        (m.BLOCKS, ("app", a.BLOCK_CACHE), 900),
        (m.BLOCKS, ("app", a.BLOCK_DISK), 100),
        (m.TABLE_SCANS, ("app", "public.jobs", a.SCAN_INDEX), 7),
        (m.TABLE_SCANS, ("app", "public.jobs", a.SCAN_SEQUENTIAL), 2),
        (m.TABLE_ROWS, ("app", "public.jobs", a.ROWS_LIVE), 50),
        (m.TABLE_ROWS, ("app", "public.jobs", a.ROWS_DEAD), 5),
    ]


def test_limits_are_set_before_anything_is_asked():
    """And kept, whatever is rolled back later."""
    connection = FakeConnection(ANSWERS)
    PostgresqlCatalogue("app", lambda: connection).read()
    asked_first = next(index for index, statement in enumerate(connection.log) if "pg_stat" in statement)
    assert connection.log[:asked_first] == [
        "SET application_name = 'genotel'",
        "SET statement_timeout = 300",
        "SET lock_timeout = 300",
        "SET default_transaction_read_only = on",
        "commit",
    ]
    assert connection.log[-2:] == ["rollback", "close"]


def test_a_question_that_is_refused_costs_its_own_answer():
    """A size that takes too long, say."""
    connection = FakeConnection(ANSWERS, refused=("pg_database_size",))
    readings, complete = PostgresqlCatalogue("app", lambda: connection).read()
    assert not complete
    assert len(readings) == 17
    assert connection.log.count("rollback") == 2


def test_the_connection_ends_whatever_happens():
    """The server may end while it is asked."""
    connection = FakeConnection(ANSWERS, refused=("statement_timeout",))
    with pytest.raises(PermissionError):
        PostgresqlCatalogue("app", lambda: connection).read()
    assert connection.log[-1] == "close"
