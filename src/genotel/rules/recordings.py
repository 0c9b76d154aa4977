"""What is recorded every evaluation: rates, quantiles and the error shares of short windows."""

from __future__ import annotations

from genotel.promql.recorded_queries import recorded
from genotel.promql.slo_queries import MODEL_OBJECTIVE
from genotel.rules.rule import Group, Recording
from genotel.semconv import recorded_series as r

_HELP = {series.name: series.help for series in r.RECORDED}
GROUP = Group(
    "recordings",
    "inference",
    "Rates and shares that alerts and dashboards read.",
    (
        *(Recording(name, query, _HELP[name]) for name, query in recorded()),
        Recording(r.MODEL_OBJECTIVE.name, MODEL_OBJECTIVE, r.MODEL_OBJECTIVE.help),
    ),
)
