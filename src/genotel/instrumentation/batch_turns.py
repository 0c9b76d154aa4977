"""The turns of a loop over batches: the iterators that measure them.

The plain turn, without a span, is the hot path: one histogram record and two numbers under a lock. An
iterator belongs to one thread or task, as a generator does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from genotel import guard
from genotel.instrumentation.batch_call import Batch, waited_since
from genotel.instrumentation.batch_progress import NO_BAR, Bar
from genotel.instrumentation.batch_spans import SpanMode, makes_span
from genotel.instrumentation.batch_stats import BatchStats
from genotel.instrumentation.batch_totals import BatchTotals, batch_totals, loops
from genotel.instrumentation.instruments import IN_FORCE, Instruments, instruments
from genotel.instrumentation.late_ends import COLLECTOR, WAITING, settle_all
from genotel.instrumentation.outcomes import ABANDONED, ERROR, OK, OUT_OF_MEMORY, outcome_of

T = TypeVar("T")

# A bar that is drawn more often than this costs more than it shows.
_BAR_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """Hold what a loop was told; see :func:`genotel.instrumentation.batch.batches`."""

    name: str
    size: Callable[[Any], int] | None
    spans: SpanMode
    links: Callable[[Any], Iterable[Any]] | None
    enqueued_at: Callable[[Any], float] | None
    stats: BatchStats | None

    @property
    def is_plain(self) -> bool:
        """Say whether a turn without a span needs to know nothing of its batch."""
        return self.size is None and self.enqueued_at is None and self.stats is None


class Tally:
    """Count what a loop has done, over all of its passes."""

    __slots__ = ("_closed", "passes")

    def __init__(self) -> None:
        # Sums over the passes that are closed: done, items, failures.
        self._closed = (0, 0, 0)
        self.passes: WeakSet[Pass] = WeakSet()

    @property
    def figures(self) -> tuple[int, int, int]:
        """Return the batches that are done, their items, and the failures."""
        parts = [self._closed, *(each.figures for each in [*self.passes])]
        done, items, failures = (sum(column) for column in zip(*parts, strict=True))
        return done, items, failures

    def close(self, finished: Pass) -> None:
        """Keep the figures of a pass that is over."""
        done, items, failures = finished.figures
        self.passes.discard(finished)
        self._closed = (self._closed[0] + done, self._closed[1] + items, self._closed[2] + failures)


class Pass:
    """Measure one pass through a source, turn by turn.

    Args:
        options: of the loop.
        tally: what the turns are added to.
        total: turns that the pass will have, where known.
        bar: shows them.
    """

    def __init__(self, options: LoopOptions, tally: Tally, total: int | None, bar: Bar = NO_BAR) -> None:
        self._options = options
        self._tally = tally
        self._total = total
        self._bar = bar
        self._bar_at = 0.0
        self._plain = options.is_plain
        # Whether no turn at all has a span or needs to know its batch.
        self._all_plain = options.is_plain and options.spans == "none" and bar is NO_BAR
        self._index = tally.figures[0]
        # A plain turn that runs has the instruments that it was begun with; another one is a Batch.
        self._bound: Instruments | None = None
        self._call: Batch | None = None
        self._start = 0.0
        self._done = self._items = self._failures = 0
        # Good turns that were plain, and how many of them the totals know.
        self._plain_done = self._told = 0
        self._began = monotonic()
        self._open = True
        self.totals: BatchTotals = batch_totals(options.name)
        tally.passes.add(self)
        loops.add(self)

    @property
    def figures(self) -> tuple[int, int, int]:
        """Return the batches that are done, their items, and the failures."""
        return self._done + self._plain_done, self._items + self._plain_done, self._failures

    @property
    def remaining(self) -> int | None:
        """Return the turns that are left, where that is known."""
        if self._total is None or not self._open:
            return None
        return max(0, self._total - self.figures[0])

    @property
    def rate(self) -> float | None:
        """Return turns per second so far; None before the first one is done."""
        done, seconds = self.figures[0], monotonic() - self._began
        return done / seconds if done and seconds > 0 else None

    @property
    def eta_seconds(self) -> float | None:
        """Return the time that the turns that are left need at this rate, where it is known."""
        remaining, rate = self.remaining, self.rate
        return None if remaining is None or rate is None else remaining / rate

    @property
    def in_flight(self) -> int:
        """Return 1 while a batch is in the hands of the loop's body, else 0."""
        return int(self._bound is not None or self._call is not None)

    @property
    def plain_in_flight(self) -> int:
        """Return 1 while that is so and nobody else counts it."""
        return int(self._bound is not None)

    def tell(self) -> None:
        """Let the totals know of the turns that they do not know yet."""
        totals = self.totals
        with totals.lock:
            # The thread of the loop only ever adds one, outside of the lock.
            done = self._plain_done
            totals.count(OK, done - self._told, done - self._told)
            self._told = done

    def begin_again(self) -> None:
        """Start from zero in a forked child: the turn that runs, and those before it, are the parent's."""
        self.totals = batch_totals(self._options.name)
        self._told = self._plain_done
        self._bound = self._call = None

    def begin(self, batch: Any) -> None:
        """Begin a turn: its batch goes to the body of the loop."""
        try:
            if WAITING:
                settle_all()
            bound = IN_FORCE.bound or instruments()
            if bound is None:
                return
            spans, index = self._options.spans, self._index
            self._index += 1
            if self._plain and (bound.tracer is None or not makes_span(spans, index)):
                self._bound = bound
            else:
                call = self._batch(batch, index)
                call.__enter__()
                self._call = call
        except Exception as error:
            guard.report("batch_turns.begin", error)
        self._start = perf_counter()

    def _batch(self, batch: Any, index: int) -> Batch:
        options = self._options
        links = size = wait = None
        # These are the user's; what they raise must not end the loop.
        try:
            if options.size is not None:
                size = options.size(batch)
            if options.enqueued_at is not None:
                wait = waited_since(options.enqueued_at(batch))
            if options.links is not None and options.spans != "none":
                links = options.links(batch)
        except Exception as error:
            guard.report("batch_turns.options", error)
        return Batch(options.name, size, wait, links=links, spans=options.spans, stats=options.stats, index=index)

    def end(self, error: BaseException | None = None) -> None:
        """End the turn that runs, if any, with the exception that ended it, if any."""
        bound, call = self._bound, self._call
        if bound is None and call is None:
            return
        seconds = perf_counter() - self._start
        self._bound = self._call = None
        outcome = OK if error is None else outcome_of(error)
        try:
            if call is not None:
                call.finish(error)
                if outcome != ABANDONED:
                    self._done += 1
                    self._items += call.item_count
            elif bound is not None:
                if outcome == OK:
                    self._plain_done += 1
                else:
                    self.totals.count(outcome, 1, 1)
                    self._done += outcome != ABANDONED
                    self._items += outcome != ABANDONED
                bound.batch.duration.record(seconds, self.totals.attributes)
        except Exception as fault:
            guard.report("batch_turns.end", fault)
        self._failures += outcome in (ERROR, OUT_OF_MEMORY)
        if self._bar is not NO_BAR and (now := monotonic()) - self._bar_at >= _BAR_SECONDS:
            self._bar_at = now
            self._bar.show(self.figures[0], self._failures)

    def fail_source(self, error: BaseException) -> None:
        """Count that the source raised where a batch was asked for; the pass is over."""
        outcome = outcome_of(error)
        with guard.guarded("batch_turns.source"):
            if not IN_FORCE.disabled:
                self.totals.count(outcome, 1, 0)
        self._failures += outcome in (ERROR, OUT_OF_MEMORY)
        self.close()

    def close(self) -> None:
        """End the pass, and abandon the turn that runs; may be called more than once."""
        self.end(GeneratorExit())
        if self._open:
            self._open = False
            self.tell()
            self._tally.close(self)
            loops.discard(self)
            if self._bar is not NO_BAR:
                self._bar.show(self.figures[0], self._failures)
                self._bar.close()

    def settle(self) -> None:
        """End a pass that was left in the middle of a garbage collection; see :mod:`late_ends`."""
        self.close()

    def __del__(self) -> None:
        try:
            if not self._open:
                return
            if COLLECTOR.is_here():
                WAITING.append(self)
            else:
                self.close()
        except Exception as error:
            guard.report("batch_turns.collected", error)


class Turns(Pass, Generic[T]):
    """Iterate over a source and measure each turn."""

    def __init__(
        self, source: Iterator[T], options: LoopOptions, tally: Tally, total: int | None, bar: Bar = NO_BAR
    ) -> None:
        super().__init__(options, tally, total, bar)
        self._advance = source.__next__

    def __iter__(self) -> Turns[T]:
        return self

    def __next__(self) -> T:
        bound = self._bound
        if bound is not None and self._all_plain:
            # As in `end`, without the rest: this is the hot path.
            seconds = perf_counter() - self._start
            self._bound = None
            self._plain_done += 1
            try:
                bound.batch.duration.record(seconds, self.totals.attributes)
            except Exception as fault:
                guard.report("batch_turns.end", fault)
        else:
            self.end()
        try:
            batch = self._advance()
        except StopIteration:
            self.close()
            raise
        except BaseException as error:
            self.fail_source(error)
            raise
        if self._all_plain and not WAITING and IN_FORCE.bound is not None:
            self._bound = IN_FORCE.bound
            self._start = perf_counter()
        else:
            self.begin(batch)
        return batch


class AsyncTurns(Pass, Generic[T]):
    """Iterate over an async source and measure each turn."""

    def __init__(
        self, source: AsyncIterator[T], options: LoopOptions, tally: Tally, total: int | None, bar: Bar = NO_BAR
    ) -> None:
        super().__init__(options, tally, total, bar)
        self._advance = source.__anext__

    def __aiter__(self) -> AsyncTurns[T]:
        return self

    async def __anext__(self) -> T:
        self.end()
        try:
            batch = await self._advance()
        except StopAsyncIteration:
            self.close()
            raise
        except BaseException as error:
            self.fail_source(error)
            raise
        self.begin(batch)
        return batch
