"""The tables of a journal, their version, and the steps from each version to the next.

The version is SQLite's ``user_version``. A file is made on first use and migrated on opening for
writing; a file from a newer genotel and the database of another program are refused.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from genotel.errors import JournalError
from genotel.journal.connecting import immediate

# "gnot": marks the file as ours (SQLite's application_id).
APPLICATION_ID = 0x676E6F74

# Every column after ``outcome`` may be NULL: unknown is absent. ``outcome`` is NULL while a call
# runs. prompt_hash is a keyed 64-bit hash; the text of a prompt is never stored.
_VERSION_1 = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    host TEXT NOT NULL, boot TEXT NOT NULL, namespace TEXT NOT NULL,
    pid INTEGER NOT NULL, pid_started INTEGER NOT NULL,
    started_at REAL NOT NULL, last_seen_at REAL NOT NULL, closed_at REAL,
    rows_dropped INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE calls (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL, started_at REAL NOT NULL,
    model TEXT NOT NULL, operation TEXT NOT NULL, provider TEXT NOT NULL, output_type TEXT,
    outcome TEXT, error_type TEXT,
    duration_seconds REAL, queue_seconds REAL, first_chunk_seconds REAL,
    steps INTEGER, outputs INTEGER, input_tokens INTEGER, output_tokens INTEGER,
    experiment TEXT, variant TEXT, parameters TEXT, scores TEXT,
    prompt_hash INTEGER, trace_id TEXT, span_id TEXT
);
CREATE INDEX calls_by_time ON calls (started_at);
CREATE INDEX calls_running ON calls (session) WHERE outcome IS NULL;

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL, at REAL NOT NULL,
    model TEXT NOT NULL, kind TEXT NOT NULL, outcome TEXT NOT NULL,
    duration_seconds REAL, source TEXT
);
CREATE INDEX events_by_time ON events (at);

CREATE TABLE hourly (
    hour INTEGER NOT NULL, model TEXT NOT NULL, operation TEXT NOT NULL,
    total INTEGER NOT NULL, ok INTEGER NOT NULL, failed INTEGER NOT NULL, killed INTEGER NOT NULL,
    timed INTEGER NOT NULL, total_seconds REAL NOT NULL, min_seconds REAL, max_seconds REAL,
    loads INTEGER NOT NULL, load_seconds REAL NOT NULL, load_failures INTEGER NOT NULL,
    unique_prompts INTEGER NOT NULL DEFAULT 0, settled INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (hour, model, operation)
) WITHOUT ROWID;
CREATE INDEX hourly_unsettled ON hourly (hour) WHERE settled = 0;

CREATE TABLE daily (
    day INTEGER NOT NULL, model TEXT NOT NULL,
    total INTEGER NOT NULL, ok INTEGER NOT NULL, failed INTEGER NOT NULL, killed INTEGER NOT NULL,
    timed INTEGER NOT NULL, total_seconds REAL NOT NULL,
    peak_hour INTEGER,
    unique_prompts INTEGER NOT NULL DEFAULT 0, settled INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, model)
) WITHOUT ROWID;
CREATE INDEX daily_unsettled ON daily (day) WHERE settled = 0;

CREATE TABLE parameters (
    model TEXT NOT NULL, parameter TEXT NOT NULL, value TEXT NOT NULL, day INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (model, parameter, value, day)
) WITHOUT ROWID;

CREATE TABLE models (
    model TEXT PRIMARY KEY, first_seen REAL NOT NULL, last_used REAL,
    total INTEGER NOT NULL, ok INTEGER NOT NULL, failed INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE label_sets (
    model TEXT NOT NULL, operation TEXT NOT NULL, provider TEXT NOT NULL, last_used REAL NOT NULL,
    PRIMARY KEY (model, operation, provider)
) WITHOUT ROWID;
"""

# Entry n leads from version n to version n + 1; a released entry never changes.
MIGRATIONS: tuple[str, ...] = (_VERSION_1,)


def prepare(connection: sqlite3.Connection, path: Path, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Make the tables in a new file, migrate an older one, do nothing to a current one.

    All steps run in one transaction: a process that dies meanwhile leaves the file as it was.

    Args:
        connection: opened for writing, in autocommit mode.
        path: the file, for messages.
        migrations: the steps; the version of a file is the number of steps taken.

    Raises:
        JournalError: the file is from a newer genotel or from another program.
    """
    if check(connection, path, migrations) == len(migrations):
        return
    with immediate(connection):
        # Asked again under the lock: another process may have been faster.
        version = check(connection, path, migrations)
        for step in migrations[version:]:
            for statement in step.split(";"):
                connection.execute(statement)
        if version == 0:
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute("INSERT INTO meta VALUES ('prompt_key', ?)", (os.urandom(32),))
        connection.execute(f"PRAGMA user_version={len(migrations)}")


def check(connection: sqlite3.Connection, path: Path, migrations: Sequence[str] = MIGRATIONS) -> int:
    """Return the version of a journal, 0 for an empty file.

    Raises:
        JournalError: the file is from a newer genotel or from another program.
    """
    # In one statement, so of one moment: another process may be making the tables right now.
    version, application, tables = connection.execute(
        "SELECT (SELECT user_version FROM pragma_user_version), "
        "(SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)"
    ).fetchone()
    if application != APPLICATION_ID:
        if version or application or tables:
            raise JournalError("is the database of another program; name a file of its own", file=str(path))
        return 0
    _refuse_newer(int(version), path, migrations)
    return int(version)


def check_header(path: Path, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Refuse a file that is too new, without opening it as a database.

    The version stands at bytes 60–63 and the application at 68–71 of the file
    (https://www.sqlite.org/fileformat2.html, "The Database Header"). A file that is missing, empty or
    no database at all passes: the writer makes a new one, setting a corrupt one aside.

    Raises:
        JournalError: the file is from a newer genotel.
    """
    try:
        with path.open("rb") as file:
            header = file.read(72)
    except OSError:
        return
    ours = int.from_bytes(header[68:72], "big") == APPLICATION_ID
    if header.startswith(b"SQLite format 3\0") and ours:
        _refuse_newer(int.from_bytes(header[60:64], "big"), path, migrations)


def _refuse_newer(version: int, path: Path, migrations: Sequence[str]) -> None:
    if version > len(migrations):
        raise JournalError(
            f"is a journal of version {version}, this genotel knows up to {len(migrations)}; upgrade genotel "
            "or name another file",
            file=str(path),
        )
