"""How often each value of each parameter was asked of each model, by the day.

Kept beside the other sums, so that nobody reads a million rows to learn that steps was 30.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter

from genotel.journal.rollup import DAY_SECONDS
from genotel.semconv.attributes import OTHER

# A parameter that never repeats (a seed) must not fill the file; its further values are counted as other.
MAX_VALUES = 1000

_UPSERT = """
INSERT INTO parameters (day, model, parameter, value, calls) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET calls = calls + excluded.calls
"""


class ParameterCounts:
    """Count the parameters of calls batch by batch; remember which values a parameter has had."""

    def __init__(self) -> None:
        self._batch: Counter[tuple[int, str, str]] = Counter()
        self._values: dict[tuple[str, str], set[str]] = {}

    def add(self, started_at: float, model: str, text: str) -> None:
        """Count a call whose parameters are ``text``, a JSON object."""
        self._batch[int(started_at - started_at % DAY_SECONDS), model, text] += 1

    def write(self, connection: sqlite3.Connection) -> None:
        """Add the counts of the batch to the table, inside the caller's transaction."""
        counts: Counter[tuple[int, str, str, str]] = Counter()
        for (day, model, text), calls in self._batch.items():
            for parameter, raw in json.loads(text).items():
                value = raw if isinstance(raw, str) else json.dumps(raw)
                known = self._known(connection, model, parameter)
                if value not in known:
                    if len(known) < MAX_VALUES:
                        known.add(value)
                    else:
                        value = OTHER
                counts[day, model, parameter, value] += calls
        connection.executemany(_UPSERT, [(*key, calls) for key, calls in counts.items()])

    def begin(self) -> None:
        """Forget a batch that may have failed."""
        self._batch.clear()

    def _known(self, connection: sqlite3.Connection, model: str, parameter: str) -> set[str]:
        known = self._values.get((model, parameter))
        if known is None:
            rows = connection.execute(
                "SELECT DISTINCT value FROM parameters WHERE model = ? AND parameter = ?", (model, parameter)
            )
            known = self._values[model, parameter] = {value for (value,) in rows}
        return known
