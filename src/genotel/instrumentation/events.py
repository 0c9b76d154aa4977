"""Things that happen to models beside calls: downloads, evictions, health checks."""

from __future__ import annotations

import re
from enum import StrEnum
from time import time

from genotel import guard
from genotel.instrumentation import accumulators, instruments
from genotel.instrumentation.model_name import model_name
from genotel.instrumentation.sink import OUT
from genotel.journal.rows import EventRow
from genotel.semconv import attributes as a

_WORD = re.compile(r"[A-Za-z0-9_-]{1,32}")


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
        source: where it came from, one word; anything else (a path, an address) counts as ``other``.

    Example:
        >>> record_event("sdxl", kind="download", duration_seconds=31.0, outcome="ok")
    """
    try:
        if instruments.instruments() is None:
            return
        if outcome not in a.EVENT_OUTCOMES:
            outcome = a.OUTCOME_ERROR
        model, kind = model_name(model), str(kind)
        accumulators.count_event(model, kind, outcome)
        sink = OUT.sink
        if sink is not None:
            word = None if source is None else source_word(source)
            sink.event(EventRow(time(), model, kind, outcome, duration_seconds, word))
    except Exception as fault:
        guard.report("events.record", fault)


def source_word(source: str) -> str:
    """Return where a model came from if that is one word, else ``other``.

    Example:
        >>> source_word("hub"), source_word("/home/ann/secret.safetensors")
        ('hub', 'other')
    """
    return source if _WORD.fullmatch(source) else a.OTHER
