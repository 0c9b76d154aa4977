"""What queues of one name hold, refused and let wait, for observable instruments to read.

Nothing here is called under a queue's own lock but ``waits.append``, which takes none; so a scrape
that holds locks of the SDK can never wait for a producer that waits for the SDK.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol
from weakref import WeakSet

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, Observation

from genotel.instrumentation import caps
from genotel.semconv import attributes as a

# Waits that are kept until a reader collects; a consumer records them itself beyond that.
MOST_WAITS = 4_096
_NO_CONTEXT = Context()


class QueueTotals:
    """Hold the numbers of one name."""

    __slots__ = ("attributes", "lock", "refused", "waits")

    def __init__(self, name: str) -> None:
        self.attributes = {a.QUEUE_NAME: name}
        self.lock = threading.RLock()
        self.refused = dict.fromkeys(a.REFUSALS, 0)
        self.waits: list[float] = []

    def refuse(self, reason: str) -> None:
        """Count an item that the queue did not take."""
        with self.lock:
            self.refused[reason] += 1

    def take_waits(self, most: int) -> list[float]:
        """Take out the oldest waits that no histogram has seen."""
        with self.lock:
            # Consumers append meanwhile, without the lock, at the other end.
            taken = self.waits[:most]
            del self.waits[: len(taken)]
            return taken

    def record_waits(self, histogram: Histogram, most: int = MOST_WAITS) -> None:
        """Record waits, each by itself; the caller holds no lock of ours."""
        for seconds in self.take_waits(most):
            histogram.record(seconds, self.attributes, _NO_CONTEXT)


class WatchedQueue(Protocol):
    """Be a queue that is watched, seen from collection."""

    @property
    def totals(self) -> QueueTotals:
        """Return the numbers of its name."""
        ...

    @property
    def limit(self) -> int | None:
        """Return the items that it takes at most; None without a limit."""
        ...

    @property
    def length(self) -> int:
        """Return the items that wait."""
        ...

    @property
    def oldest_age_seconds(self) -> float | None:
        """Return how long the oldest item has waited; None where there is none."""
        ...

    def begin_again(self) -> None:
        """Start from zero in a forked child."""
        ...


_lock = threading.RLock()
_totals: dict[str, QueueTotals] = {}
queues: WeakSet[WatchedQueue] = WeakSet()


def queue_totals(name: str) -> QueueTotals:
    """Return the numbers of a name, capped as its label is; both refusals are born at 0.

    Example:
        >>> queue_totals("doc-totals").refused
        {'full': 0, 'timeout': 0}
    """
    with _lock:
        found = _totals.get(name)
        if found is None:
            name = caps.fold("queue", name)
            found = _totals.get(name) or _totals.setdefault(name, QueueTotals(name))
        return found


def all_totals() -> list[QueueTotals]:
    """Return the numbers of every name."""
    with _lock:
        return [*_totals.values()]


def _over_queues(
    read: Callable[[WatchedQueue], float | None], join: Callable[[float, float], float]
) -> dict[str, float]:
    """Return one value a name: of the queues that share it, joined; absent where none has one."""
    values: dict[str, float] = {}
    for queue in [*queues]:
        value = read(queue)
        if value is not None:
            name = queue.totals.attributes[a.QUEUE_NAME]
            values[name] = join(values[name], value) if name in values else value
    return values


def _add(one: float, other: float) -> float:
    return one + other


def lengths() -> Iterator[Observation]:
    """Read the lengths; queues of one name are summed up."""
    return _observed(_over_queues(lambda queue: queue.length, _add))


def limits() -> Iterator[Observation]:
    """Read the limits of those queues that have one."""
    return _observed(_over_queues(lambda queue: queue.limit, _add))


def oldest_ages() -> Iterator[Observation]:
    """Read the age of the oldest item of each name."""
    return _observed(_over_queues(lambda queue: queue.oldest_age_seconds, max))


def refusals() -> Iterator[Observation]:
    """Read the counts of refused items."""
    for totals in all_totals():
        for reason, count in [*totals.refused.items()]:
            yield Observation(count, {**totals.attributes, a.REASON: reason})


def _observed(values: dict[str, float]) -> Iterator[Observation]:
    return (Observation(value, {a.QUEUE_NAME: name}) for name, value in values.items())


def reset() -> None:
    """Forget every number; for tests and for a forked child, whose parent goes on reporting."""
    global _lock
    # Another thread of the parent may have held the lock when the fork happened.
    _lock = threading.RLock()
    _totals.clear()
    for queue in [*queues]:
        queue.begin_again()


with suppress(AttributeError):  # not on every platform
    os.register_at_fork(after_in_child=reset)
