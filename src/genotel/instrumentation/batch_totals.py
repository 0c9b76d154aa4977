"""What batches and loops of one name add up to, for observable instruments to read at collection.

Totals outlive the windows and loops that feed them, so a counter never goes back; figures for
histograms wait here, since to record one costs ten times an update. See
:mod:`genotel.instrumentation.batch_instruments`.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol
from weakref import WeakSet

from genotel.instrumentation import caps
from genotel.instrumentation.atomic_count import AtomicCount
from genotel.instrumentation.batch_figures import Columns, Record, columns_of
from genotel.instrumentation.outcomes import ERROR, OK
from genotel.semconv import attributes as a

# Batches whose figures wait to be recorded into histograms: at a scrape every 15 s this is 270 a second.
MOST_PENDING = 4_096


class BatchTotals:
    """Hold the numbers of one name; every change is made under ``lock``."""

    __slots__ = (
        "active",
        "attributes",
        "batches",
        "begun",
        "caching",
        "dropped",
        "items",
        "keeps_pending",
        "lock",
        "outcomes",
        "pending",
        "pending_count",
        "relief",
        "stale",
    )

    def __init__(self, name: str) -> None:
        # Re-entrant: a signal handler or the garbage collector may come back in here.
        self.lock = threading.RLock()
        self.attributes = {a.BATCH_NAME: name}
        self.outcomes = [{**self.attributes, a.OUTCOME: outcome} for outcome in a.OUTCOMES]
        self.batches = [0] * len(a.OUTCOMES)
        self.items = [0] * len(a.OUTCOMES)
        self.active = 0
        # Batches of loops and blocks that were begun; their number in the name.
        self.begun = 0
        # None until batch statistics of this name exist: a plain loop drops no figures and keeps none.
        self.dropped: dict[str, int] | None = None
        self.caching = {result: AtomicCount() for result in a.CACHE_RESULTS}
        # Held by the thread that records what is too much.
        self.relief = threading.RLock()
        # Whether times are kept for histograms: not while nobody listens to these.
        self.keeps_pending = True
        # Chunks that histograms have not seen, oldest first, and the batches in them.
        self.pending: deque[Columns] = deque()
        self.pending_count = 0
        # Whether these numbers were forgotten (a fork): they are nobody's any more.
        self.stale = False

    @property
    def name(self) -> str:
        """Return the name as it stands on the label."""
        return self.attributes[a.BATCH_NAME]

    def take(self, columns: Columns) -> None:
        """Add a chunk of finished batches."""
        count = len(columns.moments)
        with self.lock:
            self.batches[OK] += count - columns.failed
            self.batches[ERROR] += columns.failed
            self.items[OK] += columns.items - columns.failed_items
            self.items[ERROR] += columns.failed_items
            if columns.dropped and self.dropped is not None:
                for figure, number in columns.dropped.items():
                    self.dropped[figure] += number
            if count and self.keeps_pending:
                # Nobody changes a chunk any more, so it need not be copied.
                self.pending.append(columns)
                self.pending_count += count

    def take_pending(self, most: int) -> list[Columns]:
        """Take out the oldest batches that histograms have not seen, ``most`` of them or fewer."""
        taken = []
        with self.lock:
            while most > 0 and self.pending:
                chunk = self.pending.popleft()
                count = len(chunk.moments)
                if count > most:
                    self.pending.appendleft(chunk.part(most, count))
                    chunk, count = chunk.part(0, most), most
                taken.append(chunk)
                most -= count
                self.pending_count -= count
        return taken

    def forget_pending(self) -> None:
        """Keep nothing for histograms, until somebody listens to them."""
        with self.lock:
            self.keeps_pending = False
            self.pending.clear()
            self.pending_count = 0

    def finish(self, outcome: int, items: int, failed_items: int = 0) -> None:
        """Count a batch that was begun, and its items; some of a good batch may have failed."""
        with self.lock:
            self.active -= 1
            self.batches[outcome] += 1
            self.items[outcome] += items - failed_items
            self.items[ERROR] += failed_items

    def count(self, outcome: int, batches: int, items: int) -> None:
        """Count batches that were not counted as active."""
        with self.lock:
            self.batches[outcome] += batches
            self.items[outcome] += items

    def leave(self) -> None:
        """Count a batch as no longer worked on; somebody else counts it."""
        with self.lock:
            self.active -= 1

    def keep_figures(self) -> None:
        """Let the counters of dropped figures and of kept statistics exist, at 0."""
        with self.lock:
            if self.dropped is None:
                self.dropped = dict.fromkeys(a.FIGURES, 0)


class Window(Protocol):
    """Be the rolling window of a batch engine, seen from collection."""

    @property
    def serial(self) -> int:
        """Return a number that is greater for every later window of the process."""
        ...

    def settle_for_collection(self) -> BatchTotals | None:
        """Hand on what waits, and return the totals that it goes to."""
        ...

    def window_figures(self) -> Mapping[str, float]:
        """Return the figures of the window's gauges, by their key in the statistics."""
        ...

    def begin_again(self) -> None:
        """Start from zero in a forked child."""
        ...


class Loop(Protocol):
    """Be a running loop over batches, seen from collection."""

    @property
    def totals(self) -> BatchTotals:
        """Return the numbers of its name."""
        ...

    @property
    def remaining(self) -> int | None:
        """Return the batches that are left, where that is known."""
        ...

    @property
    def eta_seconds(self) -> float | None:
        """Return the time that it still needs, where that is known."""
        ...

    @property
    def plain_in_flight(self) -> int:
        """Return the batches that it works on and that ``active`` does not count."""
        ...

    def tell(self) -> None:
        """Let the totals know of the batches that they do not know yet."""
        ...

    def begin_again(self) -> None:
        """Start from zero in a forked child."""
        ...


_lock = threading.RLock()
_totals: dict[str, BatchTotals] = {}
windows: WeakSet[Window] = WeakSet()
loops: WeakSet[Loop] = WeakSet()
# What waited in a window when it was collected. Appending takes no lock, so it is safe anywhere.
orphans: deque[tuple[BatchTotals, list[Record]]] = deque()


def batch_totals(name: str) -> BatchTotals:
    """Return the numbers of a name, capped as its label is.

    Example:
        >>> batch_totals("doc-totals").batches
        [0, 0, 0, 0, 0]
    """
    with _lock:
        found = _totals.get(name)
        if found is None:
            name = caps.fold("batch", name)
            found = _totals.get(name) or _totals.setdefault(name, BatchTotals(name))
        return found


def all_totals() -> list[BatchTotals]:
    """Return the numbers of every name."""
    with _lock:
        return [*_totals.values()]


def settle_orphans() -> None:
    """Count what waited in windows that are gone."""
    while orphans:
        try:
            totals, records = orphans.popleft()
        except IndexError:  # another thread was quicker
            return
        totals.take(columns_of(records))


def reset() -> None:
    """Forget every number; for tests and for a forked child, whose parent goes on reporting."""
    global _lock
    # Another thread of the parent may have held the lock when the fork happened.
    _lock = threading.RLock()
    for totals in _totals.values():
        totals.stale = True
    _totals.clear()
    orphans.clear()
    for window in [*windows]:
        window.begin_again()
    for loop in [*loops]:
        loop.begin_again()


with suppress(AttributeError):  # not on every platform
    os.register_at_fork(after_in_child=reset)
