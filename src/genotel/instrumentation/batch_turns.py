"""The turns of a loop over batches: the iterators that measure them.

The plain turn, without a span, is the hot path: one histogram record and two numbers under a lock. An
iterator belongs to one thread or task, as a generator does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any, Generic, TypeVar

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
    """Count what a loop has done, over all of its passes; changed by the thread that runs the loop."""

    __slots__ = ("done", "failures", "items")

    def __init__(self) -> None:
        self.done = 0
        self.failures = 0
        self.items = 0


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
        self._running = False
        # What a turn without a span is measured with; a turn with one is a Batch.
        self._bound: Instruments | None = None
        self._call: Batch | None = None
        self._start = 0.0
        self._done = 0
        self._began = monotonic()
        self._open = True
        # Where the loop was left in the middle of a garbage collection.
        self._late_seconds: float | None = None
        self.totals: BatchTotals = batch_totals(options.name)
        loops.add(self)

    @property
    def remaining(self) -> int | None:
        """Return the turns that are left, where that is known."""
        if self._total is None or not self._open:
            return None
        return max(0, self._total - self._done)

    @property
    def rate(self) -> float | None:
        """Return turns per second so far; None before the first one is done."""
        seconds = monotonic() - self._began
        return self._done / seconds if self._done and seconds > 0 else None

    @property
    def eta_seconds(self) -> float | None:
        """Return the time that the turns that are left need at this rate, where it is known."""
        remaining, rate = self.remaining, self.rate
        return None if remaining is None or rate is None else remaining / rate

    @property
    def in_flight(self) -> int:
        """Return 1 while a batch is in the hands of the loop's body, else 0."""
        return int(self._running)

    def begin(self, batch: Any) -> None:
        """Begin a turn: its batch goes to the body of the loop."""
        try:
            if WAITING:
                settle_all()
            bound = IN_FORCE.bound or instruments()
            if bound is None:
                return
            totals = self.totals
            if totals.stale:
                # The process was forked in the middle of the loop: from here on the turns are the child's.
                totals = self.totals = batch_totals(self._options.name)
            spans = self._options.spans
            if self._plain and (spans == "none" or bound.tracer is None or not makes_span(spans, totals.begun)):
                with totals.lock:
                    totals.active += 1
                    totals.begun += 1
                self._bound = bound
            else:
                self._call = self._batch(batch)
                self._call.__enter__()
            self._running = True
        except Exception as error:
            guard.report("batch_turns.begin", error)
        self._start = perf_counter()

    def _batch(self, batch: Any) -> Batch:
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
        return Batch(options.name, size, wait, links=links, spans=options.spans, stats=options.stats)

    def end(self, error: BaseException | None = None) -> None:
        """End the turn that runs, if any, with the exception that ended it, if any."""
        if not self._running:
            return
        seconds = perf_counter() - self._start
        self._running = False
        outcome = OK if error is None else outcome_of(error)
        items = 1
        try:
            call, self._call = self._call, None
            if call is not None:
                call.finish(error)
                items = call.item_count
            else:
                self._end_plain(seconds, outcome)
        except Exception as fault:
            guard.report("batch_turns.end", fault)
        self._count(outcome, items)

    def _end_plain(self, seconds: float, outcome: int) -> None:
        bound, totals = self._bound, self.totals
        # Begun before a fork the turn is the parent's.
        if bound is not None and not totals.stale:
            totals.finish(outcome, 1)
            bound.batch.duration.record(seconds, totals.attributes)

    def _count(self, outcome: int, items: int) -> None:
        tally = self._tally
        if outcome != ABANDONED:
            self._done += 1
            tally.done += 1
            tally.items += items
        if outcome in (ERROR, OUT_OF_MEMORY):
            tally.failures += 1
        if self._bar is not NO_BAR and (now := monotonic()) - self._bar_at >= _BAR_SECONDS:
            self._bar_at = now
            self._bar.show(self._done, tally.failures)

    def fail_source(self, error: BaseException) -> None:
        """Count that the source raised where a batch was asked for; the pass is over."""
        outcome = outcome_of(error)
        try:
            if IN_FORCE.bound is not None:
                self.totals.fail(outcome)
        except Exception as fault:
            guard.report("batch_turns.source", fault)
        if outcome in (ERROR, OUT_OF_MEMORY):
            self._tally.failures += 1
        self.close()

    def close(self, error: BaseException | None = None) -> None:
        """End the pass, and the turn that runs; may be called more than once."""
        self.end(GeneratorExit() if error is None else error)
        if self._open:
            self._open = False
            loops.discard(self)
            if self._bar is not NO_BAR:
                self._bar.show(self._done, self._tally.failures)
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
        self.end()
        try:
            batch = self._advance()
        except StopIteration:
            self.close()
            raise
        except BaseException as error:
            self.fail_source(error)
            raise
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
