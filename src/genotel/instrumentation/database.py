"""Watch an SQLAlchemy engine by its events: how long operations take, how they end, and its pool.

SQLAlchemy is imported by whoever has an engine; here it is, once there is one. Of a statement only its
first word is kept, of an error its class.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from genotel import guard
from genotel.instrumentation import caps, database_totals
from genotel.instrumentation.database_pool import EnginePool
from genotel.instrumentation.database_totals import DatabaseTotals
from genotel.instrumentation.instruments import IN_FORCE, instruments
from genotel.instrumentation.sql_words import operation_of
from genotel.semconv import attributes as a

# Where SQLAlchemy's name is not the conventions'.
_SYSTEMS = {"mssql": "microsoft.sql_server", "oracle": "oracle.db", "cockroachdb": "cockroachdb"}
_BEGAN = "_genotel_began"
_OK, _ERROR = 0, 1
_LONGEST_NAME = 200
# A program that has an engine for each of its customers would make series without end.
MAX_DATABASES = 100

_lock = threading.RLock()
_watches: weakref.WeakKeyDictionary[Any, DatabaseWatch] = weakref.WeakKeyDictionary()


class DatabaseWatch:
    """Hold what is watched of one engine; a context manager that ends it.

    ``name`` is the database's on the page.
    """

    def __init__(self, engine: Any, name: str) -> None:
        from sqlalchemy import event

        self.name = name
        # Weak: the listeners belong to the engine, and must not keep it.
        self._engine = weakref.ref(engine)
        system = _SYSTEMS.get(engine.dialect.name, engine.dialect.name)
        self._pool = EnginePool(weakref.proxy(engine), self._asked, self._had)
        self._totals = DatabaseTotals(system, name, self._pool)
        self._listeners: dict[str, Callable[..., None]] = {
            "before_cursor_execute": self._before,
            "after_cursor_execute": self._after,
            "handle_error": self._failed,
            "engine_disposed": self._disposed,
        }
        for identifier, listener in self._listeners.items():
            event.listen(engine, identifier, listener)
        database_totals.add(self._totals)
        # A pool that is gone tells nothing.
        weakref.finalize(engine, database_totals.remove, self._totals).atexit = False
        # Where nothing is in force yet, the instruments are made with the others.
        if IN_FORCE.bound is not None:
            IN_FORCE.bound.database()

    def close(self) -> None:
        """Watch the engine no more; its series end."""
        engine = self._engine()
        database_totals.remove(self._totals)
        if engine is None:
            return
        from sqlalchemy import event

        with _lock:
            if _watches.pop(engine, None) is None:
                return
        for identifier, listener in self._listeners.items():
            event.remove(engine, identifier, listener)
        self._pool.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _before(self, _conn: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        try:
            setattr(context, _BEGAN, (perf_counter(), operation_of(statement)))
        except Exception as error:
            guard.report("database.before", error)

    def _after(self, _conn: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        try:
            self._end(context, None)
        except Exception as error:
            guard.report("database.after", error)

    def _failed(self, failure: Any) -> None:
        try:
            wrapped = failure.sqlalchemy_exception or failure.original_exception
            self._end(failure.execution_context, caps.fold("error_type", type(wrapped).__name__))
        except Exception as error:
            guard.report("database.failed", error)

    def _end(self, context: Any, error_type: str | None) -> None:
        began = getattr(context, _BEGAN, None)
        if began is None:
            # It failed before it was executed, or after it was counted: while its rows were fetched.
            return
        setattr(context, _BEGAN, None)
        start, name = began
        seconds = perf_counter() - start
        operation = self._totals.operation(name)
        with self._totals.lock:
            operation.counts[_OK if error_type is None else _ERROR] += 1
        made = instruments()
        if made is not None:
            attributes = operation.attributes
            if error_type is not None:
                attributes = {**attributes, a.ERROR_TYPE: error_type}
            made.database().operation_duration.record(seconds, attributes)

    def _asked(self) -> None:
        with self._totals.lock:
            self._totals.pending += 1

    def _had(self, seconds: float, error: BaseException | None) -> None:
        try:
            with self._totals.lock:
                self._totals.pending -= 1
                # SQLAlchemy's own: the pool had none to give in time.
                self._totals.timeouts += type(error).__name__ == "TimeoutError"
            made = instruments()
            if made is not None and error is None:
                made.database().wait_time.record(seconds, self._totals.pool_attributes)
        except Exception as fault:
            guard.report("database.wait", fault)

    def _disposed(self, _engine: Any) -> None:
        with guard.guarded("database.disposed"):
            self._pool.time()


def watch_engine(engine: Any, name: str | None = None) -> DatabaseWatch | None:
    """Watch an engine; the same one again is the same watch, and one over :data:`MAX_DATABASES` has none.

    Args:
        engine: of SQLAlchemy; an asynchronous one stands for the one inside.
        name: of the database on the page; by default the one in its URL, or the kind of database.
    """
    engine = getattr(engine, "sync_engine", engine)
    with _lock:
        known = _watches.get(engine)
        if known is None and len(database_totals.watched()) >= MAX_DATABASES:
            guard.warn_once("database.cap", "genotel: %d databases are watched; no more are", MAX_DATABASES)
        elif known is None:
            name = database_totals.unique_name((name or _name_of(engine))[:_LONGEST_NAME])
            known = _watches[engine] = DatabaseWatch(engine, name)
        return known


def _name_of(engine: Any) -> str:
    # The database of an SQLite engine is a path, and no path is told.
    is_file = engine.dialect.name == "sqlite"
    return str((None if is_file else engine.url.database) or engine.dialect.name)


def _renew_lock() -> None:
    global _lock
    # Another thread of the parent may have held the old one.
    _lock = threading.RLock()


with suppress(AttributeError):  # not on every platform
    os.register_at_fork(after_in_child=_renew_lock)
