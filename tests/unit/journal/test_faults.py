"""What went wrong is told apart, and said once."""

from __future__ import annotations

import errno
import logging
import sqlite3

import pytest

from genotel.errors import JournalError
from genotel.journal.faults import Fault, InheritedError, fault_of, say


def sqlite_error(code: int) -> sqlite3.OperationalError:
    """Return an error as SQLite raises it."""
    error = sqlite3.OperationalError("a text that may hold a path")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (sqlite_error(sqlite3.SQLITE_BUSY), Fault.LOCKED),
        (sqlite_error(sqlite3.SQLITE_BUSY_RECOVERY), Fault.LOCKED),
        (sqlite_error(sqlite3.SQLITE_FULL), Fault.FULL),
        (sqlite_error(sqlite3.SQLITE_READONLY_DBMOVED), Fault.READ_ONLY),
        (sqlite_error(sqlite3.SQLITE_CANTOPEN), Fault.READ_ONLY),
        (sqlite_error(sqlite3.SQLITE_IOERR_WRITE), Fault.UNREADABLE),
        (sqlite_error(sqlite3.SQLITE_CORRUPT_INDEX), Fault.CORRUPT),
        (sqlite_error(sqlite3.SQLITE_NOTADB), Fault.CORRUPT),
        (sqlite_error(sqlite3.SQLITE_CONSTRAINT_NOTNULL), Fault.UNSTORABLE),
        (sqlite_error(sqlite3.SQLITE_ERROR), Fault.UNKNOWN),
        (OSError(errno.ENOSPC, "full"), Fault.FULL),
        (PermissionError(errno.EACCES, "denied"), Fault.READ_ONLY),
        (sqlite3.ProgrammingError("cannot bind"), Fault.UNSTORABLE),
        (OverflowError(), Fault.UNSTORABLE),
        (InheritedError("forked"), Fault.INHERITED),
        (JournalError("too new"), Fault.REFUSED),
        (MemoryError(), Fault.UNKNOWN),
    ],
)
def test_a_fault_is_told_by_its_code(error: Exception, fault: Fault) -> None:
    """The primary code decides, and what Python raises before SQLite sees a value."""
    assert fault_of(error) is fault


def test_a_fault_is_said_once_without_the_text_of_the_error(caplog: pytest.LogCaptureFixture) -> None:
    """Each fault has a line of its own, which names the counter to look at."""
    with caplog.at_level(logging.WARNING):
        for fault in (Fault.FULL, Fault.FULL, Fault.LOCKED):
            say(fault)
    assert [Fault.FULL.value in line for line in caplog.messages] == [True, False]
    assert all("genotel_journal_dropped_total" in line and "\n" not in line for line in caplog.messages)
