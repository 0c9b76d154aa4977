"""The instruments of batches: histograms, and what the observable ones read at collection.

Figures of updates reach the histograms late, when a reader collects or when too many wait, because
one record of the SDK costs ten updates. Each figure is recorded once, by itself: never an average.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from opentelemetry import metrics
from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, NoOpHistogram, Observation

from genotel import guard
from genotel.instrumentation import batch_totals, caps, queue_totals
from genotel.instrumentation.batch_figures import latencies_of
from genotel.instrumentation.batch_totals import MOST_PENDING, BatchTotals, Window
from genotel.semconv import attributes as a
from genotel.semconv import batch_metrics as bm
from genotel.semconv.spec import MetricSpec

_LOOK_EVERY = 64
# Batches that an updating thread records when too many wait: a pause of a few milliseconds at most.
_AT_ONCE = 256
# Recorded by one update at most, and what may wait beyond that: who hands a million batches over at once
# must not wait for a minute. What is left out then is counted.
_MOST_ROUNDS = 16
_MOST_LEFT = 16 * MOST_PENDING
# The figures belong to no call that is running where they are recorded.
_NO_CONTEXT = Context()


class BatchHistograms:
    """Hold the histograms of batches and queues.

    Args:
        histogram: makes one from its spec.
    """

    __slots__ = ("_asked", "_heard", "duration", "latency", "queue_duration", "queue_wait", "size")

    def __init__(self, histogram: Callable[[MetricSpec], Histogram]) -> None:
        self.duration = histogram(bm.DURATION)
        self.latency = histogram(bm.LATENCY)
        self.queue_duration = histogram(bm.QUEUE_DURATION)
        self.size = histogram(bm.SIZE)
        self.queue_wait = histogram(bm.QUEUE_WAIT)
        self._heard = False
        self._asked = 0

    def is_heard(self) -> bool:
        """Say whether what is recorded goes anywhere: not before the program has a provider."""
        if self._heard:
            return True
        # To look costs as much as ten updates.
        self._asked += 1
        if self._asked % _LOOK_EVERY == 1 and not isinstance(self.duration, NoOpHistogram):
            # The API's proxies stand in until then; they have no public names.
            waits = type(self.duration).__name__ == "_ProxyHistogram"
            self._heard = not (waits and type(metrics.get_meter_provider()).__name__ == "_ProxyMeterProvider")
        return self._heard

    def hear(self) -> None:
        """Note that a reader collects, so that somebody does."""
        self._heard = True

    def record(self, totals: BatchTotals, most: int = MOST_PENDING) -> None:
        """Record the figures that wait, of at most ``most`` batches; the caller holds no lock of ours."""
        attributes = totals.attributes
        for chunk in totals.take_pending(most):
            for histogram, column in (
                (self.duration, chunk.processing),
                (self.latency, latencies_of(chunk.latencies, chunk.processing, chunk.waits)),
                (self.queue_duration, chunk.waits),
                (self.size, chunk.sizes),
            ):
                record = histogram.record
                for value in column:
                    # Not below 0, and not NaN: the unknown is absent.
                    if value >= 0:
                        record(value, attributes, _NO_CONTEXT)

    def record_one(
        self, totals: BatchTotals, seconds: float, size: int | None, wait: float | None, context: Context | None
    ) -> None:
        """Record a batch that ends here and now; what is unknown is left out."""
        attributes = totals.attributes
        self.duration.record(seconds, attributes, context)
        if size is not None:
            self.size.record(size, attributes, context)
        if wait is not None:
            self.queue_duration.record(wait, attributes, context)
            self.latency.record(wait + seconds, attributes, context)


def relieve(histograms: BatchHistograms | None, totals: BatchTotals) -> None:
    """Keep what waits for the histograms bounded; called by updating threads after each chunk."""
    if histograms is None or not histograms.is_heard():
        # As with every instrument of OpenTelemetry, times are lost that nobody listens to; counts are not.
        if totals.keeps_pending:
            totals.forget_pending()
        return
    totals.keeps_pending = True
    if totals.pending_count <= MOST_PENDING:
        return
    # One thread at a time: several would hand the SDK's own locks to each other at every record.
    with totals.relief:
        rounds = 0
        while totals.pending_count > MOST_PENDING:
            if rounds < _MOST_ROUNDS:
                histograms.record(totals, _AT_ONCE)
                rounds += 1
            elif totals.pending_count > _MOST_LEFT:
                left_out = sum(len(chunk.moments) for chunk in totals.take_pending(MOST_PENDING))
                caps.drop(bm.DURATION.name, left_out)
                guard.warn_once(
                    "batch_instruments.relieve",
                    "genotel: batches end faster than histograms can take their times; some are in the counts only",
                )
            else:
                return


def settle(histograms: BatchHistograms) -> None:
    """Bring totals and histograms up to date, once at the beginning of a collection."""
    with guard.guarded("batch_instruments.settle"):
        batch_totals.settle_orphans()
        _note_windows()
        for loop in [*batch_totals.loops]:
            loop.tell()
        histograms.hear()
        for totals in batch_totals.all_totals():
            totals.keeps_pending = True
            histograms.record(totals)
        for waited in queue_totals.all_totals():
            waited.record_waits(histograms.queue_wait)


def _batches() -> Iterator[Observation]:
    for totals in batch_totals.all_totals():
        for count, attributes in zip(totals.batches, totals.outcomes, strict=True):
            yield Observation(count, attributes)


def _items() -> Iterator[Observation]:
    for totals in batch_totals.all_totals():
        for count, attributes in zip(totals.items, totals.outcomes, strict=True):
            yield Observation(count, attributes)


def _active() -> Iterator[Observation]:
    of_loops: dict[int, int] = {}
    for loop in [*batch_totals.loops]:
        of_loops[id(loop.totals)] = of_loops.get(id(loop.totals), 0) + loop.plain_in_flight
    for totals in batch_totals.all_totals():
        yield Observation(totals.active + of_loops.get(id(totals), 0), totals.attributes)


def _remaining() -> Iterator[Observation]:
    left: dict[int, tuple[BatchTotals, int]] = {}
    for loop in [*batch_totals.loops]:
        remaining = loop.remaining
        if remaining is not None:
            totals = loop.totals
            left[id(totals)] = (totals, remaining + left.get(id(totals), (totals, 0))[1])
    return (Observation(count, totals.attributes) for totals, count in left.values())


def _eta() -> Iterator[Observation]:
    longest: dict[int, tuple[BatchTotals, float]] = {}
    for loop in [*batch_totals.loops]:
        eta = loop.eta_seconds
        if eta is not None:
            totals = loop.totals
            longest[id(totals)] = (totals, max(eta, longest.get(id(totals), (totals, 0.0))[1]))
    return (Observation(seconds, totals.attributes) for totals, seconds in longest.values())


def _dropped() -> Iterator[Observation]:
    for totals in batch_totals.all_totals():
        for figure, count in [*(totals.dropped or {}).items()]:
            yield Observation(count, {**totals.attributes, a.FIGURE: figure})


def _stats_requests() -> Iterator[Observation]:
    for totals in batch_totals.all_totals():
        if totals.dropped is not None:
            for result, count in totals.caching.items():
                yield Observation(count.value, {**totals.attributes, a.CACHE_RESULT: result})


def _of_window(key: str) -> Reader:
    def read() -> Iterator[Observation]:
        for totals, figures in _window_figures:
            if key in figures:
                yield Observation(figures[key], totals.attributes)

    return read


# The figures of windows in the collection under way: made once, read by five gauges.
_window_figures: list[tuple[BatchTotals, Mapping[str, float]]] = []


def _note_windows() -> None:
    global _window_figures
    newest: dict[int, tuple[BatchTotals, Window]] = {}
    # Of several windows of one name the last one made speaks for it.
    for window in sorted(batch_totals.windows, key=lambda window: window.serial):
        totals = window.settle_for_collection()
        if totals is not None:
            newest[id(totals)] = (totals, window)
    _window_figures = [(totals, window.window_figures()) for totals, window in newest.values()]


Reader = Callable[[], Iterator[Observation]]


def observed(histograms: Callable[[], BatchHistograms]) -> tuple[tuple[MetricSpec, Reader], ...]:
    """Return every observable metric of batches and what reads it.

    Args:
        histograms: returns those that get what waits for them when a reader collects.
    """

    def settled_batches() -> Iterator[Observation]:
        settle(histograms())
        return _batches()

    return ((bm.BATCHES, settled_batches), *_OBSERVED)


# One visible line each, asked in this order, after the first one above.
_OBSERVED: tuple[tuple[MetricSpec, Reader], ...] = (
    (bm.ITEMS, _items),
    (bm.ACTIVE, _active),
    (bm.REMAINING, _remaining),
    (bm.ETA, _eta),
    (bm.FIGURES_DROPPED, _dropped),
    (bm.STATS_REQUESTS, _stats_requests),
    (bm.WINDOW_THROUGHPUT, _of_window("throughput")),
    (bm.WINDOW_THROUGHPUT_PEAK, _of_window("peak_throughput")),
    (bm.WINDOW_EFFICIENCY, _of_window("efficiency_score")),
    (bm.WINDOW_STABILITY, _of_window("stability_index")),
    (bm.WINDOW_UTILIZATION, _of_window("utilization")),
    (bm.QUEUE_LENGTH, queue_totals.lengths),
    (bm.QUEUE_LIMIT, queue_totals.limits),
    (bm.QUEUE_OLDEST_AGE, queue_totals.oldest_ages),
    (bm.QUEUE_REFUSED, queue_totals.refusals),
)
