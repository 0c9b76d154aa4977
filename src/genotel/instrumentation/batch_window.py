"""The rolling window of a batch engine: preallocated rings, and a lock-free way in.

An update appends one record to a deque, which Python makes atomic, and takes no lock: threads that
meet at a lock hand the interpreter to each other each time, and eight of them would get a fifth of the
work of one done. Every 256th update takes a chunk of records out, checks it, and enters it into the
rings under the lock, which takes microseconds; where the lock is taken it leaves the chunk to others.

Whoever reads sees every update that had returned before: it enters what waits, and waits for chunks
that other threads are checking. While a user holds the lock of a window, nothing of other threads
enters it.
"""

from __future__ import annotations

import threading
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat, starmap
from time import monotonic, sleep
from types import TracebackType
from typing import Any, NamedTuple

from genotel import guard
from genotel.instrumentation.batch_figures import EMPTY, Columns, Record, columns_of

CHUNK = 256
# Checked chunks that may wait while another thread has the lock.
MOST_READY = 512

# A reader waits for other threads' chunks no longer than this. It might wait for itself: a signal
# handler may read while the thread that it interrupted checks a chunk.
_PATIENCE_SECONDS = 0.25
_NAP_SECONDS = 0.0005

# What a ring holds, by the field of Columns; 49 bytes a batch in all.
_RINGS = (("moments", "d"), ("processing", "d"), ("sizes", "q"), ("waits", "d"), ("latencies", "d"), ("lengths", "d"))
_MARKS = ("errors", "b")


class Snapshot(NamedTuple):
    """Hold copies of the rings at one moment, oldest first; bytes of the types named in Columns.

    ``moments``, ``processing``, ``waits``, ``latencies`` and ``lengths`` are float64, ``sizes`` is int64
    and ``errors`` int8, each of shape ``(n,)``.
    """

    moments: array[float]
    processing: array[float]
    sizes: array[int]
    waits: array[float]
    latencies: array[float]
    lengths: array[float]
    errors: array[int]


class Rings:
    """Keep the last ``size`` batches in columns that never grow."""

    __slots__ = ("columns", "count", "next", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.columns = tuple(array(code, bytes(array(code).itemsize * size)) for _, code in (*_RINGS, _MARKS))
        # How many of the places are filled, and which one is written next.
        self.count = 0
        self.next = 0

    def write(self, columns: Sequence[Any], count: int) -> None:
        """Write ``count`` batches, given in the order of :class:`Snapshot`, over the oldest ones."""
        size, place = self.size, self.next
        skip = max(0, count - size)
        kept = count - skip
        first = min(kept, size - place)
        for ring, column in zip(self.columns, columns, strict=True):
            if first == count:
                ring[place : place + count] = column
            else:
                ring[place : place + first] = column[skip : skip + first]
                ring[: kept - first] = column[skip + first :]
        self.next = (place + kept) % size
        self.count = min(size, self.count + count)

    def copy(self) -> Snapshot:
        """Return copies of all columns, oldest first."""
        if self.count < self.size:
            columns: list[Any] = [ring[: self.count] for ring in self.columns]
        else:
            columns = [ring[self.next :] + ring[: self.next] for ring in self.columns]
        return Snapshot(*columns)

    def clear(self) -> None:
        """Forget all batches."""
        self.count = self.next = 0


class BatchWindow:
    """Hold rings, totals and what waits to enter them.

    Args:
        size: batches that the window holds.
        hand_on: called with the columns of every chunk that enters, under the lock; for exports.
    """

    __slots__ = (
        "attention",
        "checking",
        "dropped",
        "entering",
        "first_start",
        "forked",
        "hand_on",
        "held",
        "holder",
        "lock",
        "ready",
        "rings",
        "total_batches",
        "total_errors",
        "total_items",
        "waiting",
    )

    def __init__(self, size: int, hand_on: Callable[[Columns], None] | None = None) -> None:
        self.lock = threading.RLock()
        # Depth at which a user holds the lock, and the thread that does.
        self.held = 0
        self.holder = 0
        # Whether the next update is not like any other: the lock is held, or the process was forked.
        self.attention = False
        self.forked = False
        # Records that nobody has looked at; one key for each chunk that a thread is checking; chunks
        # that found the lock taken.
        self.waiting: deque[Record] = deque()
        self.checking: dict[object, None] = {}
        self.ready: deque[Columns] = deque()
        # Whether a chunk is entering: a signal handler or the garbage collector may come back in here.
        self.entering = False
        self.hand_on = hand_on
        self.rings = Rings(size)
        self.forget()

    def forget(self) -> None:
        """Empty the window and its totals; what waits to enter comes after."""
        self.rings.clear()
        self.total_batches = self.total_items = self.total_errors = 0
        self.dropped: dict[str, int] = {}
        self.first_start: float | None = None

    def take_in(self, most: int = CHUNK) -> None:
        """Take records that wait out, check them, and enter them or leave them ready; holds no lock long."""
        mark = object()
        # Set before anything is taken, so that a reader knows of every record that it does not find.
        self.checking[mark] = None
        try:
            records: list[Record] = []
            try:
                records.extend(starmap(self.waiting.popleft, repeat((), most)))
            except IndexError:
                # Fewer waited; those that were taken out are in the list.
                pass
            if records:
                self.ready.append(columns_of(records))
                self._enter_ready()
        finally:
            del self.checking[mark]

    def _enter_ready(self) -> None:
        if self.lock.acquire(blocking=len(self.ready) > MOST_READY):
            try:
                if not self.held:
                    self.enter_all()
            finally:
                self.lock.release()

    def enter_all(self) -> None:
        """Enter the chunks that are ready; the caller holds the lock."""
        while self.ready and not self.entering:
            self.enter(self.ready.popleft())

    def settle(self) -> bool:
        """Take in every update that has returned; say whether that was possible.

        Within its own hold a thread sees only what was there before and its own updates.
        """
        if self.held and self.holder == threading.get_ident():
            return True
        while self.waiting:
            self.take_in(len(self.waiting))
        # After, not before: a thread that took records out just now is marked in here.
        others = [*self.checking]
        deadline = monotonic() + _PATIENCE_SECONDS
        while any(mark in self.checking for mark in others):
            if monotonic() > deadline:
                return False
            sleep(_NAP_SECONDS)
        return True

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Hold the lock over a window that every update has entered that had returned before."""
        self.settle()
        with self.lock:
            if not self.held:
                self.enter_all()
            yield

    def enter(self, columns: Columns) -> None:
        """Enter a chunk; the caller holds the lock."""
        if self.entering:
            self.ready.append(columns)
            return
        self.entering = True
        try:
            count = len(columns.moments)
            self.rings.write(columns[:7], count)
            self.total_batches += count
            self.total_items += columns.items
            self.total_errors += columns.failed
            for name, number in columns.dropped.items():
                self.dropped[name] = self.dropped.get(name, 0) + number
            if self.first_start is None and count:
                first = columns.processing[0]
                self.first_start = columns.moments[0] - (first if first == first else 0.0)
            if self.hand_on is not None:
                self.hand_on(columns)
        finally:
            self.entering = False

    def enter_held(self, record: Record) -> None:
        """Enter a record at once; waits while another thread holds the lock."""
        with self.lock:
            self.attention = self.held > 0
            self.enter(columns_of([record]))

    def drop(self, figure: str) -> None:
        """Count a figure that was left out before it came here."""
        with self.lock:
            self.enter(EMPTY._replace(dropped={figure: 1}))

    def renew(self) -> None:
        """Begin empty in a forked child, where no thread holds the lock any more."""
        # But for the thread that forked: it goes on in the child and will give back what it holds.
        depth = self.held if self.holder == threading.get_ident() else 0
        self.lock = threading.RLock()
        for _ in range(depth):
            self.lock.acquire()
        self.held = depth
        self.entering = False
        self.hand_on = None
        self.waiting.clear()
        self.ready.clear()
        self.checking.clear()
        self.forget()
        self.attention = self.forked = True


class WindowLock:
    """Hold a window still: the public, re-entrant lock of batch statistics.

    Other threads that update or read meanwhile wait.
    """

    __slots__ = ("_window",)

    def __init__(self, window: BatchWindow) -> None:
        self._window = window

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, again where this thread has it; return whether it was taken."""
        window = self._window
        with guard.guarded("batch_window.settle"):
            window.settle()
        if not window.lock.acquire(blocking, timeout):
            return False
        with guard.guarded("batch_window.enter"):
            if not window.held:
                window.enter_all()
        window.held += 1
        window.attention = True
        window.holder = threading.get_ident()
        return True

    def release(self) -> None:
        """Give the lock back once."""
        window = self._window
        if not window.held or window.holder != threading.get_ident():
            raise RuntimeError("cannot release a lock that this thread does not hold")
        window.held -= 1
        window.attention = window.held > 0 or window.forked
        window.lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, exception_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
