"""Queues that are watched: wait, length, limit, oldest item and what was refused.

A queue is watched in place, by the two hooks that ``queue.Queue`` and ``asyncio.Queue`` have for
subclasses (``_put`` and ``_get``): the object stays the same, whoever holds it, and so do its items.
The hooks run under the queue's own lock; all that they do there is to note or to look up a time.
"""

from __future__ import annotations

import asyncio
import queue
from collections import deque
from collections.abc import Callable
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

Q = TypeVar("Q", "queue.Queue[Any]", "asyncio.Queue[Any]")

# Waits that a consumer records when too many are kept: a pause of a millisecond or two.
_AT_ONCE = 256
# Times that may be kept beyond twice the items of a queue: a subclass may drop items by itself.
_MOST_STRAY = 1_024
# What the watch of a queue is called among the queue's attributes.
_ATTRIBUTE = "_watch_of_genotel"


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
        if _ATTRIBUTE not in vars(tracked):
            # Made now, so that the queue is on the page from the beginning.
            instruments()
            QueueWatch(tracked, name)
    return tracked


class QueueWatch:
    """Know when each item of a queue was put in.

    Items are told apart by identity: a queue hands out the objects that it was given, in whatever order.

    Args:
        watched: the queue, which keeps the watch alive and not the other way round.
        name: label of the metrics.
    """

    def __init__(self, watched: queue.Queue[Any] | asyncio.Queue[Any], name: str) -> None:
        self._name = name
        self._queue = ref(watched)
        self._numbers = count()
        # Number of a put -> when it was, oldest first; identity of an item -> numbers of its puts.
        self._times: dict[int, float] = {}
        self._puts: dict[int, deque[int]] = {}
        self.limit = watched.maxsize if watched.maxsize > 0 else None
        self.totals: QueueTotals = queue_totals.queue_totals(name)
        hooks: dict[str, Any] = {"_put": self._put_hook(type(watched)), "_get": self._get_hook(type(watched))}
        hooks |= (
            self._async_methods(type(watched)) if isinstance(watched, asyncio.Queue) else self._methods(type(watched))
        )
        # The queue's own locks are held for an instant only where others already use it.
        for attribute, hook in {**hooks, _ATTRIBUTE: self}.items():
            setattr(watched, attribute, hook)
        queue_totals.queues.add(self)

    @property
    def length(self) -> int:
        """Return the items that wait."""
        watched: Any = self._queue()
        # Without the queue's lock: this is a length, and it is read while the SDK holds locks.
        return 0 if watched is None else int(watched._qsize())

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

    def _note_put(self, item: object) -> None:
        number = next(self._numbers)
        self._times[number] = monotonic()
        self._puts.setdefault(id(item), deque()).append(number)
        if len(self._times) > 2 * self.length + _MOST_STRAY:
            self._times.clear()
            self._puts.clear()

    def _note_get(self, item: object) -> None:
        puts = self._puts.get(id(item))
        if puts is None:
            return
        put_at = self._times.pop(puts.popleft(), None)
        if not puts:
            del self._puts[id(item)]
        if put_at is not None:
            self.totals.waits.append(max(0.0, monotonic() - put_at))

    def _relieve(self) -> None:
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

    def _refuse(self, reason: str) -> None:
        try:
            self.totals.refuse(reason)
        except Exception as error:
            guard.report("queues.refuse", error)

    def _put_hook(self, kind: Any) -> Callable[[Any], None]:
        watched = self._queue

        def _put(item: Any) -> None:
            kind._put(watched(), item)
            try:
                self._note_put(item)
            except Exception as error:
                guard.report("queues.put", error)

        return _put

    def _get_hook(self, kind: Any) -> Callable[[], Any]:
        watched = self._queue

        def _get() -> Any:
            item = kind._get(watched())
            try:
                self._note_get(item)
            except Exception as error:
                guard.report("queues.get", error)
            return item

        return _get

    def _methods(self, kind: Any) -> dict[str, Any]:
        """Return the methods of a ``queue.Queue`` through which items are refused and taken."""
        watched = self._queue

        # A subclass may have arguments of its own.
        def put(item: Any, *args: Any, **kwargs: Any) -> None:
            try:
                kind.put(watched(), item, *args, **kwargs)
            except queue.Full:
                waited = args[0] if args else kwargs.get("block", True)
                self._refuse(a.REFUSED_TIMEOUT if waited else a.REFUSED_FULL)
                raise

        def get(*args: Any, **kwargs: Any) -> Any:
            item = kind.get(watched(), *args, **kwargs)
            self._relieve()
            return item

        # put_nowait and get_nowait call these.
        return {"put": put, "get": get}

    def _async_methods(self, kind: Any) -> dict[str, Any]:
        """Return those of an ``asyncio.Queue``; ``put`` and ``get`` end in the ones without a wait."""
        watched = self._queue

        async def put(item: Any) -> None:
            current = watched()
            try:
                await kind.put(current, item)
            except asyncio.CancelledError:
                # Given up, by a time limit most of the time, while there was no room.
                if current is not None and current.full():
                    self._refuse(a.REFUSED_TIMEOUT)
                raise

        def put_nowait(item: Any) -> None:
            try:
                kind.put_nowait(watched(), item)
            except asyncio.QueueFull:
                self._refuse(a.REFUSED_FULL)
                raise

        def get_nowait() -> Any:
            item = kind.get_nowait(watched())
            self._relieve()
            return item

        return {"put": put, "put_nowait": put_nowait, "get_nowait": get_nowait}
