"""Cases of the alerts on queues and batches."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.semconv import attributes as a
from genotel.semconv import batch_metrics as b
from genotel.semconv.spec import label_name
from tools.alert_cases.case import WHERE, Case, counted, series, simple


def cases() -> Iterator[Case]:
    """Yield a case for each alert of the group."""
    kept = {"QUEUE_NAME": "intake"}
    of_queue = WHERE | {label_name(a.QUEUE_NAME): "intake"}
    age = series(b.QUEUE_OLDEST_AGE, **kept)
    yield simple("GenotelQueueOld", age, "301x{n}", "299x8", "1x10", 8, 11, 16, **kept)
    length, limit = series(b.QUEUE_LENGTH, **kept), series(b.QUEUE_LIMIT, **kept)
    yield Case(
        "GenotelQueueFull",
        of_queue,
        {length: "91x8", limit: "100x8"},
        8,
        {length: "89x8", limit: "100x8"},
        {length: "91x8 10x10", limit: "100x18"},
        11,
        16,
    )
    yield Case(
        "GenotelQueueGrowing",
        of_queue,
        {length: "0+3x30", limit: "100x30"},
        30,
        {length: "0+1.5x30", limit: "100x30"},
        {length: "0+3x30 20x20", limit: "100x50"},
        50,
        40,
    )
    refused = series(b.QUEUE_REFUSED, **kept, REASON="full")
    yield counted("GenotelQueueRefusing", refused, 5, 15, 20, **kept)
    good = series(b.BATCHES, BATCH_NAME="nightly", OUTCOME="ok")
    bad = series(b.BATCHES, BATCH_NAME="nightly", OUTCOME="error")
    yield Case(
        "GenotelBatchesFail",
        WHERE | {label_name(a.BATCH_NAME): "nightly"},
        {good: "0+1x60", bad: "0+0.3x60"},
        60,
        {good: "0+1x60", bad: "0+0.2x60"},
        {good: "0+1x160", bad: "0+0.3x60 18x100"},
        140,
        140,
        step=5,
    )
