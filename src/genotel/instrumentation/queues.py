"""Queues that are watched: wait, length, limit, oldest item and what was refused.

A queue is watched in place: it becomes an instance of a subclass of its own class, by the two hooks
that ``queue.Queue`` and ``asyncio.Queue`` have for subclasses (``_put`` and ``_get``). The object stays
the same, whoever holds it, and so do its items. The hooks run under the queue's own lock; all that they
do there is to note or to look up a time.
"""

from __future__ import annotations

import asyncio
import queue
from collections import deque
from functools import cache
from itertools import count
from time import monotonic
from typing import Any, TypeVar
from weakref import ref

from genotel import guard
from genotel.instrumentation import queue_totals
from genotel.instrumentation.batch_arguments import ArgumentError, text
from genotel.instrumentation.instruments import IN_FORCE, instruments
from genotel.instrumentation.queue_totals import MOST_WAITS, QueueTotals
from genotel.semconv import attributes as a

AnyQueue = queue.Queue[Any] | asyncio.Queue[Any]
Q = TypeVar("Q", bound=AnyQueue)

# Waits that a consumer records when too many are kept: a pause of a millisecond or two.
_AT_ONCE = 256
# Times that may be kept beyond twice the items of a queue: a subclass may drop items by itself.
_MOST_STRAY = 1_024


def track_queue(tracked: Q, name: str = "default") -> Q:
    """Watch a ``queue.Queue`` or ``asyncio.Queue``, or one of a subclass; return the same object.

    Items that are in it already count in its length; how long they waited is not known. A second call
    for one queue changes nothing.

    Args:
        tracked: the queue.
        name: label of the metrics; queues of one name add up.

    Raises:
        SettingsError: (and ValueError) it is no such queue, or the name is empty.

    Example:
        >>> jobs = track_queue(queue.Queue(maxsize=2), name="jobs")
        >>> jobs.put("a cat")
        >>> jobs.get()
        'a cat'
    """
    text("name", name)
    if not isinstance(tracked, queue.Queue | asyncio.Queue):
        raise ArgumentError(f"tracked must be a queue.Queue or asyncio.Queue, not {type(tracked).__name__}")
    with guard.guarded("queues.track"):
        if not isinstance(tracked, _Watched):
            # Made now, so that the queue is on the page from the beginning.
            instruments()
            watch = QueueWatch(tracked, name)
            watched: Any = tracked
            kind: Any = type(watched)
            watched.__class__ = _watched_kind(kind)
            watched._genotel_watch = watch
    return tracked


class QueueWatch:
    """Know when each item of a queue was put in.

    Items are told apart by identity: a queue hands out the objects that it was given, in whatever order.

    Args:
        watched: the queue, which keeps the watch alive and not the other way round.
        name: label of the metrics.
    """

    def __init__(self, watched: AnyQueue, name: str) -> None:
        self._name = name
        self._queue = ref(watched)
        self._numbers = count()
        # Number of a put -> when it was, oldest first; identity of an item -> numbers of its puts.
        self._times: dict[int, float] = {}
        self._puts: dict[int, deque[int]] = {}
        self.limit = watched.maxsize if watched.maxsize > 0 else None
        self.totals: QueueTotals = queue_totals.queue_totals(name)
        queue_totals.queues.add(self)

    @property
    def length(self) -> int:
        """Return the items that wait."""
        watched = self._queue()
        if watched is None:
            return 0
        # Without the queue's lock: this is a length, and it is read while the SDK holds locks.
        return watched._qsize() if isinstance(watched, queue.Queue) else watched.qsize()

    @property
    def oldest_age_seconds(self) -> float | None:
        """Return how long the oldest item has waited; None where none is known."""
        for _ in range(3):
            try:
                return max(0.0, monotonic() - next(iter(self._times.values())))
            except StopIteration:
                return None
            except RuntimeError:  # another thread put or took an item just now
                continue
        return None

    def begin_again(self) -> None:
        """Start from zero in a forked child; what is in the queue stays there."""
        self.totals = queue_totals.queue_totals(self._name)

    def note_put(self, item: object) -> None:
        """Note when an item was put in."""
        try:
            number = next(self._numbers)
            self._times[number] = monotonic()
            self._puts.setdefault(id(item), deque()).append(number)
            if len(self._times) > 2 * self.length + _MOST_STRAY:
                self._times.clear()
                self._puts.clear()
        except Exception as error:
            guard.report("queues.put", error)

    def note_get(self, item: object) -> None:
        """Note how long an item waited."""
        try:
            puts = self._puts.get(id(item))
            if puts is None:
                return
            put_at = self._times.pop(puts.popleft(), None)
            if not puts:
                del self._puts[id(item)]
            if put_at is not None:
                self.totals.waits.append(max(0.0, monotonic() - put_at))
        except Exception as error:
            guard.report("queues.get", error)

    def relieve(self) -> None:
        """Record waits if too many are kept; called without the queue's lock."""
        try:
            if len(self.totals.waits) > MOST_WAITS:
                bound = IN_FORCE.bound
                if bound is not None and bound.batch.is_heard():
                    self.totals.record_waits(bound.batch.queue_wait, _AT_ONCE)
                else:
                    self.totals.take_waits(MOST_WAITS)
        except Exception as error:
            guard.report("queues.record", error)

    def refuse(self, reason: str) -> None:
        """Count an item that the queue did not take."""
        try:
            self.totals.refuse(reason)
        except Exception as error:
            guard.report("queues.refuse", error)


class _Watched:
    """Tell a watch what is put in and taken; mixed into the class of a queue.

    A subclass of the user's may have arguments of its own.
    """

    _genotel_watch: QueueWatch | None = None

    def _put(self, item: Any) -> None:
        super()._put(item)  # type: ignore[misc]  # the class of the queue comes after this one
        watch = self._genotel_watch
        if watch is not None:
            watch.note_put(item)

    def _get(self) -> Any:
        item = super()._get()  # type: ignore[misc]  # as in _put
        watch = self._genotel_watch
        if watch is not None:
            watch.note_get(item)
        return item

    def _refuse(self, reason: str) -> None:
        if self._genotel_watch is not None:
            self._genotel_watch.refuse(reason)

    def _relieve(self) -> None:
        if self._genotel_watch is not None:
            self._genotel_watch.relieve()


class _WatchedThreadQueue(_Watched):
    """Watch a ``queue.Queue``, whose ``put_nowait`` and ``get_nowait`` call these."""

    def put(self, item: Any, *args: Any, **kwargs: Any) -> None:
        try:
            super().put(item, *args, **kwargs)  # type: ignore[misc]  # as in _Watched
        except queue.Full:
            waited = args[0] if args else kwargs.get("block", True)
            self._refuse(a.REFUSED_TIMEOUT if waited else a.REFUSED_FULL)
            raise

    def get(self, *args: Any, **kwargs: Any) -> Any:
        item = super().get(*args, **kwargs)  # type: ignore[misc]  # as in _Watched
        self._relieve()
        return item


class _WatchedAsyncQueue(_Watched):
    """Watch an ``asyncio.Queue``, whose ``put`` and ``get`` end in the ones without a wait."""

    async def put(self, item: Any, *args: Any, **kwargs: Any) -> None:
        try:
            await super().put(item, *args, **kwargs)  # type: ignore[misc]  # as in _Watched
        except asyncio.CancelledError:
            # Given up, by a time limit most of the time, while there was no room.
            if self.full():  # type: ignore[attr-defined]  # as in _Watched
                self._refuse(a.REFUSED_TIMEOUT)
            raise

    def put_nowait(self, item: Any, *args: Any, **kwargs: Any) -> None:
        try:
            super().put_nowait(item, *args, **kwargs)  # type: ignore[misc]  # as in _Watched
        except asyncio.QueueFull:
            self._refuse(a.REFUSED_FULL)
            raise

    def get_nowait(self, *args: Any, **kwargs: Any) -> Any:
        item = super().get_nowait(*args, **kwargs)  # type: ignore[misc]  # as in _Watched
        self._relieve()
        return item


@cache
def _watched_kind(kind: Any) -> type[Any]:
    """Return the watched subclass of a class of queues, which looks like that class."""
    mixed = _WatchedAsyncQueue if issubclass(kind, asyncio.Queue) else _WatchedThreadQueue
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    return type(kind.__name__, (mixed, kind), names)
