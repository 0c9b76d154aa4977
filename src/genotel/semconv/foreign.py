"""What other people's servers call what we count: the shape of the rows in ``foreign_servers.py``.

Their names are data. Queries are built from them in ``promql``, where ours are built too.
"""

from __future__ import annotations

from dataclasses import dataclass

from genotel.semconv import attributes as a
from genotel.semconv.spec import label_name

Matcher = tuple[str, str, str]

# The label of a target that stands for the model where a server has no label of its own for it.
NO_MODEL_LABEL = "job"
OUTCOME_UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Calls:
    """Name a counter of calls that all ended in one way.

    Attributes:
        name: the series to ask for, with ``_total`` or ``_count`` where it has that.
        outcome: one of our outcomes; empty where the counter does not tell.
        matchers: label, operator and value of what chooses those series.
    """

    name: str
    outcome: str = a.OUTCOME_OK
    matchers: tuple[Matcher, ...] = ()


@dataclass(frozen=True, slots=True)
class Seconds:
    """Name two counters: the seconds spent so far, and how often.

    Attributes:
        seconds: ``_sum`` of a histogram, or another counter of time.
        count: ``_count`` of it, or another counter of what the time was spent on.
        scale: seconds in one unit of it.
        model_label: where it differs from that of the calls.
        matchers: as in :class:`Calls`.
    """

    seconds: str
    count: str
    scale: float = 1.0
    model_label: str = ""
    matchers: tuple[Matcher, ...] = ()


@dataclass(frozen=True, slots=True)
class Amount:
    """Name a gauge or a histogram of a server that a panel may show, and its factor to our base unit."""

    name: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignServer:
    """Map one server's or exporter's metrics to ours.

    Attributes:
        name: what ``--source`` calls it.
        title: what people call it.
        model_label: the label with the model; :data:`NO_MODEL_LABEL` where it has none.
        calls: the counters of calls; together they count each call once.
        durations: of calls.
        loads: of models into memory.
        is_activity: whether ``calls`` count something else that moves with every call, tokens for
            example, so that only the scrapes between which it moved can be counted: a lower bound.
        running, waiting: gauges of calls.
        first_token, between_tokens: histograms in seconds, without suffix.
        input_tokens, output_tokens: counters.
        cache_used: share of the cache for keys and values.
        documented: where the names were read.
        caveat: what a reader must know of it.
    """

    name: str
    title: str
    model_label: str
    calls: tuple[Calls, ...]
    durations: Seconds | None = None
    loads: Seconds | None = None
    is_activity: bool = False
    running: Amount | None = None
    waiting: Amount | None = None
    first_token: Amount | None = None
    between_tokens: Amount | None = None
    input_tokens: Amount | None = None
    output_tokens: Amount | None = None
    cache_used: Amount | None = None
    documented: str
    caveat: str = ""


def histogram(name: str, *matchers: Matcher, model_label: str = "") -> Seconds:
    """Return the time and the count of a histogram in seconds.

    Example:
        >>> histogram("calls_seconds").count
        'calls_seconds_count'
    """
    return Seconds(f"{name}_sum", f"{name}_count", model_label=model_label, matchers=matchers)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignGpus:
    """Map one GPU exporter's gauges to ours; the factor makes bytes, ratios, watts and degrees Celsius.

    Attributes:
        name: short.
        title: what people call it.
        gpu_label: the label with what we call ``hw.id``, the UUID of the card.
        memory_used, memory_free, memory_total: bytes.
        utilization: 0 to 1.
        temperature: degrees Celsius.
        power: watts.
        documented: where the names were read.
        caveat: what a reader must know of it.
    """

    name: str
    title: str
    gpu_label: str
    memory_used: Amount
    memory_free: Amount | None = None
    memory_total: Amount | None = None
    utilization: Amount | None = None
    temperature: Amount | None = None
    power: Amount | None = None
    documented: str
    caveat: str = ""


# Whoever records by the conventions but is not us; without a Collector the label may be missing.
NOT_OURS: Matcher = (label_name(a.SCOPE_NAME), "!=", a.SCOPE)
