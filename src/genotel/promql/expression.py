"""PromQL text from its parts, with everything quoted that must be.

A metric comes from ``semconv``, a value from wherever it likes; neither can break out of its place.
Queries themselves are in ``catalog.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from genotel.semconv.spec import MetricSpec

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def quoted(value: str) -> str:
    """Return a text as a PromQL string, which is quoted as in Go.

    Example:
        >>> print(quoted('a "b"'), quoted("c" + chr(92) + "d"), quoted("line" + chr(10)))
        "a \\"b\\"" "c\\\\d" "line\\n"
    """
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def duration(seconds: float) -> str:
    """Return a length of time as a PromQL duration; whole milliseconds.

    Raises:
        ValueError: the time is shorter than a millisecond.

    Example:
        >>> duration(3600), duration(5400), duration(86_400), duration(0.25)
        ('1h', '90m', '1d', '250ms')
    """
    milliseconds = round(seconds * 1000)
    if milliseconds < 1:
        raise ValueError(f"a PromQL duration must be a millisecond or more, not {seconds} seconds")
    unit, length = next((unit, length) for unit, length in _UNITS if milliseconds % length == 0)
    return f"{milliseconds // length}{unit}"


@dataclass(frozen=True, slots=True)
class Selector:
    """Choose series by metric and labels.

    Attributes:
        name: the Prometheus name of the metric.
        matchers: label, operator (``=``, ``!=``, ``=~``, ``!~``) and value of each.

    Example:
        >>> Selector("up", (("job", "=", "genotel"),)).over(3600, offset_seconds=60)
        'up{job="genotel"}[1h] offset 1m'
    """

    name: str
    matchers: tuple[tuple[str, str, str], ...] = ()

    def __str__(self) -> str:
        inside = ",".join(f"{label}{operator}{quoted(value)}" for label, operator, value in self.matchers)
        return f"{self.name}{{{inside}}}" if inside else self.name

    def over(self, seconds: float, *, offset_seconds: float = 0.0) -> str:
        """Return the range of the last ``seconds``, or of those before the last ``offset_seconds``."""
        offset = f" offset {duration(offset_seconds)}" if offset_seconds else ""
        return f"{self}[{duration(seconds)}]{offset}"

    def renamed(self, name: str) -> Selector:
        """Return the selector of another metric with the same labels."""
        return Selector(name, self.matchers)


def select(spec: MetricSpec, *matchers: tuple[str, str, str]) -> Selector:
    """Return the selector of a metric of the catalogue.

    Example:
        >>> from genotel.semconv.generation_metrics import REQUESTS
        >>> str(select(REQUESTS, ("job", "!=", "")))
        'genotel_generation_requests_total{job!=""}'
    """
    return Selector(spec.prometheus_name, matchers)


def sum_by(labels: Iterable[str], expression: str) -> str:
    """Return the sum of an expression by labels; over everything where there are none.

    Example:
        >>> sum_by(["job"], "up"), sum_by([], "up")
        ('sum by (job) (up)', 'sum(up)')
    """
    names = ", ".join(labels)
    return f"sum by ({names}) ({expression})" if names else f"sum({expression})"
