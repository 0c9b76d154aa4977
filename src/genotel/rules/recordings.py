"""What is recorded every evaluation: rates, quantiles and the error shares of short windows."""

from __future__ import annotations

from genotel.promql.recorded_queries import recorded
from genotel.rules.rule import Group, Recording
from genotel.semconv.recorded_series import RECORDED

_HELP = {series.name: series.help for series in RECORDED}
GROUP = Group(
    "recordings",
    "inference",
    "Rates and shares that alerts and dashboards read.",
    tuple(Recording(name, query, _HELP[name]) for name, query in recorded()),
)
