"""Loops over batches: any iterable or async iterable, measured turn by turn, as lazy as it was.

A turn lasts from the moment a batch is handed to the body of the loop to the moment the next one is
asked for; what the source takes to make a batch is not in it. Python does not tell an iterator why its
loop was left, so the last turn of a loop that is left early counts as ``abandoned``. A ``with`` block
around the loop sees the exception and tells a failure from a ``break``.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from operator import length_hint
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from weakref import ref

from genotel import guard
from genotel.instrumentation.batch_arguments import ArgumentError, one_of, text, whole
from genotel.instrumentation.batch_progress import NO_BAR, Bar, bar_for
from genotel.instrumentation.batch_spans import SPAN_MODES, SpanMode
from genotel.instrumentation.batch_stats import BatchStats
from genotel.instrumentation.batch_turns import AsyncTurns, LoopOptions, Pass, Tally, Turns

T = TypeVar("T")

MOST_BATCHES = 10**15


class BatchLoop(Generic[T]):
    """Measure the passes through a source of batches; made by :func:`batches`.

    Each ``for`` or ``async for`` over it is a pass of its own, as over the source.
    """

    def __init__(
        self,
        source: Iterable[T] | AsyncIterable[T],
        options: LoopOptions,
        total: int | None = None,
        *,
        progress: bool = False,
    ) -> None:
        self._source = source
        self._options = options
        self._total = total
        self._progress = progress
        self._tally = Tally()
        self._latest: Callable[[], Pass | None] = _none
        # Inside of a `with` block the loop keeps its pass, so that leaving the loop does not end it.
        self._entered = False
        self._kept: Pass | None = None

    def __iter__(self) -> Turns[T]:
        # TypeError where the source is none, as without us.
        source = iter(self._source)  # type: ignore[arg-type]  # see above
        turns = Turns(source, self._options, self._tally, self._length(), self._bar())
        self._keep(turns)
        return turns

    def __aiter__(self) -> AsyncTurns[T]:
        source = aiter(self._source)  # type: ignore[arg-type]  # as in __iter__
        turns = AsyncTurns(source, self._options, self._tally, self._length(), self._bar())
        self._keep(turns)
        return turns

    def _keep(self, turns: Pass) -> None:
        self._latest = ref(turns)
        if self._entered:
            self._kept = turns

    def _length(self) -> int | None:
        if self._total is not None:
            return self._total
        try:
            length = length_hint(self._source, -1)
        except Exception as error:
            # A length that raises is the user's; without one nothing is left to be known.
            guard.report("batch.length", error)
            return None
        return length if length >= 0 else None

    def _bar(self) -> Bar:
        return bar_for(self._options.name, self._length()) if self._progress else NO_BAR

    def __len__(self) -> int:
        return len(self._source)  # type: ignore[arg-type]  # TypeError where it has none, as without us

    @property
    def done(self) -> int:
        """Return the batches that were worked on, over all passes."""
        return self._tally.figures[0]

    @property
    def items(self) -> int:
        """Return their items."""
        return self._tally.figures[1]

    @property
    def failures(self) -> int:
        """Return the batches that failed, and the failures of the source."""
        return self._tally.figures[2]

    @property
    def in_flight(self) -> int:
        """Return 1 while a batch is in the hands of the loop's body, else 0."""
        latest = self._latest()
        return 0 if latest is None else latest.in_flight

    @property
    def remaining(self) -> int | None:
        """Return the batches that are left in the running pass; None where that is not known."""
        latest = self._latest()
        return None if latest is None else latest.remaining

    @property
    def rate(self) -> float | None:
        """Return batches per second of the running pass, the source's time included; None before the first."""
        latest = self._latest()
        return None if latest is None else latest.rate

    @property
    def eta_seconds(self) -> float | None:
        """Return the seconds that are left at this rate; None where the length is not known."""
        latest = self._latest()
        return None if latest is None else latest.eta_seconds

    def __enter__(self) -> Self:
        self._entered = True
        return self

    def __exit__(
        self, exception_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._entered = False
        kept, self._kept = self._kept, None
        if kept is not None:
            # A loop that was left by `break` has done its last batch.
            kept.end(error)
            kept.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, exception_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(exception_type, error, traceback)


def batches(
    iterable: Iterable[T] | AsyncIterable[T],
    *,
    name: str = "default",
    size: Callable[[T], int] | None = None,
    spans: SpanMode = "sampled",
    links: Callable[[T], Iterable[Any]] | None = None,
    enqueued_at: Callable[[T], float] | None = None,
    stats: BatchStats | None = None,
    total: int | None = None,
    progress: bool = False,
) -> BatchLoop[T]:
    """Measure a loop over batches; its batches pass unchanged and as lazily as they come.

    Args:
        iterable: a list, a generator, a ``DataLoader``, an async iterable, …
        name: label of the metrics.
        size: the items of a batch, such as ``len``; without it each batch counts as one item.
        spans: a span for ``each`` batch, for some of them (``sampled``: 762 of a million), or ``none``.
        links: the spans of a batch's items, or their contexts, that its span links to; at most 128.
        enqueued_at: when a batch was enqueued, in Unix time or seconds of the monotonic clock.
        stats: takes the batches in too; then they are exported under the name of these statistics.
        total: batches to come, where the iterable has no length.
        progress: show a bar, on terminals only.

    Raises:
        SettingsError: (and ValueError) an argument is wrong; the message names it.

    Example:
        >>> with batches([[1, 2], [3]], name="doc", size=len) as loop:
        ...     for batch in loop:
        ...         pass
        >>> loop.done, loop.items, loop.failures
        (2, 3, 0)
    """
    text("name", name)
    one_of("spans", spans, SPAN_MODES)
    for argument, function in (("size", size), ("links", links), ("enqueued_at", enqueued_at)):
        if function is not None and not callable(function):
            raise ArgumentError(f"{argument} must be a function of a batch, not {type(function).__name__}")
    if total is not None:
        whole("total", total, 0, MOST_BATCHES)
    options = LoopOptions(name if stats is None else stats.name, size, spans, links, enqueued_at, stats)
    return BatchLoop(iterable, options, total, progress=progress)


def _none() -> Pass | None:
    return None
