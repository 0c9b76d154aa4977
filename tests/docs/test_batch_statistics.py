"""The page of formulas has every figure, kind, type and name that the code has."""

from __future__ import annotations

import re

from genotel.instrumentation import batch_alerts, batch_bottleneck
from genotel.instrumentation.batch_monitor import THREAD_NAME
from genotel.instrumentation.batch_spans import MOST_LINKS, is_sampled
from genotel.instrumentation.batch_stats import BatchStats
from tests.architecture.sources import ROOT

PAGE = (ROOT / "docs/batch-statistics.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([a-z0-9_]+)`", PAGE))


def filled() -> BatchStats:
    """Return statistics of a window of which everything is known."""
    stats = BatchStats()
    for number in range(100):
        stats.update(0.5 + number % 3 / 10, number % 5 + 1, 0.1, queue_length=2, timestamp=float(number + 1))
    return stats


def test_every_figure_has_its_formula() -> None:
    """Also those inside of the comprehensive ones."""
    stats = filled().get_comprehensive_stats()
    assert sorted(set(stats) - NAMED) == []
    assert sorted(set(stats["performance_trend"]) - NAMED) == []
    assert sorted(set(stats["recommended_capacity"]) - NAMED) == []


def test_every_bottleneck_and_alert_is_explained() -> None:
    """With its threshold as it is in the code."""
    kinds = {value for name, value in vars(batch_bottleneck).items() if name.isupper() and isinstance(value, str)}
    assert sorted(kinds - NAMED) == []
    bad = {
        "avg_processing_time": 9.0,
        "throughput": 0.1,
        "error_rate": 0.9,
        "avg_queue_length": 99.0,
        "efficiency_score": 0.1,
    } | {
        name: {"direction": direction, "slope_per_hour": 1.0, "p_value": 0.001}
        for name, direction in (
            ("performance_trend", "increasing"),
            ("throughput_trend", "decreasing"),
            ("error_trend", "increasing"),
        )
    }
    alerts = batch_alerts.alerts_of(bad, batch_alerts.DEFAULT_THRESHOLDS)
    assert len(alerts) == 8
    assert sorted({alert["type"] for alert in alerts} - NAMED) == []


def test_numbers_of_the_page_are_those_of_the_code() -> None:
    """Spans of a million batches, links of a span, the name of the thread."""
    assert f"{sum(map(is_sampled, range(1_000_000)))} for a\n  million" in PAGE
    assert f"at most {MOST_LINKS}." in PAGE
    assert f"`{THREAD_NAME}`" in PAGE
