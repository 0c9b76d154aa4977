"""Tables are made once, migrated step by step, and never taken from somebody else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from genotel.errors import JournalError
from genotel.journal.connecting import connect
from genotel.journal.schema import APPLICATION_ID, MIGRATIONS, check, check_header, prepare

OLD = ("CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL); CREATE TABLE notes (text TEXT)",)
NEW = (*OLD, "ALTER TABLE notes ADD COLUMN at REAL; UPDATE notes SET at = 0")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An empty file."""
    file = tmp_path / "journal.db"
    file.touch()
    return file


@pytest.fixture
def bare(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection to it."""
    connection = connect(file)
    yield connection
    connection.close()


def version_of(connection: sqlite3.Connection) -> int:
    """Return what the file says of itself."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_a_new_file_gets_its_tables_its_mark_and_a_key(bare: sqlite3.Connection, file: Path) -> None:
    """The key is random and 32 bytes long."""
    prepare(bare, file)
    assert version_of(bare) == len(MIGRATIONS)
    assert bare.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    (key,) = bare.execute("SELECT value FROM meta WHERE name = 'prompt_key'").fetchone()
    assert len(key) == 32


def test_preparing_again_changes_nothing(bare: sqlite3.Connection, file: Path) -> None:
    """Every opening prepares; the key must stay the same."""
    prepare(bare, file)
    before = list(bare.iterdump())
    prepare(bare, file)
    assert list(bare.iterdump()) == before


def test_an_older_file_is_migrated_and_keeps_its_rows(bare: sqlite3.Connection, file: Path) -> None:
    """Each step is taken once, in order."""
    prepare(bare, file, OLD)
    bare.execute("INSERT INTO notes VALUES ('kept')")
    prepare(bare, file, NEW)
    assert version_of(bare) == 2
    assert bare.execute("SELECT text, at FROM notes").fetchall() == [("kept", 0.0)]


def test_a_migration_that_fails_leaves_the_file_as_it_was(bare: sqlite3.Connection, file: Path) -> None:
    """All steps are one transaction."""
    prepare(bare, file, OLD)
    with pytest.raises(sqlite3.OperationalError):
        prepare(bare, file, (*OLD, "CREATE TABLE half (x)", "CREATE TABLE notes (again)"))
    assert version_of(bare) == 1
    assert bare.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").fetchone() == (0,)
    assert not bare.in_transaction


def test_a_file_from_a_newer_genotel_is_refused(bare: sqlite3.Connection, file: Path) -> None:
    """With and without opening it as a database, in the same words."""
    prepare(bare, file, NEW)
    bare.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    line = r"journal\.db: is a journal of version 2, this genotel knows up to 1; upgrade genotel or name another file$"
    with pytest.raises(JournalError, match=line):
        prepare(bare, file, OLD)
    with pytest.raises(JournalError, match=line):
        check_header(file, OLD)
    check_header(file, NEW)


def test_the_database_of_another_program_is_refused(bare: sqlite3.Connection, file: Path) -> None:
    """Nothing is written into it."""
    bare.execute("CREATE TABLE customers (name)")
    with pytest.raises(JournalError, match="is the database of another program; name a file of its own"):
        prepare(bare, file)
    assert bare.execute("SELECT name FROM sqlite_schema").fetchall() == [("customers",)]


def test_an_empty_file_is_version_0(bare: sqlite3.Connection, file: Path) -> None:
    """A reader that comes first must not take it for a journal."""
    assert check(bare, file) == 0


@pytest.mark.parametrize("content", [b"", b"garbage", b"SQLite format 3\0" + b"\xff" * 60])
def test_what_is_no_journal_passes_the_look_at_the_header(tmp_path: Path, content: bytes) -> None:
    """The writer finds out itself, and sets aside what is corrupt."""
    check_header(tmp_path / "absent")
    file = tmp_path / "file"
    file.write_bytes(content)
    check_header(file)
