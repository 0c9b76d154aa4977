"""The metrics of batch loops and queues: METRICS.md, "Batches and queues"."""

from __future__ import annotations

from typing import Literal

from genotel.semconv import attributes as a
from genotel.semconv import buckets
from genotel.semconv.spec import Kind, Merge, MetricSpec

BATCH_LABELS = (a.BATCH_NAME,)
QUEUE_LABELS = (a.QUEUE_NAME,)

DURATION = MetricSpec(
    "genotel.batch.duration",
    Kind.HISTOGRAM,
    "s",
    "Time that a batch was worked on.",
    labels=BATCH_LABELS,
    buckets=buckets.BATCH_SECONDS,
)
LATENCY = MetricSpec(
    "genotel.batch.latency",
    Kind.HISTOGRAM,
    "s",
    "Time from when a batch was enqueued to its end: wait and work.",
    labels=BATCH_LABELS,
    buckets=buckets.BATCH_SECONDS,
)
QUEUE_DURATION = MetricSpec(
    "genotel.batch.queue.duration",
    Kind.HISTOGRAM,
    "s",
    "Time that a batch waited before it was worked on.",
    labels=BATCH_LABELS,
    buckets=buckets.BATCH_SECONDS,
)
SIZE = MetricSpec(
    "genotel.batch.size",
    Kind.HISTOGRAM,
    "{item}",
    "Items of a batch.",
    labels=BATCH_LABELS,
    buckets=buckets.BATCH_ITEMS,
)
ITEMS = MetricSpec(
    "genotel.batch.items",
    Kind.COUNTER,
    "{item}",
    "Items of finished batches by outcome, born at 0 for every outcome.",
    labels=(*BATCH_LABELS, a.OUTCOME),
    closed=((a.OUTCOME, a.OUTCOMES),),
    observable=True,
)
BATCHES = MetricSpec(
    "genotel.batch.batches",
    Kind.COUNTER,
    "{batch}",
    "Finished batches by outcome, born at 0 for every outcome.",
    labels=(*BATCH_LABELS, a.OUTCOME),
    closed=((a.OUTCOME, a.OUTCOMES),),
    observable=True,
)
ACTIVE = MetricSpec(
    "genotel.batch.active",
    Kind.UP_DOWN_COUNTER,
    "{batch}",
    "Batches that are worked on now.",
    labels=BATCH_LABELS,
    observable=True,
)
REMAINING = MetricSpec(
    "genotel.batch.remaining",
    Kind.GAUGE,
    "{batch}",
    "Batches that the running loops of this name have left, where their length is known.",
    labels=BATCH_LABELS,
    observable=True,
)
ETA = MetricSpec(
    "genotel.batch.eta",
    Kind.GAUGE,
    "s",
    "Time that the running loops of this name still need at their rate so far.",
    labels=BATCH_LABELS,
    merge=Merge.MAX,
    observable=True,
)
FIGURES_DROPPED = MetricSpec(
    "genotel.batch.dropped",
    Kind.COUNTER,
    "{figure}",
    "Figures given to batch statistics that were no number, negative or of a wrong type.",
    labels=(*BATCH_LABELS, a.FIGURE),
    closed=((a.FIGURE, a.FIGURES),),
    observable=True,
)
STATS_REQUESTS = MetricSpec(
    "genotel.batch.stats.requests",
    Kind.COUNTER,
    "{request}",
    "Requests for the statistics of a window, by whether kept ones were still valid.",
    labels=(*BATCH_LABELS, a.CACHE_RESULT),
    closed=((a.CACHE_RESULT, a.CACHE_RESULTS),),
    observable=True,
)


def _window(name: str, unit: str, help: str, merge: Merge) -> MetricSpec:
    return MetricSpec(
        f"genotel.batch.window.{name}", Kind.GAUGE, unit, help, labels=BATCH_LABELS, merge=merge, observable=True
    )


WINDOW_THROUGHPUT = _window("throughput", "{item}/s", "Items over the wall time of the rolling window.", Merge.SUM)
WINDOW_THROUGHPUT_PEAK = _window(
    "throughput_peak", "{item}/s", "Greatest throughput of a tenth of the rolling window.", Merge.MAX
)
WINDOW_EFFICIENCY = _window(
    "efficiency", "1", "Share of the latency that was work, times the share of batches that did not fail.", Merge.LAST
)
WINDOW_STABILITY = _window(
    "stability", "1", "How regular the time of a batch is: 1 when all take the same time.", Merge.LAST
)
WINDOW_UTILIZATION = _window(
    "utilization", "1", "Busy time over the wall time of the rolling window times workers.", Merge.LAST
)

QUEUE_LENGTH = MetricSpec(
    "genotel.queue.length",
    Kind.GAUGE,
    "{item}",
    "Items that wait in the queue.",
    labels=QUEUE_LABELS,
    observable=True,
)
QUEUE_LIMIT = MetricSpec(
    "genotel.queue.limit",
    Kind.GAUGE,
    "{item}",
    "Items that the queue takes at most; absent for a queue without a limit.",
    labels=QUEUE_LABELS,
    observable=True,
)
QUEUE_OLDEST_AGE = MetricSpec(
    "genotel.queue.oldest.age",
    Kind.GAUGE,
    "s",
    "Time that the oldest item of the queue has waited; absent while the queue is empty.",
    labels=QUEUE_LABELS,
    merge=Merge.MAX,
    observable=True,
)
QUEUE_REFUSED = MetricSpec(
    "genotel.queue.refused",
    Kind.COUNTER,
    "{item}",
    "Items that a full queue did not take, at once or in time.",
    labels=(*QUEUE_LABELS, a.REASON),
    closed=((a.REASON, a.REFUSALS),),
    observable=True,
)
QUEUE_WAIT = MetricSpec(
    "genotel.queue.duration",
    Kind.HISTOGRAM,
    "s",
    "Time that an item waited in the queue.",
    labels=QUEUE_LABELS,
    buckets=buckets.BATCH_SECONDS,
)

BATCH_METRICS = (
    DURATION,
    LATENCY,
    QUEUE_DURATION,
    SIZE,
    ITEMS,
    BATCHES,
    ACTIVE,
    REMAINING,
    ETA,
    FIGURES_DROPPED,
    STATS_REQUESTS,
    WINDOW_THROUGHPUT,
    WINDOW_THROUGHPUT_PEAK,
    WINDOW_EFFICIENCY,
    WINDOW_STABILITY,
    WINDOW_UTILIZATION,
    QUEUE_LENGTH,
    QUEUE_LIMIT,
    QUEUE_OLDEST_AGE,
    QUEUE_REFUSED,
    QUEUE_WAIT,
)

# What ``BatchStats.export_metrics("prometheus")`` writes for people without OpenTelemetry: family, type,
# help, key of the statistics. These are names of their own, without a scope, told apart by one label.
PLAIN_LABEL = "name"
PLAIN_EXPORT: tuple[tuple[str, Literal["counter", "gauge"], str, str], ...] = (
    ("batch_throughput", "gauge", "Items per second of the window.", "throughput"),
    ("batch_throughput_peak", "gauge", "Greatest items per second in the window.", "peak_throughput"),
    ("batch_processing_time_avg", "gauge", "Mean seconds of work of a batch.", "avg_processing_time"),
    ("batch_processing_time_p95", "gauge", "95th percentile of it.", "p95_processing_time"),
    ("batch_queue_time_avg", "gauge", "Mean seconds that a batch waited.", "avg_queue_time"),
    ("batch_queue_time_p95", "gauge", "95th percentile of it.", "p95_queue_time"),
    ("batch_latency_avg", "gauge", "Mean seconds of wait and work.", "avg_latency"),
    ("batch_latency_p95", "gauge", "95th percentile of it.", "p95_latency"),
    ("batch_size_avg", "gauge", "Mean items of a batch.", "avg_batch_size"),
    ("batch_error_rate", "gauge", "Share of the batches that failed.", "error_rate"),
    ("batch_queue_length", "gauge", "Mean length of the queue.", "avg_queue_length"),
    ("batch_efficiency_score", "gauge", "Work over latency, without failures.", "efficiency_score"),
    ("batch_stability_index", "gauge", "How regular the time of a batch is.", "stability_index"),
    ("batch_utilization", "gauge", "Share of their time that workers were busy.", "utilization"),
    ("batch_processed_items", "counter", "Items since the last reset.", "total_processed"),
    ("batch_batches", "counter", "Batches since the last reset.", "total_batches"),
    ("batch_errors", "counter", "Failed batches since the last reset.", "total_errors"),
)
