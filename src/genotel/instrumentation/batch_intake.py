"""The way into batch statistics: updates, one or many, that never raise into a loop.

An update appends one record and takes no lock; see :mod:`genotel.instrumentation.batch_window`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from genotel import guard
from genotel.clock import Clock
from genotel.instrumentation import batch_totals
from genotel.instrumentation.batch_figures import TIMESTAMP, Columns, Record, moment_of
from genotel.instrumentation.batch_instruments import relieve
from genotel.instrumentation.batch_timer import BatchTimer
from genotel.instrumentation.batch_totals import BatchTotals
from genotel.instrumentation.batch_window import CHUNK, BatchWindow, WindowLock
from genotel.instrumentation.instruments import IN_FORCE, instruments
from genotel.semconv import attributes as a

# What a batch of a list may leave out, in the order of `update`; the first two it may not.
_DEFAULTS: tuple[tuple[str, Any], ...] = tuple(zip(a.FIGURES, (None, None, 0.0, None, None, False, None), strict=True))
_REST = tuple(default for _, default in _DEFAULTS)
# How long a collection waits for a lock that a user holds.
PATIENCE_SECONDS = 0.05

_serials = count(1)


class BatchIntake:
    """Take batches in; :class:`~genotel.instrumentation.batch_contents.BatchContents` holds them.

    Args:
        name: label of the metrics.
        window_size: batches that are kept.
        workers: batches that the engine works on at a time.
        clock: tells the time.
    """

    __slots__ = (
        "__weakref__",
        "_clock",
        "_lock",
        "_now",
        "_totals",
        "_waiting",
        "_window",
        "name",
        "serial",
        "window_size",
        "workers",
    )

    def __init__(self, name: str, window_size: int, workers: int, clock: Clock) -> None:
        self.name = name
        self.window_size = window_size
        self.workers = workers
        self.serial = next(_serials)
        self._clock = clock
        self._now = clock.monotonic
        self._window = BatchWindow(window_size)
        self._waiting = self._window.waiting
        self._lock = WindowLock(self._window)
        self._totals: BatchTotals | None = None

    @property
    def lock(self) -> WindowLock:
        """Return the re-entrant lock that holds the window still, so that several updates are seen as one.

        Example:
            >>> intake = BatchIntake("doc", 10, 1, Clock())
            >>> with intake.lock:
            ...     intake.update(0.5, 8)
            ...     intake.update(0.5, 8)
        """
        return self._lock

    def update(
        self,
        processing_time: float,
        batch_size: int,
        queue_time: float = 0.0,
        latency: float | None = None,
        queue_length: int | None = None,
        error: bool = False,
        timestamp: float | None = None,
    ) -> None:
        """Take a batch in that has ended.

        A figure that is no number, negative, infinite or of a wrong type is left out and counted;
        the rest of the batch counts. Nothing is ever raised for a figure.

        Args:
            processing_time: seconds that it was worked on.
            batch_size: its items.
            queue_time: seconds that it waited before.
            latency: seconds from its arrival to its end; by default wait and work.
            queue_length: items that waited when it began.
            error: whether it failed.
            timestamp: when it ended, in Unix time or seconds of the monotonic clock; by default now.
        """
        moment = self._now() if timestamp is None else self._moment(timestamp)
        if self._window.attention:
            self._update_with_attention((processing_time, batch_size, queue_time, latency, queue_length, error, moment))
            return
        waiting = self._waiting
        waiting.append((processing_time, batch_size, queue_time, latency, queue_length, error, moment))
        # Not at every update from then on: while another thread has the lock, to ask for it is dear.
        if not len(waiting) % CHUNK:
            self._settle()

    def _update_with_attention(self, record: Record) -> None:
        """Take a batch in while a user holds the lock, or as the first one after a fork."""
        try:
            if self._window.forked:
                self._window.forked = False
                self._export()
            self._window.enter_held(record)
        except Exception as error:
            guard.report("batch_stats.update", error)

    def _settle(self) -> None:
        try:
            self._window.take_in()
            self._relieve()
        except Exception as error:
            guard.report("batch_stats.settle", error)

    def _relieve(self) -> None:
        if self._totals is not None:
            bound = IN_FORCE.bound
            relieve(None if bound is None else bound.batch, self._totals)

    def _moment(self, timestamp: Any) -> float:
        moment = moment_of(timestamp, self._clock)
        if moment is None:
            self._window.drop(TIMESTAMP)
            return self._now()
        return moment

    def update_many(
        self,
        processing_time: Any,
        batch_size: Any = None,
        queue_time: Any = 0.0,
        latency: Any = None,
        queue_length: Any = None,
        error: Any = False,
        timestamp: Any = None,
    ) -> None:
        """Take many batches in at once, under one lock: a tenth of the cost of as many updates.

        Args:
            processing_time: an array or list of n seconds; or, alone, a list of n batches, each a
                mapping of the arguments of :meth:`update` or a sequence in their order.
            batch_size: as in :meth:`update`, like all that follow: one value for all batches or an
                array or list of n.
            queue_time: seconds.
            latency: seconds.
            queue_length: items.
            error: truth values.
            timestamp: by default the batches are laid one after the other before now.

        Example:
            >>> intake = BatchIntake("doc", 10, 1, Clock())
            >>> intake.update_many([0.5, 0.25], batch_size=8)
            >>> intake.update_many([{"processing_time": 0.75, "batch_size": 16}, (0.5, 8)])
        """
        try:
            columns = self._columns((processing_time, batch_size, queue_time, latency, queue_length, error), timestamp)
            if not columns.moments:
                return
            window = self._window
            with window.lock:
                if window.forked:
                    window.forked = False
                    self._export()
                window.enter(columns)
            self._relieve()
        except Exception as fault:
            guard.report("batch_stats.update_many", fault)

    def _columns(self, given: tuple[Any, ...], timestamp: Any) -> Columns:
        # Late, since it needs numpy.
        from genotel.instrumentation.batch_arrays import columns_of_arrays

        if given[1] is None:
            *given, timestamp = _by_figure(given[0])  # type: ignore[assignment]  # six and one
        moments: Any = None
        if timestamp is not None:
            listed = timestamp.tolist() if hasattr(timestamp, "tolist") else timestamp
            if not isinstance(listed, list | tuple):
                listed = [listed] * max(len(value) for value in given if hasattr(value, "__len__"))
            now = self._now()
            moments = [now if moment is None else self._moment(moment) for moment in listed]
        return columns_of_arrays(given, moments, self._now(), self.workers)

    def measure(self, batch_size: int, queue_time: float = 0.0, queue_length: int | None = None) -> BatchTimer:
        """Time a ``with`` or ``async with`` block and take it in as one batch, failed if it raises.

        Example:
            >>> intake = BatchIntake("doc", 10, 1, Clock())
            >>> with intake.measure(batch_size=8) as batch:
            ...     batch.queue_length = 3
        """
        return BatchTimer(self.update, batch_size, queue_time, queue_length)

    def reset(self) -> None:
        """Empty the window and its totals; counters that were exported go on, as counters must."""
        with self._window.settled():
            self._window.forget()

    def _export(self) -> None:
        with guard.guarded("batch_stats.export"):
            # Made now, so that every counter is there, at 0, at the next collection.
            instruments()
            self._totals = batch_totals.batch_totals(self.name)
            self._totals.keep_figures()
            self._window.hand_on = self._totals.take
            batch_totals.windows.add(self)  # type: ignore[arg-type]  # what it lacks is in BatchStats

    def settle_for_collection(self) -> BatchTotals | None:
        """Move what waits into the window; return the totals, or None where it is not exported."""
        window = self._window
        # A user may hold the lock for long; then the rest comes with the next collection.
        window.settle()
        if window.ready and window.lock.acquire(timeout=PATIENCE_SECONDS):
            try:
                if not window.held:
                    window.enter_all()
            finally:
                window.lock.release()
        return self._totals

    def begin_again(self) -> None:
        """Start from zero in a forked child: what was counted so far is the parent's to report."""
        self._window.renew()
        self._totals = None

    def __del__(self) -> None:
        # No lock may be taken here; what waits is counted at the next collection.
        try:
            if self._waiting and self._totals is not None:
                batch_totals.orphans.append((self._totals, [*self._waiting]))
        except AttributeError:  # the constructor refused an argument
            pass


def _by_figure(batches: Any) -> list[Any]:
    """Return a list of batches as one column for each argument of ``update``.

    A figure that no batch has is its default, one value for all.
    """
    columns: list[Any] = [*_REST]
    batches = list(batches)
    kinds = set(map(type, batches))
    if not kinds:
        columns[0] = []
    elif kinds == {dict}:
        names = set().union(*batches)
        for place, (name, default) in enumerate(_DEFAULTS):
            if name in names:
                columns[place] = [batch.get(name, default) for batch in batches]
    else:
        rows = batches if kinds <= {tuple, list} else [_in_order(batch) for batch in batches]
        try:
            given = [*zip(*rows, strict=True)]
        except ValueError:
            # Rows of different lengths leave different figures out.
            longest = max(map(len, rows))
            given = [*zip(*((*row, *_REST[len(row) : longest]) for row in rows), strict=True)]
        columns[: len(given)] = given
    return columns


def _in_order(batch: Any) -> tuple[Any, ...]:
    if isinstance(batch, Mapping):
        return tuple(batch.get(name, default) for name, default in _DEFAULTS)
    return tuple(batch)
