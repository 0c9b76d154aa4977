"""What is counted of each database that a program watches, and what the observable instruments read of it.

Nothing here knows SQLAlchemy: a program without a database pays for this file and no more.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Protocol

from opentelemetry.metrics import Observation

from genotel import guard
from genotel.semconv import attributes as a
from genotel.semconv import database_metrics as m
from genotel.semconv.spec import MetricSpec

# Born at 0 with the watch; others when they are first seen.
_USUAL = ("SELECT", "INSERT", "UPDATE", "DELETE")


class PoolFigures(Protocol):
    """Tell what a pool holds now; what it does not know is None."""

    def used(self) -> int | None:
        """Return the connections in use."""
        ...

    def idle(self) -> int | None:
        """Return the connections that wait for somebody."""
        ...

    def size(self) -> int | None:
        """Return the connections that are kept."""
        ...

    def most(self) -> int | None:
        """Return the connections that are made at most."""
        ...

    def overflow(self) -> int | None:
        """Return the connections beyond those that are kept."""
        ...


class DatabaseTotals:
    """Count the operations of one database, and hold the attributes of its label sets.

    Args:
        system: kind of database, as the conventions call it.
        name: of the database, told apart from others of the program.
        pool: of its connections.
    """

    def __init__(self, system: str, name: str, pool: PoolFigures) -> None:
        self.name = name
        self.pool = pool
        self.pool_attributes: Mapping[str, str] = {a.POOL: name}
        self._attributes = {a.DATABASE_SYSTEM: system, a.DATABASE: name}
        self.begin_again()

    def begin_again(self) -> None:
        """Forget every number."""
        # Re-entrant: a signal handler may come back in here. Made anew for a forked child, since another
        # thread of its parent may have held the old one.
        self.lock = threading.RLock()
        self.pending = 0
        self.timeouts = 0
        self._operations: dict[str, _Operation] = {}
        for operation in _USUAL:
            self.operation(operation)

    def operation(self, name: str) -> _Operation:
        """Return the counts of an operation, both born at 0."""
        found = self._operations.get(name)
        if found is None:
            with self.lock:
                found = self._operations.setdefault(name, _Operation({**self._attributes, a.DATABASE_OPERATION: name}))
        return found

    def operations(self) -> list[_Operation]:
        """Return those that were seen, and the usual ones."""
        with self.lock:
            return [*self._operations.values()]


class _Operation:
    """Hold the attributes and the counts, by outcome, of one kind of operation."""

    __slots__ = ("attributes", "counts", "outcomes")

    def __init__(self, attributes: dict[str, str]) -> None:
        self.attributes: Mapping[str, str] = attributes
        self.outcomes = [{**attributes, a.OUTCOME: outcome} for outcome in a.DATABASE_OUTCOMES]
        self.counts = [0] * len(a.DATABASE_OUTCOMES)


# Each step on a dict is one that no other thread, nor the garbage collector, gets between.
_watched: dict[int, DatabaseTotals] = {}


def watched() -> list[DatabaseTotals]:
    """Return every database that is watched."""
    return [*_watched.values()]


def add(totals: DatabaseTotals) -> None:
    """Show a database from now on."""
    _watched[id(totals)] = totals


def remove(totals: DatabaseTotals) -> None:
    """Show a database no more."""
    _watched.pop(id(totals), None)


def unique_name(wanted: str) -> str:
    """Return a name that no other database of the program has.

    Two of one name would be one series.
    """
    taken = {totals.name for totals in watched()}
    names = (wanted if number == 1 else f"{wanted}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _operations() -> Iterator[Observation]:
    for totals in watched():
        for operation in totals.operations():
            for count, attributes in zip(operation.counts, operation.outcomes, strict=True):
                yield Observation(count, attributes)


def _connections() -> Iterator[Observation]:
    for totals in watched():
        for state, read in ((a.POOL_IDLE, totals.pool.idle), (a.POOL_USED, totals.pool.used)):
            for count in _asked(read):
                yield Observation(count, {**totals.pool_attributes, a.POOL_STATE: state})


def _of_pool(figure: str) -> Callable[[], Iterator[Observation]]:
    def read() -> Iterator[Observation]:
        for totals in watched():
            for count in _asked(getattr(totals.pool, figure)):
                yield Observation(count, totals.pool_attributes)

    return read


def _asked(read: Callable[[], int | None]) -> Iterator[int]:
    # A pool of the user's own may lack anything.
    with guard.guarded("database.pool"):
        count = read()
        if count is not None:
            yield count


def _pending() -> Iterator[Observation]:
    return (Observation(totals.pending, totals.pool_attributes) for totals in watched())


def _timeouts() -> Iterator[Observation]:
    return (Observation(totals.timeouts, totals.pool_attributes) for totals in watched())


# Every observable metric and what reads it.
OBSERVED: tuple[tuple[MetricSpec, Callable[[], Iterator[Observation]]], ...] = (
    (m.OPERATIONS, _operations),
    (m.CONNECTION_COUNT, _connections),
    (m.CONNECTION_IDLE_MAX, _of_pool("size")),
    (m.CONNECTION_MAX, _of_pool("most")),
    (m.POOL_OVERFLOW, _of_pool("overflow")),
    (m.CONNECTION_PENDING, _pending),
    (m.CONNECTION_TIMEOUTS, _timeouts),
)


def reset() -> None:
    """Count from zero; for tests and for a forked child, whose parent goes on reporting."""
    for totals in watched():
        totals.begin_again()


with suppress(AttributeError):  # not on every platform
    os.register_at_fork(after_in_child=reset)
