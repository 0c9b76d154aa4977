"""Public ``watch_database()``: joins what a program's engine does with what its server says of itself."""

from __future__ import annotations

import threading
import weakref
from functools import partial
from types import TracebackType
from typing import Any, Self

from genotel import guard, startup
from genotel.collectors.database import DatabaseCollector
from genotel.collectors.postgresql import PostgresqlCatalogue
from genotel.collectors.scrape import Scrape
from genotel.instrumentation.database import DatabaseWatch, watch_engine
from genotel.settings import load_settings

_lock = threading.Lock()
_collector: DatabaseCollector | None = None


class WatchedDatabase:
    """Hold what is watched of a database; a context manager that ends it.

    ``name`` is the database's on the page.
    """

    def __init__(self, watch: DatabaseWatch | None) -> None:
        self._watch = watch
        self.name = "" if watch is None else watch.name

    def close(self) -> None:
        """Watch no more; its series end."""
        with guard.guarded("database.close"):
            if self._watch is not None:
                self._watch.close()
            if _collector is not None:
                _collector.remove(self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def watch_database(engine: Any, name: str | None = None, *, catalogue: bool = True) -> WatchedDatabase:
    """Measure an SQLAlchemy engine: how long operations take, how they end, and its pool.

    Of a PostgreSQL server the catalogue is read, too: sessions, locks, tables and size, every
    ``database_interval_seconds``, read only, by a connection of its own. May be called before or after
    ``configure()``; the same engine again is watched once.

    Args:
        engine: of SQLAlchemy, synchronous or not; of the latter no catalogue is read.
        name: of the database on the page; by default the one in its URL, or the kind of database.
        catalogue: whether the catalogue is read.

    Example:
        >>> from sqlalchemy import create_engine, text
        >>> engine = create_engine("sqlite://")
        >>> with watch_database(engine) as database, engine.connect() as connection:
        ...     _ = connection.execute(text("SELECT 1"))
        ...     database.name
        'sqlite'
    """
    try:
        watch = watch_engine(engine, name)
        if watch is None:
            return WatchedDatabase(None)
        if catalogue and engine.dialect.name == "postgresql" and not engine.dialect.is_async:
            collector = _collecting()
            # Weak: whoever drops the engine must not find it kept here.
            connect = partial(_own_connection, weakref.ref(engine))
            collector.add(PostgresqlCatalogue(watch.name, connect))
            weakref.finalize(engine, collector.remove, watch.name)
        return WatchedDatabase(watch)
    except Exception as error:
        # Not an engine, or of a release of SQLAlchemy that nobody foresaw: the program goes on.
        guard.report("database.watch", error)
        return WatchedDatabase(None)


def _own_connection(known: weakref.ref[Any]) -> Any:
    """Open a connection as the engine would, with its address and options, but not out of its pool."""
    engine = known()
    if engine is None:
        raise ReferenceError("the engine is gone")
    connection = engine.pool.recreate().connect()
    # Closed means closed then, not given back.
    connection.detach()
    return connection


def _collecting() -> DatabaseCollector:
    """Return the collector of every catalogue, which is on the page of this program."""
    global _collector
    with _lock:
        if _collector is None:
            _collector = DatabaseCollector(load_settings().database.database_interval_seconds)
            startup.add_source(Scrape([_collector]))
        return _collector
