"""Experiments: variants beside each other, over the time that is shown."""

from __future__ import annotations

from genotel.dashboards.dashboard import Dashboard, Look, Panel, Query, Unit, Variable, named
from genotel.promql import call_panels as c
from genotel.promql.panel_queries import EXPERIMENTS, MODELS
from genotel.semconv import attributes as a
from genotel.semconv import dashboard_names as names

_NONE = "no experiment yet: experiment()"
DASHBOARD = Dashboard(
    names.EXPERIMENTS,
    "genotel / Experiments",
    "Variants of an experiment: calls, failures, durations and scores.",
    (
        (
            "Variants",
            (
                Panel(
                    "Variants",
                    Look.TABLE,
                    Unit.COUNT,
                    (
                        Query(c.VARIANT_CALLS, "Calls", Unit.COUNT),
                        Query(c.VARIANT_FAILURES, "Failures", Unit.SHARE),
                        Query(c.VARIANT_P50, "p50", Unit.SECONDS),
                        Query(c.VARIANT_P95, "p95", Unit.SECONDS),
                    ),
                    "Each variant over the time that is shown; differences of few calls are chance.",
                    _NONE,
                    width=16,
                ),
                Panel(
                    "Scores",
                    Look.TABLE,
                    Unit.SHARE,
                    (Query(c.VARIANT_SCORE, "Mean score", Unit.SHARE),),
                    "Mean of the figures of quality that were recorded, from 0 to 1.",
                    "no scores recorded: call.score()",
                ),
                Panel(
                    "Mean duration by variant",
                    Look.LINES,
                    Unit.SECONDS,
                    (Query(c.VARIANT_DURATION, named(a.VARIANT)),),
                    "Mean time of a call.",
                    _NONE,
                    width=12,
                ),
                Panel(
                    "Calls by variant",
                    Look.STACK,
                    Unit.CALLS_PER_SECOND,
                    (Query(c.VARIANT_RATE, named(a.VARIANT)),),
                    "Calls that end each second.",
                    _NONE,
                    width=12,
                ),
            ),
        ),
    ),
    (Variable("experiment", "Experiment", EXPERIMENTS), Variable("model", "Model", MODELS)),
)
