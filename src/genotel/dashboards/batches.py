"""Batches and queues: how much is done, how fast, and what waits."""

from __future__ import annotations

from genotel.dashboards.dashboard import Dashboard, Look, Panel, Query, Unit, named
from genotel.promql import batch_queries as q
from genotel.semconv import attributes as a
from genotel.semconv import dashboard_names as names

_NO_BATCH = "no batches yet: genotel batches"
_NO_QUEUE = "no queue watched"


def _batch(title: str, unit: Unit, query: str, about: str, *keys: str, look: Look = Look.LINES) -> Panel:
    return Panel(title, look, unit, (Query(query, named(a.BATCH_NAME, *keys)),), about, _NO_BATCH)


def _queue(title: str, unit: Unit, query: str, about: str, *keys: str) -> Panel:
    return Panel(title, Look.LINES, unit, (Query(query, named(a.QUEUE_NAME, *keys)),), about, _NO_QUEUE)


DASHBOARD = Dashboard(
    names.BATCHES,
    "genotel / Batches and queues",
    "Loops over models, and the queues before them.",
    (
        (
            "Batches",
            (
                _batch("Items", Unit.PER_SECOND, q.ITEMS, "Items of finished batches.", a.OUTCOME, look=Look.STACK),
                _batch("Batches", Unit.PER_SECOND, q.BATCHES, "Finished batches.", a.OUTCOME, look=Look.STACK),
                Panel(
                    "Batch duration",
                    Look.LINES,
                    Unit.SECONDS,
                    (
                        Query(q.DURATION_P95, f"p95 {named(a.BATCH_NAME)}", exemplars=True),
                        Query(q.DURATION_MEAN, f"mean {named(a.BATCH_NAME)}"),
                    ),
                    "Time that a batch was worked on.",
                    _NO_BATCH,
                ),
                _batch("Latency p95", Unit.SECONDS, q.LATENCY_P95, "Wait and work: 95 % took no longer."),
                _batch("Wait of batches p95", Unit.SECONDS, q.WAIT_P95, "95 % of the batches waited no longer."),
                _batch("Mean size", Unit.COUNT, q.SIZE_MEAN, "Items of a mean batch."),
                _batch("Running batches", Unit.COUNT, q.ACTIVE, "Batches that are worked on now."),
                _batch("Batches left", Unit.COUNT, q.REMAINING, "What the loops have left, where they know."),
                _batch("Time left", Unit.SECONDS, q.ETA, "What the loops still need at their rate so far."),
            ),
        ),
        (
            "Rolling window",
            (
                _batch("Throughput", Unit.PER_SECOND, q.THROUGHPUT, "Items over the wall time of the window."),
                _batch("Efficiency", Unit.SHARE, q.EFFICIENCY, "Work over latency, times batches that did not fail."),
                _batch("Utilization", Unit.SHARE, q.UTILIZATION, "Busy time over wall time times workers."),
                _batch("Stability", Unit.SHARE, q.STABILITY, "1 when all batches take the same time."),
            ),
        ),
        (
            "Queues",
            (
                Panel(
                    "Queue length",
                    Look.LINES,
                    Unit.COUNT,
                    (
                        Query(q.QUEUE_LENGTH, named(a.QUEUE_NAME, "instance")),
                        Query(q.QUEUE_LIMIT, f"limit {named(a.QUEUE_NAME, 'instance')}"),
                    ),
                    "Items that wait, and what the queue takes at most.",
                    _NO_QUEUE,
                ),
                _queue("Oldest item", Unit.SECONDS, q.QUEUE_OLDEST, "How long it has waited.", "instance"),
                _queue("Wait in queue p95", Unit.SECONDS, q.QUEUE_WAIT_P95, "95 % of the items waited no longer."),
                _queue("Refused", Unit.PER_SECOND, q.QUEUE_REFUSED, "Items that found no place.", "instance", a.REASON),
            ),
        ),
    ),
)
