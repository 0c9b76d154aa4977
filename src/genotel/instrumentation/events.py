"""Things that happen to models beside calls: downloads, evictions, health checks."""

from __future__ import annotations

from enum import StrEnum
from time import time

from genotel import guard
from genotel.instrumentation import accumulators, instruments
from genotel.instrumentation.sink import OUT
from genotel.journal.rows import EventRow
from genotel.semconv import attributes as a


class EventKind(StrEnum):
    """Name the kinds of events that dashboards and advice know; any other word may be used too."""

    REQUEST = "request"
    START = "start"
    COMPLETE = "complete"
    FAIL = "fail"
    LOAD = "load"
    UNLOAD = "unload"
    EVICT = "evict"
    DOWNLOAD = "download"
    HEALTH_CHECK = "health_check"


def record_event(
    model: str,
    *,
    kind: str,
    duration_seconds: float | None = None,
    outcome: str = a.OUTCOME_OK,
    source: str | None = None,
) -> None:
    """Count an event of a model and keep it in the journal.

    Args:
        model: name of the model, without a path.
        kind: an :class:`EventKind` or any word; over 50 words count as ``other``.
        duration_seconds: how long it took, in seconds.
        outcome: ``ok`` or ``error``.
        source: where it came from, one word.

    Example:
        >>> record_event("sdxl", kind="download", duration_seconds=31.0, outcome="ok")
    """
    try:
        if instruments.instruments() is None:
            return
        if outcome not in a.EVENT_OUTCOMES:
            outcome = a.OUTCOME_ERROR
        accumulators.count_event(model, str(kind), outcome)
        sink = OUT.sink
        if sink is not None:
            sink.event(EventRow(time(), model, str(kind), outcome, duration_seconds, source))
    except Exception as fault:
        guard.report("events.record", fault)
