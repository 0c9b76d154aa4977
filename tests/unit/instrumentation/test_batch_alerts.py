"""Alerts are raised past a threshold, stay until their figure is well back, and are never raised by the unknown."""

from __future__ import annotations

from typing import Any

import pytest

from genotel.instrumentation.batch_alerts import DEFAULT_THRESHOLDS, Thresholds, alerts_of, status_of
from genotel.instrumentation.batch_arguments import ArgumentError

WELL: dict[str, Any] = {
    "avg_processing_time": 0.5,
    "throughput": 200.0,
    "error_rate": 0.0,
    "avg_queue_length": 3.0,
    "efficiency_score": 0.9,
    "performance_trend": {"direction": "decreasing", "slope_per_hour": -1.0, "p_value": 0.001},
    "throughput_trend": {"direction": "increasing", "slope_per_hour": 1.0, "p_value": 0.001},
    "error_trend": {"direction": "no trend", "slope_per_hour": None, "p_value": None},
}


def raised(standing: frozenset[str] = frozenset(), **stats: Any) -> dict[str, str]:
    """Return the alerts of these statistics, type to severity."""
    return {alert["type"]: alert["severity"] for alert in alerts_of({**WELL, **stats}, DEFAULT_THRESHOLDS, standing)}


def test_nothing_is_wrong_with_a_healthy_engine() -> None:
    """Nor with one of which nothing is known."""
    assert raised() == {}
    assert alerts_of(dict.fromkeys(WELL), DEFAULT_THRESHOLDS) == []


@pytest.mark.parametrize(
    ("key", "kind", "at", "warning", "critical"),
    [
        ("avg_processing_time", "processing_time", 1.0, 1.01, 2.0),
        ("throughput", "throughput", 100.0, 99.0, 50.0),
        ("error_rate", "error_rate", 0.05, 0.051, 0.1),
        ("avg_queue_length", "queue_length", 50.0, 50.5, 100.0),
        ("efficiency_score", "efficiency", 0.5, 0.49, 0.25),
    ],
)
def test_each_figure_has_its_threshold(key: str, kind: str, at: float, warning: float, critical: float) -> None:
    """At it all is well; past it is a warning; twice it is critical."""
    assert raised(**{key: at}) == {}
    assert raised(**{key: warning}) == {kind: "warning"}
    assert raised(**{key: critical}) == {kind: "critical"}


@pytest.mark.parametrize(("rate", "stands"), [(0.049, True), (0.046, True), (0.0449, False)])
def test_a_standing_alert_ends_when_its_figure_is_back_by_a_tenth(rate: float, stands: bool) -> None:
    """So it does not flap around its threshold."""
    assert raised(frozenset({"error_rate"}), error_rate=rate) == ({"error_rate": "warning"} if stands else {})


@pytest.mark.parametrize(
    ("trend", "direction"),
    [("performance_trend", "increasing"), ("throughput_trend", "decreasing"), ("error_trend", "increasing")],
)
def test_a_worsening_is_a_warning(trend: str, direction: str) -> None:
    """An improvement is none."""
    moving = {"direction": direction, "slope_per_hour": 2.0, "p_value": 0.001}
    assert raised(**{trend: moving}) == {trend: "warning"}


def test_a_message_says_the_figure_and_the_threshold() -> None:
    """In one line."""
    (alert,) = alerts_of({"throughput": 12.345678}, DEFAULT_THRESHOLDS)
    assert alert["message"] == "throughput, items/s: 12.35, below 100"


def test_a_threshold_may_be_zero() -> None:
    """Then any error is too much, and no throughput is too little."""
    strict = Thresholds(error_rate=0.0, throughput=0.0)
    assert alerts_of({"error_rate": 0.0, "throughput": 0.0}, strict) == []
    assert [alert["severity"] for alert in alerts_of({"error_rate": 0.001}, strict)] == ["critical"]


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"efficiency": 50}, "alert_threshold"),
        ({"processing_time_seconds": -1}, "processing_time_seconds"),
        ({"throughput": "many"}, "throughput"),
        ({"error_rate": 5}, "error_rate"),
        ({"queue_length": float("nan")}, "queue_length"),
    ],
)
def test_a_threshold_that_is_none_is_refused(wrong: dict[str, Any], name: str) -> None:
    """By its name."""
    with pytest.raises(ArgumentError, match=f"^{name} must be "):
        Thresholds(**wrong)


def test_the_status_is_that_of_the_worst_alert() -> None:
    """Healthy without any."""
    warning, critical = alerts_of({"error_rate": 0.06, "throughput": 1.0}, DEFAULT_THRESHOLDS)[::-1]
    assert (status_of([]), status_of([warning]), status_of([warning, critical])) == ("healthy", "warning", "critical")
