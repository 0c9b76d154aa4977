"""The metrics of databases: what a program's SQLAlchemy engine does, and what PostgreSQL says of itself.

Names of OpenTelemetry where it has some (``db.client.*``, stable conventions of databases).
"""

from __future__ import annotations

from genotel.semconv import attributes as a
from genotel.semconv.spec import Kind, Merge, MetricSpec

# The conventions advise these, from a cached row to a report.
_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)


def _client(name: str, kind: Kind, unit: str, help: str, *labels: str) -> MetricSpec:
    buckets = _SECONDS if kind is Kind.HISTOGRAM else ()
    return MetricSpec(name, kind, unit, help, labels=labels, buckets=buckets, observable=kind is not Kind.HISTOGRAM)


OPERATION_DURATION = _client(
    "db.client.operation.duration",
    Kind.HISTOGRAM,
    "s",
    "Time that the driver took to execute an operation; error.type only where it failed.",
    a.DATABASE_SYSTEM,
    a.DATABASE,
    a.DATABASE_OPERATION,
    a.ERROR_TYPE,
)
OPERATIONS = MetricSpec(
    "genotel.database.operations",
    Kind.COUNTER,
    "{operation}",
    "Operations by first word and outcome.",
    labels=(a.DATABASE_SYSTEM, a.DATABASE, a.DATABASE_OPERATION, a.OUTCOME),
    closed=((a.DATABASE_OPERATION, a.DATABASE_OPERATIONS), (a.OUTCOME, a.DATABASE_OUTCOMES)),
    observable=True,
)
CONNECTION_COUNT = MetricSpec(
    "db.client.connection.count",
    Kind.UP_DOWN_COUNTER,
    "{connection}",
    "Connections of a pool, in use and idle.",
    labels=(a.POOL, a.POOL_STATE),
    closed=((a.POOL_STATE, a.POOL_STATES),),
    observable=True,
)
CONNECTION_IDLE_MAX = _client(
    "db.client.connection.idle.max", Kind.UP_DOWN_COUNTER, "{connection}", "Connections that a pool keeps.", a.POOL
)
CONNECTION_MAX = _client(
    "db.client.connection.max",
    Kind.UP_DOWN_COUNTER,
    "{connection}",
    "Connections that a pool makes at most, overflow included; absent where there is no limit.",
    a.POOL,
)
POOL_OVERFLOW = _client(
    "genotel.database.pool.overflow",
    Kind.UP_DOWN_COUNTER,
    "{connection}",
    "Connections beyond those that a pool keeps.",
    a.POOL,
)
CONNECTION_PENDING = _client(
    "db.client.connection.pending_requests",
    Kind.UP_DOWN_COUNTER,
    "{request}",
    "Requests that wait for a connection now.",
    a.POOL,
)
CONNECTION_TIMEOUTS = _client(
    "db.client.connection.timeouts", Kind.COUNTER, "{timeout}", "Requests that waited for a connection in vain.", a.POOL
)
CONNECTION_WAIT_TIME = _client(
    "db.client.connection.wait_time",
    Kind.HISTOGRAM,
    "s",
    "Time until a connection was had, opened anew or from the pool.",
    a.POOL,
)


def _server(
    name: str, kind: Kind, unit: str, help: str, *labels: str, closed: tuple[tuple[str, tuple[str, ...]], ...] = ()
) -> MetricSpec:
    # Every worker sees the same server, so its values are never summed over workers.
    return MetricSpec(name, kind, unit, help, labels=(a.DATABASE, *labels), closed=closed, merge=Merge.LAST)


SERVER_CONNECTIONS = _server(
    "genotel.database.connections",
    Kind.GAUGE,
    "{connection}",
    "Connections to a database by state, those of every program.",
    a.SESSION_STATE,
    closed=((a.SESSION_STATE, a.SESSION_STATES),),
)
SERVER_CONNECTION_LIMIT = _server(
    "genotel.database.connection.limit", Kind.GAUGE, "{connection}", "Connections that the server takes at most."
)
LOCKS = _server(
    "genotel.database.locks",
    Kind.GAUGE,
    "{lock}",
    "Locks by mode, held and waited for.",
    a.LOCK_MODE,
    a.LOCK_STATE,
    closed=((a.LOCK_STATE, a.LOCK_STATES),),
)
DATABASE_SIZE = _server("genotel.database.size", Kind.GAUGE, "By", "Size of a database on its disk.")
TRANSACTIONS = _server(
    "genotel.database.transactions",
    Kind.COUNTER,
    "{transaction}",
    "Transactions by their end.",
    a.TRANSACTION_END,
    closed=((a.TRANSACTION_END, a.TRANSACTION_ENDS),),
)
DEADLOCKS = _server("genotel.database.deadlocks", Kind.COUNTER, "{deadlock}", "Deadlocks that the server ended.")
BLOCKS = _server(
    "genotel.database.blocks",
    Kind.COUNTER,
    "{block}",
    "Blocks that were wanted, found in memory or read.",
    a.BLOCK_SOURCE,
    closed=((a.BLOCK_SOURCE, a.BLOCK_SOURCES),),
)
TABLE_SCANS = _server(
    "genotel.database.table.scans",
    Kind.COUNTER,
    "{scan}",
    "Scans of a table, by index and of the whole; the 50 largest tables.",
    a.TABLE,
    a.SCAN,
    closed=((a.SCAN, a.SCANS),),
)
TABLE_ROWS = _server(
    "genotel.database.table.rows",
    Kind.GAUGE,
    "{row}",
    "Rows of a table by the server's estimate, live and dead; the 50 largest tables.",
    a.TABLE,
    a.ROW_STATE,
    closed=((a.ROW_STATE, a.ROW_STATES),),
)

DATABASE_METRICS = (
    OPERATION_DURATION,
    OPERATIONS,
    CONNECTION_COUNT,
    CONNECTION_IDLE_MAX,
    CONNECTION_MAX,
    POOL_OVERFLOW,
    CONNECTION_PENDING,
    CONNECTION_TIMEOUTS,
    CONNECTION_WAIT_TIME,
    SERVER_CONNECTIONS,
    SERVER_CONNECTION_LIMIT,
    LOCKS,
    DATABASE_SIZE,
    TRANSACTIONS,
    DEADLOCKS,
    BLOCKS,
    TABLE_SCANS,
    TABLE_ROWS,
)
