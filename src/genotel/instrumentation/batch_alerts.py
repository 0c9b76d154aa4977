"""Which figures of a batch engine call for somebody: thresholds, and the alerts that they raise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from genotel.instrumentation.batch_arguments import number, share

Severity = Literal["warning", "critical"]
Status = Literal["healthy", "warning", "critical"]
# From the least to the worst.
SEVERITIES: tuple[Severity, ...] = ("warning", "critical")

# A figure that passes its threshold by this factor is critical: it is not noise around the threshold.
CRITICAL_FACTOR = 2.0
# A standing alert ends only when its figure is back by this share, so that it does not flap.
HYSTERESIS = 0.1


class Alert(TypedDict):
    """Tell of one figure that has passed its threshold."""

    type: str
    message: str
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Hold what is still well.

    Attributes:
        efficiency: least efficiency score.
        processing_time_seconds: greatest mean time of work of a batch.
        throughput: least items per second.
        error_rate: greatest share of failed batches.
        queue_length: greatest mean length of the queue.

    Raises:
        SettingsError: (and ValueError) a threshold is none; the message names it.
    """

    efficiency: float = 0.5
    processing_time_seconds: float = 1.0
    throughput: float = 100.0
    error_rate: float = 0.05
    queue_length: float = 50.0

    def __post_init__(self) -> None:
        share("alert_threshold", self.efficiency)
        number("processing_time_seconds", self.processing_time_seconds, 0.0)
        number("throughput", self.throughput, 0.0)
        share("error_rate", self.error_rate)
        number("queue_length", self.queue_length, 0.0)


DEFAULT_THRESHOLDS = Thresholds()


def alerts_of(stats: Mapping[str, Any], thresholds: Thresholds, standing: frozenset[str] = frozenset()) -> list[Alert]:
    """Return the alerts that comprehensive statistics raise.

    An unknown figure raises none. A type that is ``standing`` stays until its figure is back by a tenth
    of the threshold.

    Example:
        >>> found = alerts_of({"error_rate": 0.2}, DEFAULT_THRESHOLDS)
        >>> [(alert["type"], alert["severity"]) for alert in found]
        [('error_rate', 'critical')]
    """
    # Type, figure, threshold, whether more is worse, what it is called.
    limits = (
        ("processing_time", "avg_processing_time", thresholds.processing_time_seconds, True, "mean time of a batch, s"),
        ("throughput", "throughput", thresholds.throughput, False, "throughput, items/s"),
        ("error_rate", "error_rate", thresholds.error_rate, True, "share of failed batches"),
        ("queue_length", "avg_queue_length", thresholds.queue_length, True, "mean length of the queue"),
        ("efficiency", "efficiency_score", thresholds.efficiency, False, "efficiency score"),
    )
    found: list[Alert] = []
    for kind, key, limit, more_is_worse, words in limits:
        value = stats.get(key)
        if value is None:
            continue
        passed = _times_passed(value, limit, more_is_worse)
        if passed > (1 - HYSTERESIS if kind in standing else 1):
            severity: Severity = "critical" if passed >= CRITICAL_FACTOR else "warning"
            side = "above" if more_is_worse else "below"
            found.append({"type": kind, "message": f"{words}: {value:.4g}, {side} {limit:.4g}", "severity": severity})
    found += _trend_alerts(stats)
    return found


def _times_passed(value: float, limit: float, more_is_worse: bool) -> float:
    """Return by how many times the value passes the limit; above 1 it has passed it."""
    good, bad = (limit, value) if more_is_worse else (value, limit)
    if good > 0:
        return bad / good
    return float("inf") if bad > 0 else 0.0


def _trend_alerts(stats: Mapping[str, Any]) -> list[Alert]:
    # Trend, the direction that is a worsening, what it is called.
    worsenings = (
        ("performance_trend", "increasing", "time of a batch"),
        ("throughput_trend", "decreasing", "throughput"),
        ("error_trend", "increasing", "share of failed batches"),
    )
    found: list[Alert] = []
    for kind, worsening, words in worsenings:
        trend = stats.get(kind)
        if trend is not None and trend["direction"] == worsening:
            message = f"{words} is {worsening}: {trend['slope_per_hour']:+.4g} per hour, p = {trend['p_value']:.2g}"
            found.append({"type": kind, "message": message, "severity": "warning"})
    return found


def status_of(alerts: list[Alert]) -> Status:
    """Return the worst severity, or healthy."""
    severities = {alert["severity"] for alert in alerts}
    return "critical" if "critical" in severities else "warning" if "warning" in severities else "healthy"
