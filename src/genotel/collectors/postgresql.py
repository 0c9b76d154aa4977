"""What a PostgreSQL server says of one database in its catalogue: sessions, locks, tables, size.

All of it is counted by the server anyway; nothing here reads a user's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from genotel.collectors.collector import Reading
from genotel.semconv import attributes as a
from genotel.semconv import database_metrics as m

# The server ends what takes longer; a catalogue that cannot be read in this time is not to be waited for.
STATEMENT_MILLISECONDS = 300

# Read only, by a name that a database's keeper can look up in pg_stat_activity.
_PREPARE = (
    "SET application_name = 'genotel'",
    f"SET statement_timeout = {STATEMENT_MILLISECONDS}",
    f"SET lock_timeout = {STATEMENT_MILLISECONDS}",
    "SET default_transaction_read_only = on",
)

_STATES = {
    "active": "active",
    "idle": "idle",
    "idle in transaction": "idle_in_transaction",
    "idle in transaction (aborted)": "aborted",
}

_Rows = Iterable[tuple[Any, ...]]


class PostgresqlCatalogue:
    """Read the catalogue of one database by a connection of its own.

    Args:
        name: of the database on the page.
        connect: opens a DBAPI connection; it is closed after each reading.
    """

    def __init__(self, name: str, connect: Callable[[], Any]) -> None:
        self.name = name
        self._connect = connect

    def read(self) -> tuple[list[Reading], bool]:
        """Return the readings, and whether they are complete: a question that failed has none.

        Raises:
            Exception: of the driver: there is no connection.
        """
        connection = self._connect()
        try:
            for statement in _PREPARE:
                _rows(connection, statement)
            connection.commit()
            readings: list[Reading] = []
            complete = True
            for statement, told in _QUESTIONS:
                try:
                    readings += told(self.name, _rows(connection, statement))
                except Exception:
                    # Not allowed to this user, or over its time: the others can still be asked.
                    complete = False
                    connection.rollback()
            connection.rollback()
            return readings, complete
        finally:
            connection.close()


def _rows(connection: Any, statement: str) -> list[tuple[Any, ...]]:
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
        return [*cursor.fetchall()] if cursor.description else []
    finally:
        cursor.close()


def _sessions(name: str, rows: _Rows) -> Iterator[Reading]:
    counts = dict.fromkeys(a.SESSION_STATES, 0)
    for state, count in rows:
        # Of other users' sessions one may have to be allowed to know the state.
        counts[_STATES.get(state, a.OTHER)] += count
    for word, count in counts.items():
        yield m.SERVER_CONNECTIONS, (name, word), count


def _limit(name: str, rows: _Rows) -> Iterator[Reading]:
    for (limit,) in rows:
        yield m.SERVER_CONNECTION_LIMIT, (name,), limit


def _locks(name: str, rows: _Rows) -> Iterator[Reading]:
    for mode, granted, count in rows:
        yield m.LOCKS, (name, mode, a.LOCK_GRANTED if granted else a.LOCK_WAITING), count


def _size(name: str, rows: _Rows) -> Iterator[Reading]:
    for (size,) in rows:
        yield m.DATABASE_SIZE, (name,), size


def _totals(name: str, rows: _Rows) -> Iterator[Reading]:
    for commits, rollbacks, deadlocks, cached, read in rows:
        yield m.TRANSACTIONS, (name, a.TRANSACTION_COMMIT), commits
        yield m.TRANSACTIONS, (name, a.TRANSACTION_ROLLBACK), rollbacks
        yield m.DEADLOCKS, (name,), deadlocks
        yield m.BLOCKS, (name, a.BLOCK_CACHE), cached
        yield m.BLOCKS, (name, a.BLOCK_DISK), read


def _tables(name: str, rows: _Rows) -> Iterator[Reading]:
    for table, by_index, sequential, live, dead in rows:
        yield m.TABLE_SCANS, (name, table, a.SCAN_INDEX), by_index
        yield m.TABLE_SCANS, (name, table, a.SCAN_SEQUENTIAL), sequential
        yield m.TABLE_ROWS, (name, table, a.ROWS_LIVE), live
        yield m.TABLE_ROWS, (name, table, a.ROWS_DEAD), dead


# A statement -> what its rows tell. Our own session is left out. Locks on rows are waited for by the other
# transaction's number, which belongs to no database; so locks are found by their sessions.
_QUESTIONS: tuple[tuple[str, Callable[[str, _Rows], Iterator[Reading]]], ...] = (
    (
        "SELECT state, count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() GROUP BY state",
        _sessions,
    ),
    ("SELECT current_setting('max_connections')::int", _limit),
    (
        "SELECT l.mode, l.granted, count(*) FROM pg_locks l JOIN pg_stat_activity s ON s.pid = l.pid"
        " WHERE s.datname = current_database() AND l.pid <> pg_backend_pid() GROUP BY l.mode, l.granted",
        _locks,
    ),
    ("SELECT pg_database_size(current_database())", _size),
    (
        "SELECT xact_commit, xact_rollback, deadlocks, blks_hit, blks_read FROM pg_stat_database"
        " WHERE datname = current_database()",
        _totals,
    ),
    (
        "SELECT t.schemaname || '.' || t.relname, coalesce(t.idx_scan, 0), t.seq_scan, t.n_live_tup, t.n_dead_tup"
        " FROM pg_stat_user_tables t JOIN pg_class c ON c.oid = t.relid"
        " ORDER BY c.relpages DESC, t.relid LIMIT 50",
        _tables,
    ),
)
