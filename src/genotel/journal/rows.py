"""The plain records that go into a journal and come out of it.

What goes in is called a row, what comes out a record or a usage. Times are Unix seconds, durations
are seconds; what is not known is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

# The outcome of a call whose process died before it could say how the call ended. It exists in
# journals only: a process that is gone cannot count anything on a page.
KILLED = "killed"


class CallRow(NamedTuple):
    """Hold one generation call as the program hands it over.

    ``outcome`` is one of ``semconv.attributes.OUTCOMES``, or None while the call runs. ``prompt``
    is hashed with the journal's own key and never stored. ``trace_id`` and ``span_id`` are 0 where
    there is none.
    """

    started_at: float
    model: str
    operation: str
    provider: str
    output_type: str | None = None
    outcome: str | None = None
    error_type: str | None = None
    duration_seconds: float | None = None
    queue_seconds: float | None = None
    first_chunk_seconds: float | None = None
    steps: int = 0
    outputs: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    experiment: str | None = None
    variant: str | None = None
    parameters: Mapping[str, object] | None = None
    scores: Mapping[str, float] | None = None
    prompt: str | None = None
    trace_id: int = 0
    span_id: int = 0


class EventRow(NamedTuple):
    """Hold one event of a model: a load, an unload, a download or any word of the user's."""

    at: float
    model: str
    kind: str
    outcome: str
    duration_seconds: float | None = None
    source: str | None = None


class WatchRow(NamedTuple):
    """Say that somebody was watching from ``started_at`` to ``last_seen_at``: imported history."""

    started_at: float
    last_seen_at: float


class CallRecord(NamedTuple):
    """Hold one call as the journal knows it.

    ``outcome`` is None while the call runs and :data:`KILLED` when its process died under it.
    ``prompt_hash``, ``trace_id`` and ``span_id`` are hexadecimal.
    """

    id: int
    session: int
    started_at: float
    model: str
    operation: str
    provider: str
    output_type: str | None
    outcome: str | None
    error_type: str | None
    duration_seconds: float | None
    queue_seconds: float | None
    first_chunk_seconds: float | None
    steps: int
    outputs: int
    input_tokens: int | None
    output_tokens: int | None
    experiment: str | None
    variant: str | None
    parameters: Mapping[str, object]
    scores: Mapping[str, float]
    prompt_hash: str | None
    trace_id: str | None
    span_id: str | None


class EventRecord(NamedTuple):
    """Hold one event as the journal knows it."""

    id: int
    session: int
    at: float
    model: str
    kind: str
    outcome: str
    duration_seconds: float | None
    source: str | None


class HourlyUsage(NamedTuple):
    """Hold what one model did in the hour that begins at ``hour``, by the start of its calls.

    ``total`` counts finished calls; ``failed`` those that ended as error or out_of_memory; calls
    that were cancelled or abandoned are in neither ``ok`` nor ``failed``. ``killed`` calls are not
    in ``total``, as they never finished. ``timed`` calls have a known duration; ``total_seconds``,
    ``min_seconds`` and ``max_seconds`` are theirs. Loads of a model belong to no operation: they are
    in a row of their own whose ``operation`` is the empty text.
    """

    hour: int
    model: str
    operation: str
    total: int
    ok: int
    failed: int
    killed: int
    timed: int
    total_seconds: float
    min_seconds: float | None
    max_seconds: float | None
    loads: int
    load_seconds: float
    load_failures: int
    unique_prompts: int


class DailyUsage(NamedTuple):
    """Hold what one model did in the UTC day that begins at ``day``; fields as in HourlyUsage.

    ``peak_hour`` is the UTC hour (0–23) with the most finished calls, the earliest of equals.
    """

    day: int
    model: str
    total: int
    ok: int
    failed: int
    killed: int
    timed: int
    total_seconds: float
    average_seconds: float | None
    peak_hour: int | None
    unique_prompts: int


class ModelUsage(NamedTuple):
    """Hold what is known of one model since the journal began; counts as in HourlyUsage."""

    model: str
    first_seen: float
    last_used: float | None
    total: int
    ok: int
    failed: int


class LabelSet(NamedTuple):
    """Name what calls were counted under, and when the last one of them began (Unix seconds)."""

    model: str
    operation: str
    provider: str
    last_used: float


class ParameterCount(NamedTuple):
    """Count the calls of a model that had a parameter at a value; numbers are written as in JSON."""

    model: str
    parameter: str
    value: str
    calls: int


class ScoreRecord(NamedTuple):
    """Hold one quality figure of one call."""

    at: float
    model: str
    experiment: str | None
    variant: str | None
    name: str
    value: float


class Session(NamedTuple):
    """Hold one stretch of time in which a process was watching and would have seen every call.

    ``rows_dropped`` above 0 says that it saw more than it could write.
    """

    id: int
    host: str
    pid: int
    started_at: float
    last_seen_at: float
    rows_dropped: int
