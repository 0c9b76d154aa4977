"""What a metric is: its name, kind, unit, labels, buckets, help and merge rule.

The Prometheus name is derived here and nowhere else, by the rules of the OpenTelemetry
specification "Prometheus and OpenMetrics Compatibility" as the stock
``opentelemetry-exporter-prometheus`` 0.66b2 applies them; a property test holds both equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Name the instrument kinds that genotel emits."""

    COUNTER = "counter"
    UP_DOWN_COUNTER = "up_down_counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Merge(StrEnum):
    """Say how the values of several worker processes become one series."""

    SUM = "sum"
    MAX = "max"
    LAST = "last"
    PER_PROCESS = "per_process"


_NAME_UNSAFE = re.compile(r"[^a-zA-Z0-9:]+")
_LABEL_UNSAFE = re.compile(r"[^a-zA-Z0-9]+")
_ANNOTATION = re.compile(r"{.*}")

_UNITS = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "1": "",
    "%": "percent",
}
_PER_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}


def unit_suffix(unit: str) -> str:
    """Return the word that a UCUM unit adds to a Prometheus name; empty for none.

    Example:
        >>> unit_suffix("s"), unit_suffix("{item}/s"), unit_suffix("1"), unit_suffix("{request}")
        ('seconds', 'per_second', '', '')
    """
    unit = _ANNOTATION.sub("", unit)
    if unit in _UNITS:
        return _UNITS[unit]
    numerator, slash, denominator = unit.partition("/")
    bottom = _NAME_UNSAFE.sub("_", denominator)
    if slash and bottom:
        top = _NAME_UNSAFE.sub("_", numerator)
        top = _UNITS.get(top, top)
        bottom = _PER_UNITS.get(bottom, bottom)
        return f"{top}_per_{bottom}" if top else f"per_{bottom}"
    return _NAME_UNSAFE.sub("_", unit).strip("_")


def family_name(name: str, unit: str, *, counter: bool = False) -> str:
    """Return the Prometheus family name of an OpenTelemetry metric, without ``_total``.

    Example:
        >>> family_name("gen_ai.client.operation.duration", "s")
        'gen_ai_client_operation_duration_seconds'
        >>> family_name("jobs_total", "{job}", counter=True)
        'jobs'
    """
    if name and name[0].isdigit():
        name = "_" + name[1:]
    name = _NAME_UNSAFE.sub("_", name)
    if counter:
        # prometheus_client cuts the suffix off before it appends the unit, and again after it.
        name = name.removesuffix("_total")
    suffix = unit_suffix(unit)
    if suffix and not name.endswith("_" + suffix):
        name = f"{name}_{suffix}"
    return name


def label_name(key: str) -> str:
    """Return the Prometheus label name of an attribute key.

    A leading digit is kept behind ``key_`` (as OpenTelemetry's Go translator does), where the stock
    exporter replaces it, so that ``5xx`` and ``7xx`` stay apart.

    Example:
        >>> label_name("gen_ai.request.model"), label_name("5xx")
        ('gen_ai_request_model', 'key_5xx')
    """
    label = _LABEL_UNSAFE.sub("_", key)
    if not label:
        return "_"
    return f"key_{label}" if label[0].isdigit() else label


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Describe one metric of the catalogue.

    Attributes:
        name: OpenTelemetry name, dots and all, without unit and ``_total``.
        kind: instrument kind.
        unit: UCUM unit; ``1`` only for true ratios, an annotation such as ``{model}`` for counts.
        help: one sentence.
        labels: attribute keys, in the order of the documentation.
        buckets: upper bounds in ``unit`` for histograms, else empty.
        closed: ``(key, values)`` pairs of labels whose values are a closed set; counters are born
            at 0 for each of them.
        merge: how workers are merged.
        observable: whether the value is read at collection from an accumulator.

    Example:
        >>> MetricSpec("genotel.generation.requests", Kind.COUNTER, "{request}", "Calls.").prometheus_name
        'genotel_generation_requests_total'
    """

    name: str
    kind: Kind
    unit: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    closed: tuple[tuple[str, tuple[str, ...]], ...] = ()
    merge: Merge = Merge.SUM
    observable: bool = False

    @property
    def family(self) -> str:
        """Return the Prometheus family name: with unit, without ``_total``."""
        return family_name(self.name, self.unit, counter=self.kind is Kind.COUNTER)

    @property
    def prometheus_name(self) -> str:
        """Return the name to put into a query: with unit, and ``_total`` for counters.

        For a histogram this is the family; its series end in ``_bucket``, ``_sum`` and ``_count``.
        """
        return f"{self.family}_total" if self.kind is Kind.COUNTER else self.family

    @property
    def prometheus_labels(self) -> tuple[str, ...]:
        """Return the label names in the order of ``labels``."""
        return tuple(label_name(key) for key in self.labels)

    @property
    def outlives_process(self) -> bool:
        """Return whether the value of an ended process still counts: totals and moments do, states do not.

        Example:
            >>> MetricSpec("genotel.model.last_used.timestamp", Kind.GAUGE, "s", "", merge=Merge.MAX).outlives_process
            True
        """
        if self.kind in (Kind.COUNTER, Kind.HISTOGRAM):
            return self.merge is Merge.SUM
        return self.merge is Merge.MAX and self.name.endswith(".timestamp")
