"""Read a journal while others write it: records as they are, sums from the rollups.

What the rollups do not hold yet (unique prompts and peaks of the running hour and day, calls whose
process died) is counted from the rows, so that every figure is exact at the moment of reading.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.errors import JournalError
from genotel.journal import forking, schema, usage
from genotel.journal.connecting import connect, connect_read_only
from genotel.journal.rows import (
    KILLED,
    CallRecord,
    DailyUsage,
    EventRecord,
    HourlyUsage,
    LabelSet,
    ModelUsage,
    ParameterCount,
    ScoreRecord,
    Session,
)
from genotel.journal.sessions import dead_sessions, this_process
from genotel.semconv import attributes as a

_CALL_COLUMNS = ", ".join(CallRecord._fields)
_EVENT_COLUMNS = ", ".join(EventRecord._fields)


class JournalReader:
    """Read one journal; a context manager. Times are Unix seconds, windows contain ``since`` but not ``until``.

    Args:
        path: the file.
        clock: where the present moment comes from.

    Raises:
        JournalError: by every method too: the file is missing, corrupt, too new or not a journal.
    """

    def __init__(self, path: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path = Path(path)
        self._clock = clock
        if not self.path.is_file():
            raise JournalError(
                "no such journal; configure(journal=…), GENOTEL_JOURNAL or genotel run --journal begins one",
                file=str(self.path),
            )
        with self._translated():
            self._connection = _open(self.path)
        self._is_open = True
        forking.register(self)

    def close(self) -> None:
        """Close the file."""
        self._is_open = False
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def calls(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        model: str | None = None,
        limit: int | None = None,
    ) -> Iterator[CallRecord]:
        """Yield calls by their start, the oldest first; with ``limit`` only the newest so many."""
        where, values = _window("started_at", since, until, model)
        with self._translated():
            dead = dead_sessions(self._connection, this_process(), self._clock.wall())
            for row in self._newest("calls", _CALL_COLUMNS, "started_at", where, values, limit):
                fields = list(row)
                if fields[_OUTCOME] is None and fields[_SESSION] in dead:
                    fields[_OUTCOME] = KILLED
                for column in (_PARAMETERS, _SCORES):
                    fields[column] = json.loads(fields[column]) if fields[column] else {}
                if fields[_PROMPT] is not None:
                    fields[_PROMPT] = f"{fields[_PROMPT] % 2**64:016x}"
                yield CallRecord(*fields)

    def events(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        model: str | None = None,
        kind: str | None = None,
        limit: int | None = None,
    ) -> Iterator[EventRecord]:
        """Yield events, the oldest first; with ``limit`` only the newest so many."""
        where, values = _window("at", since, until, model, kind=kind)
        with self._translated():
            for row in self._newest("events", _EVENT_COLUMNS, "at", where, values, limit):
                yield EventRecord(*row)

    def hourly(
        self, *, since: float | None = None, until: float | None = None, model: str | None = None
    ) -> Iterator[HourlyUsage]:
        """Yield the sums of every hour that begins in the window, by hour, model and operation."""
        with self._translated():
            yield from usage.hourly(self._connection, since, until, model, self._dead())

    def daily(
        self, *, since: float | None = None, until: float | None = None, model: str | None = None
    ) -> Iterator[DailyUsage]:
        """Yield the sums of every UTC day that begins in the window, by day and model; days are kept for ever."""
        with self._translated():
            yield from usage.daily(self._connection, since, until, model, self._dead())

    def models(self) -> list[ModelUsage]:
        """Return every model that was ever seen, by name."""
        with self._translated():
            rows = self._connection.execute(
                "SELECT model, first_seen, last_used, total, ok, failed FROM models ORDER BY model"
            )
            return [ModelUsage(*row) for row in rows]

    def label_sets(self, *, since: float = 0.0, limit: int = 1000) -> list[LabelSet]:
        """Return what calls were counted under since a time, the last used first, at most ``limit``."""
        with self._translated():
            rows = self._connection.execute(
                "SELECT model, operation, provider, last_used FROM label_sets WHERE last_used >= ?"
                " ORDER BY last_used DESC LIMIT ?",
                (since, limit),
            )
            return [LabelSet(*row) for row in rows]

    def sessions(self) -> list[Session]:
        """Return when somebody was watching, the oldest first."""
        with self._translated():
            rows = self._connection.execute(
                "SELECT id, host, pid, started_at, last_seen_at, rows_dropped FROM sessions ORDER BY started_at, id"
            )
            return [Session(*row) for row in rows]

    def parameters(
        self, model: str | None = None, *, since: float | None = None, until: float | None = None
    ) -> Iterator[ParameterCount]:
        """Yield how often each value of each parameter was asked of each model.

        The window holds whole UTC days, those that begin in it. From some 1,000 distinct values of a
        parameter on, further ones are counted as ``other``.
        """
        where, values = _window("day", since, until, model)
        with self._translated():
            rows = self._connection.execute(
                f"SELECT model, parameter, value, sum(calls) FROM parameters WHERE {where} "  # noqa: S608  # our own names
                "GROUP BY model, parameter, value",
                values,
            )
            yield from map(ParameterCount._make, rows)

    def out_of_memory(
        self, *, since: float | None = None, until: float | None = None
    ) -> Iterator[tuple[str, int, int]]:
        """Yield (model, hour, calls that ran out of memory), hours counted from the Unix epoch."""
        where, values = _window("started_at", since, until, None)
        with self._translated():
            yield from self._connection.execute(
                f"SELECT model, CAST(started_at / 3600 AS INTEGER), count(*) FROM calls WHERE {where} "  # noqa: S608  # our own names
                "AND outcome = ? GROUP BY 1, 2 ORDER BY 1, 2",
                [*values, a.OUTCOME_OUT_OF_MEMORY],
            )

    def batch_sizes(
        self,
        names: Collection[str],
        models: Collection[str],
        *,
        since: float | None = None,
        until: float | None = None,
    ) -> Iterator[tuple[str, float, int, int, float]]:
        """Yield (model, batch size, day, calls, seconds) of calls that went well, days counted from the Unix epoch.

        Args:
            names: the parameters that say how many items a call makes at once; the largest of a call counts.
            models: whose calls to look at.
            since, until: as everywhere.
        """
        where, values = _window("started_at", since, until, None)
        marks, chosen = (", ".join("?" * len(words)) for words in (names, models))
        with self._translated():
            yield from self._connection.execute(
                "SELECT model, size, day, count(*), sum(duration_seconds) FROM ("  # noqa: S608  # our own names
                "SELECT model, duration_seconds, CAST(started_at / 86400 AS INTEGER) AS day, (SELECT max(value) FROM "
                f"json_each(parameters) WHERE key IN ({marks}) AND type IN ('integer', 'real')) AS size FROM calls "
                f"WHERE {where} AND model IN ({chosen}) AND outcome = ? AND duration_seconds > 0) WHERE size >= 1 "
                "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
                [*names, *values, *models, a.OUTCOME_OK],
            )

    def scores(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        model: str | None = None,
        experiment: str | None = None,
    ) -> Iterator[ScoreRecord]:
        """Yield the quality figures of calls by their start, the oldest first."""
        where, values = _window("started_at", since, until, model, experiment=experiment)
        with self._translated():
            rows = self._connection.execute(
                f"SELECT started_at, model, experiment, variant, scores FROM calls "  # noqa: S608  # our own names
                f"WHERE {where} AND scores IS NOT NULL ORDER BY started_at",
                values,
            )
            for at, name, of_experiment, variant, text in rows:
                for score, value in json.loads(text).items():
                    yield ScoreRecord(at, name, of_experiment, variant, score, value)

    def before_fork(self) -> None:
        """Stay open: somebody may be in the middle of an iteration."""

    def open_path(self) -> Path | None:
        """Return the file as long as it is open."""
        return self.path if self._is_open else None

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork(self) -> None:
        """Go on: reading is the parent's business, and a child that wants to read opens the file itself."""

    def _dead(self) -> frozenset[int]:
        return dead_sessions(self._connection, this_process(), self._clock.wall())

    def _newest(
        self, table: str, columns: str, time: str, where: str, values: list[object], limit: int | None
    ) -> Iterator[tuple[Any, ...]]:
        query = f"SELECT {columns} FROM {table} WHERE {where} ORDER BY {time}"  # noqa: S608  # our own names
        if limit is not None:
            query = f"SELECT * FROM ({query} DESC, id DESC LIMIT ?) ORDER BY {time}, id"  # noqa: S608  # as above
            values = [*values, limit]
        yield from self._connection.execute(query, values)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JournalError(f"cannot be read as a journal ({error})", file=str(self.path)) from error


def _open(path: Path) -> sqlite3.Connection:
    connection = connect_read_only(path)
    try:
        version = schema.check(connection, path)
    except BaseException:
        connection.close()
        raise
    if version == len(schema.MIGRATIONS):
        return connection
    connection.close()
    # An older journal, or one that was just begun: bring it up to date, as a writer would.
    writing = connect(path)
    try:
        schema.prepare(writing, path)
    finally:
        writing.close()
    return connect_read_only(path)


def _window(
    column: str, since: float | None, until: float | None, model: str | None, **equal: str | None
) -> tuple[str, list[object]]:
    conditions = {f"{column} >= ?": since, f"{column} < ?": until, "model = ?": model}
    conditions |= {f"{name} = ?": value for name, value in equal.items()}
    given = {condition: value for condition, value in conditions.items() if value is not None}
    return " AND ".join(given) or "TRUE", list(given.values())


_SESSION, _OUTCOME, _PARAMETERS, _SCORES, _PROMPT = map(
    CallRecord._fields.index, ("session", "outcome", "parameters", "scores", "prompt_hash")
)
