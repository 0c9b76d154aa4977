"""One measured batch: a ``with`` block, or a turn of a loop over batches."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import Token
from time import perf_counter
from types import TracebackType
from typing import Any

from opentelemetry.context import Context, attach
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from genotel import guard
from genotel.clock import SYSTEM_CLOCK
from genotel.instrumentation.batch_arguments import one_of, text
from genotel.instrumentation.batch_figures import moment_of
from genotel.instrumentation.batch_spans import SPAN_MODES, SpanMode, links_to, makes_span
from genotel.instrumentation.batch_stats import BatchStats
from genotel.instrumentation.batch_totals import BatchTotals, batch_totals
from genotel.instrumentation.instruments import IN_FORCE, Instruments, instruments
from genotel.instrumentation.late_ends import COLLECTOR, WAITING, settle_all
from genotel.instrumentation.outcomes import ABANDONED, OK, error_type, outcome_of
from genotel.semconv import attributes as a

_FAILED = Status(StatusCode.ERROR)


class Batch:
    """Measure one batch, as a ``with`` or ``async with`` block.

    Made by :func:`batch`, and by loops over batches.
    """

    __slots__ = (
        "_bound",
        "_context",
        "_failed_items",
        "_given_links",
        "_index",
        "_name",
        "_seconds",
        "_span",
        "_spans",
        "_start",
        "_stats",
        "_token",
        "_totals",
        "size",
        "wait_seconds",
    )

    def __init__(
        self,
        name: str,
        size: int | None = None,
        wait_seconds: float | None = None,
        *,
        links: Iterable[Any] | None = None,
        spans: SpanMode = "each",
        stats: BatchStats | None = None,
        index: int | None = None,
    ) -> None:
        self._name = name
        # Its number in a loop; else it is the next one of its name.
        self._index = index
        self._spans = spans
        self._given_links = links
        self._stats = stats
        self._bound: Instruments | None = None
        self._span: Span | None = None
        self._context: Context | None = None
        self._token: Token[Context] | None = None
        self._failed_items = 0
        self._seconds = 0.0
        self.size = size
        self.wait_seconds = wait_seconds

    def items(self, size: int) -> None:
        """Say how many items the batch has, where that is known only inside of it."""
        self.size = size

    def fail(self, items: int = 1) -> None:
        """Count items that failed in a batch that goes on."""
        try:
            self._failed_items += max(0, int(items))
        except Exception as error:
            guard.report("batch.fail", error)

    def __enter__(self) -> Batch:
        try:
            if WAITING:
                settle_all()
            bound = IN_FORCE.bound or instruments()
            if bound is not None:
                self._begin(bound)
        except Exception as error:
            guard.report("batch.begin", error)
        self._start = perf_counter()
        return self

    def _begin(self, bound: Instruments) -> None:
        self._totals: BatchTotals = batch_totals(self._name)
        with self._totals.lock:
            self._totals.active += 1
            if self._index is None:
                self._index = self._totals.begun
                self._totals.begun += 1
        # From here on the batch is measured, even if something of ours below goes wrong.
        self._bound = bound
        if bound.tracer is None or not makes_span(self._spans, self._index):
            return
        attributes: dict[str, str | int | float] = {a.BATCH_NAME: self._name, a.BATCH_INDEX: self._index}
        self._span = span = bound.tracer.start_span(
            f"batch {self._name}", None, SpanKind.INTERNAL, attributes, links_to(self._given_links)
        )
        self._context = set_span_in_context(span)
        self._token = attach(self._context)

    def __exit__(
        self, exception_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.finish(error)

    async def __aenter__(self) -> Batch:
        return self.__enter__()

    async def __aexit__(
        self, exception_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(exception_type, error, traceback)

    def finish(self, error: BaseException | None = None) -> None:
        """End the batch, once; with the exception that ended it, if any."""
        bound, self._bound = self._bound, None
        if bound is None:
            return
        self._seconds = perf_counter() - self._start
        if COLLECTOR.is_here():
            # An iterator that was part of a cycle.
            self._bound = bound
            WAITING.append(self)
            return
        self._end(bound, error)

    def settle(self) -> None:
        """Record an end that came when nothing could be recorded; see :mod:`late_ends`."""
        bound, self._bound = self._bound, None
        if bound is not None:
            self._end(bound, GeneratorExit())

    def _end(self, bound: Instruments, error: BaseException | None) -> None:
        try:
            self._leave_context()
            # Begun before a fork the batch is the parent's.
            if not self._totals.stale:
                self._record(bound, outcome_of(error), error)
        except Exception as fault:
            guard.report("batch.record", fault)

    def _leave_context(self) -> None:
        token, self._token = self._token, None
        if token is not None:
            # Where this fails the batch ends in another context than it was begun in; not ours to change.
            try:
                token.var.reset(token)
            except (ValueError, RuntimeError):
                pass

    def _record(self, bound: Instruments, outcome: int, error: BaseException | None) -> None:
        size, items = self._known_size(), self.item_count
        failed_items = min(self._failed_items, items) if outcome == OK else 0
        totals = self._totals
        if self._stats is None:
            totals.finish(outcome, items, failed_items)
            bound.batch.record_one(totals, self._seconds, size, self.wait_seconds, self._context)
        else:
            # Its window exports what it takes in; here it would count twice.
            totals.leave()
            self._stats.update(self._seconds, items, self.wait_seconds or 0.0, error=outcome != OK)
        span = self._span
        if span is not None:
            if size is not None:
                span.set_attribute(a.BATCH_SIZE, size)
            if self.wait_seconds is not None:
                span.set_attribute(a.BATCH_WAIT, self.wait_seconds)
            if outcome != OK:
                span.set_attribute(a.OUTCOME, a.OUTCOMES[outcome])
                if outcome != ABANDONED:
                    # No description: the text of an exception may hold a prompt.
                    span.set_status(_FAILED)
                    span.set_attribute(a.ERROR_TYPE, a.OUTCOMES[outcome] if error is None else error_type(error))
            span.end()

    @property
    def item_count(self) -> int:
        """Return the items of the batch; 1 where nobody told."""
        size = self._known_size()
        return 1 if size is None else size

    def _known_size(self) -> int | None:
        size = self.size
        if size is None or (isinstance(size, int) and size >= 0):
            return size
        try:
            return max(0, int(size))
        except Exception as error:
            guard.report("batch.size", error)
            return None


def batch(
    name: str = "default",
    size: int | None = None,
    *,
    queue_time: float | None = None,
    enqueued_at: float | None = None,
    links: Iterable[Any] | None = None,
    spans: SpanMode = "each",
    stats: BatchStats | None = None,
) -> Batch:
    """Measure one batch with a ``with`` or ``async with`` block.

    Args:
        name: label of the metrics.
        size: items of the batch; without it the batch counts as one item.
        queue_time: seconds that it waited before.
        enqueued_at: when its oldest item was enqueued, in Unix time or seconds of the monotonic clock;
            another way to tell ``queue_time``.
        links: spans, or contexts of spans, that the batch's span links to: those of its items.
        spans: a span for ``each`` batch, for some of them (``sampled``: 762 of a million), or ``none``.
        stats: takes the batch in too; then it is exported under the name of these statistics.

    Raises:
        SettingsError: (and ValueError) the name is empty or ``spans`` is none of the three.

    Example:
        >>> with batch("captions", size=8, queue_time=0.5) as current:
        ...     current.fail(1)
    """
    text("name", name)
    one_of("spans", spans, SPAN_MODES)
    if queue_time is None and enqueued_at is not None:
        queue_time = waited_since(enqueued_at)
    return Batch(name if stats is None else stats.name, size, queue_time, links=links, spans=spans, stats=stats)


def waited_since(enqueued_at: Any) -> float | None:
    """Return the seconds since a timestamp, never below 0; None if it is none."""
    moment = moment_of(enqueued_at, SYSTEM_CLOCK)
    return None if moment is None else max(0.0, SYSTEM_CLOCK.monotonic() - moment)
