"""Connections for writers and readers, and short transactions."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from genotel.journal.connecting import connect, connect_read_only, immediate, snapshot


def test_a_writer_logs_ahead_and_trusts_no_schema(connection: sqlite3.Connection) -> None:
    """The log survives the death of the process; views of a foreign file run no functions."""
    pragmas = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 1}
    assert connection.execute("PRAGMA trusted_schema").fetchone() == (0,)


def test_what_is_no_database_is_not_left_open(tmp_path: Path) -> None:
    """The connection is closed before the error goes on (a leak would be a warning here)."""
    file = tmp_path / "journal.db"
    file.write_bytes(b"garbage" * 1000)
    with pytest.raises(sqlite3.DatabaseError):
        connect(file)


def test_a_reader_cannot_write(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """Not even by mistake."""
    reader = connect_read_only(tmp_path / "bare.db")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM calls")
    reader.close()


def test_a_name_with_every_sign_is_opened_as_it_is(tmp_path: Path) -> None:
    """A path goes into a URI, where some signs mean something."""
    file = tmp_path / "a?b#c%20d.db"
    file.touch()
    connect(file).close()
    connect_read_only(file).close()
    assert [entry.name for entry in tmp_path.iterdir()] == [file.name]


def test_a_transaction_that_fails_leaves_nothing(connection: sqlite3.Connection) -> None:
    """The error goes on unchanged and the connection is free."""
    with pytest.raises(KeyError), immediate(connection):
        _run_and_raise(connection, "DELETE FROM meta")
    assert connection.execute("SELECT count(*) FROM meta").fetchone() == (1,)
    assert not connection.in_transaction


def test_a_transaction_that_sqlite_ended_itself_is_not_ended_twice(connection: sqlite3.Connection) -> None:
    """As it does when the disk is full."""
    with pytest.raises(KeyError), immediate(connection):
        _run_and_raise(connection, "ROLLBACK")
    with snapshot(connection):
        connection.execute("ROLLBACK")


def test_a_snapshot_sees_one_moment(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """What others write meanwhile is seen afterwards."""
    other = connect(tmp_path / "bare.db")
    with snapshot(connection):
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
        other.execute("INSERT INTO sessions VALUES (1, '', '', '', 1, 1, 1, 1, NULL, 0)")
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
    other.close()


def _run_and_raise(connection: sqlite3.Connection, statement: str) -> None:
    connection.execute(statement)
    raise KeyError
