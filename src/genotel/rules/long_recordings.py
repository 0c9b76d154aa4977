"""What is recorded over days, in a group of its own that runs seldom."""

from __future__ import annotations

from genotel.promql.recorded_queries import recorded_seldom
from genotel.rules.rule import Group, Recording
from genotel.semconv.recorded_series import RECORDED

_HELP = {series.name: series.help for series in RECORDED}
GROUP = Group(
    "long-recordings",
    "slo",
    "Shares over days, from the recorded hours.",
    tuple(Recording(name, query, _HELP[name]) for name, query in recorded_seldom()),
    # Less than 5 min: Prometheus 3 no longer sees a sample that is exactly that old.
    interval="4m",
)
