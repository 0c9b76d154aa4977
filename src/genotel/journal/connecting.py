"""Open a journal's SQLite file for writing or for reading, and run short transactions on it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from genotel.journal.location import SIDE_FILES

# How long a statement waits for another process. Short, since a fork of this process waits as well;
# the writer tries again at its next flush.
WRITER_TIMEOUT_SECONDS = 0.2
READER_TIMEOUT_SECONDS = 5.0

# After how many pages (4 KiB) the log is folded into the file, and to what size it shrinks then.
_CHECKPOINT_PAGES = 1000
_LOG_LIMIT_BYTES = 16 * 2**20


def connect(path: Path) -> sqlite3.Connection:
    """Open a journal for writing; the file must exist, its tables need not.

    ``synchronous=NORMAL`` survives the death of the process without loss and that of the machine
    with the loss of the last moments, never with a broken file.
    """
    connection = sqlite3.connect(path, timeout=WRITER_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={_LOG_LIMIT_BYTES}")
        # A file written by somebody else must not run code of its own (https://www.sqlite.org/security.html).
        connection.execute("PRAGMA trusted_schema=OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open a journal for reading while others write.

    On a medium that cannot be written, the log's shared memory cannot be made either; where there is
    no log, nobody writes, and the file is read as it is.
    """
    has_log = any(path.with_name(path.name + side).exists() for side in SIDE_FILES)
    immutable = not has_log and not os.access(path.parent, os.W_OK)
    uri = f"file:{quote(str(path))}?mode=ro" + ("&immutable=1" if immutable else "")
    connection = sqlite3.connect(
        uri, uri=True, timeout=READER_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection


@contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block as one transaction that holds the write lock from its start."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself where the disk was full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Let every query of the block see the same moment of the journal."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
