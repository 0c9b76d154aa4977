"""The service level objective: what was promised, what was kept, and how long the budget lasts."""

from __future__ import annotations

from genotel.dashboards.dashboard import Dashboard, Look, Panel, Query, Unit, Variable, named
from genotel.promql import call_panels as c
from genotel.promql.panel_queries import MODELS
from genotel.semconv import attributes as a
from genotel.semconv import dashboard_names as names

_RULES = "no recorded series: load alerting-rules/*.yaml"
_PROMISED = "no duration promised: [[slo.objectives]]"
DASHBOARD = Dashboard(
    names.SLO,
    "genotel / Objectives",
    "Share of successful calls over 30 days, and the budget that failures use up.",
    (
        (
            "30 days",
            (
                Panel(
                    "Objective",
                    Look.TILE,
                    Unit.SHARE,
                    (Query(c.OBJECTIVE, "objective"),),
                    "Share of calls that must succeed; [slo] objective of the settings.",
                    _RULES,
                    width=4,
                ),
                Panel(
                    "Objective by model",
                    Look.LINES,
                    Unit.SHARE,
                    (Query(c.MODEL_OBJECTIVE, named(a.MODEL)),),
                    "Its own where [[slo.objectives]] has one, else that of all.",
                    _RULES,
                    width=4,
                ),
                Panel(
                    "Attained",
                    Look.LINES,
                    Unit.SHARE,
                    (Query(c.ATTAINED, named(a.MODEL)),),
                    "Share of calls of 30 days that succeeded.",
                    _RULES,
                ),
                Panel(
                    "Budget left",
                    Look.LINES,
                    Unit.SHARE,
                    (Query(c.BUDGET_LEFT, named(a.MODEL)),),
                    "Share of the allowed failures of 30 days that is left; below 0 the promise is broken.",
                    _RULES,
                ),
            ),
        ),
        (
            "Burn",
            (
                Panel(
                    "Error budget burn",
                    Look.LINES,
                    Unit.COUNT,
                    tuple(Query(text, f"{named(a.MODEL)} {window}") for window, text in c.BURN.items()),
                    "1 uses the budget up in 30 days. Alerts: 14.4 in 1h, 6 in 6h, 3 in 1d, 1 in 3d.",
                    _RULES,
                    width=16,
                ),
                Panel(
                    "Calls judged",
                    Look.LINES,
                    Unit.COUNT,
                    (Query(c.JUDGED_CALLS, named(a.MODEL)),),
                    "Calls of 30 days that ended well or badly: few calls make rough shares.",
                    _RULES,
                ),
                Panel(
                    "Duration budget burn",
                    Look.LINES,
                    Unit.COUNT,
                    tuple(Query(text, f"{named(a.MODEL)} {window}") for window, text in c.SLOW_BURN.items()),
                    "1 uses the budget of slow calls up in 30 days.",
                    _PROMISED,
                    width=16,
                ),
                Panel(
                    "Fast enough",
                    Look.LINES,
                    Unit.SHARE,
                    (Query(c.FAST_ENOUGH, named(a.MODEL)),),
                    "Share of good calls of 30 days that took no longer than was promised.",
                    _PROMISED,
                ),
            ),
        ),
    ),
    (Variable("model", "Model", MODELS),),
)
