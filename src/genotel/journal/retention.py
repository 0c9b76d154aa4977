"""Delete what is older than the retention, in steps that hold the file up for milliseconds.

Daily sums and what is known of each model stay for ever: they are small and name nobody.
"""

from __future__ import annotations

import sqlite3

from genotel.journal.connecting import immediate
from genotel.journal.rollup import DAY_SECONDS, HOUR_SECONDS

# Some 20 ms of a slow disk.
ROWS_PER_STEP = 2000

# Each with the age, in seconds beyond the cutoff, at which a row goes: an hour or a day once it is over.
_STATEMENTS = (
    ("DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE started_at < ? ORDER BY started_at LIMIT ?)", 0),
    ("DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < ? ORDER BY at LIMIT ?)", 0),
    (
        "DELETE FROM hourly WHERE (hour, model, operation) IN "
        "(SELECT hour, model, operation FROM hourly WHERE hour < ? ORDER BY hour LIMIT ?)",
        HOUR_SECONDS,
    ),
    (
        "DELETE FROM parameters WHERE (model, parameter, value, day) IN "
        "(SELECT model, parameter, value, day FROM parameters WHERE day < ? LIMIT ?)",
        DAY_SECONDS,
    ),
    # A session stays while one of its calls runs.
    (
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE last_seen_at < ? AND NOT EXISTS "
        "(SELECT 1 FROM calls WHERE calls.session = sessions.id AND outcome IS NULL) LIMIT ?)",
        0,
    ),
)


def prune(connection: sqlite3.Connection, cutoff: float, rows: int = ROWS_PER_STEP) -> bool:
    """Delete up to ``rows`` rows of each table from before ``cutoff``; return False where none is left.

    Args:
        connection: the journal, opened for writing.
        cutoff: Unix seconds; an hour or a day goes when it was over by then.
        rows: how many rows of a table one step deletes at most.
    """
    before = connection.total_changes
    with immediate(connection):
        for statement, age in _STATEMENTS:
            connection.execute(statement, (cutoff - age, rows))
    return connection.total_changes > before
