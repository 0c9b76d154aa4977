"""What can go wrong with a journal's file, what is said about it (once), and whether to try again."""

from __future__ import annotations

import enum
import errno
import sqlite3

from genotel import guard
from genotel.errors import JournalError
from genotel.semconv.self_metrics import JOURNAL_DROPPED


class Fault(enum.Enum):
    """Name a reason why a batch was not written; the value is the line that is logged once."""

    LOCKED = "another process keeps the journal locked; calls are held back until it lets go"
    FULL = "the disk of the journal is full; calls are held back until there is room"
    READ_ONLY = "the journal's file or folder cannot be written; make it writable for this user"
    UNREADABLE = "the disk of the journal reports an error; calls are held back and written when it works again"
    CORRUPT = "the journal was corrupt"
    REFUSED = "the journal is from a newer genotel or another program; name another file"
    INHERITED = (
        "this process was forked while the journal's file was in use, so it keeps no journal; "
        "fork before configure(), or start workers by spawn"
    )
    UNSTORABLE = "a record holds what the journal cannot store"
    UNKNOWN = "the journal cannot be written"


class InheritedError(JournalError):
    """Refuse to write to a file that SQLite held open when this process was forked."""


_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BY_CODE = {
    sqlite3.SQLITE_BUSY: Fault.LOCKED,
    sqlite3.SQLITE_LOCKED: Fault.LOCKED,
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_READONLY: Fault.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Fault.READ_ONLY,
    sqlite3.SQLITE_PERM: Fault.READ_ONLY,
    sqlite3.SQLITE_IOERR: Fault.UNREADABLE,
    sqlite3.SQLITE_CORRUPT: Fault.CORRUPT,
    sqlite3.SQLITE_NOTADB: Fault.CORRUPT,
    sqlite3.SQLITE_CONSTRAINT: Fault.UNSTORABLE,
    sqlite3.SQLITE_MISMATCH: Fault.UNSTORABLE,
    sqlite3.SQLITE_TOOBIG: Fault.UNSTORABLE,
}


def fault_of(error: Exception) -> Fault:
    """Return the fault behind an exception of a write."""
    if isinstance(error, InheritedError):
        return Fault.INHERITED
    if isinstance(error, JournalError):
        return Fault.REFUSED
    if isinstance(error, OSError):
        return Fault.FULL if error.errno in _FULL_ERRNOS else Fault.READ_ONLY
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        # The low byte is the primary code, the rest says where it happened.
        return _BY_CODE.get(code & 0xFF, Fault.UNKNOWN)
    if isinstance(error, sqlite3.Error | ValueError | TypeError | OverflowError | AttributeError):
        # Raised by Python before SQLite saw the values.
        return Fault.UNSTORABLE
    return Fault.UNKNOWN


def say(fault: Fault) -> None:
    """Log a fault, the first time that it happens in this process."""
    guard.warn_once(
        f"journal.{fault.name.lower()}",
        "genotel: %s; your program goes on, calls that are lost are counted in %s",
        fault.value,
        JOURNAL_DROPPED.prometheus_name,
    )
