"""One model: what it does, how long each part takes, and how it fails."""

from __future__ import annotations

from genotel.dashboards.dashboard import Dashboard, Look, Panel, Query, Unit, Variable, named
from genotel.promql import call_panels as c
from genotel.promql.panel_queries import MODELS
from genotel.semconv import attributes as a
from genotel.semconv import dashboard_names as names

DASHBOARD = Dashboard(
    names.MODEL,
    "genotel / Model",
    "One model, or a few: calls, durations, phases, speed, loads.",
    (
        (
            "Calls",
            (
                Panel(
                    "Calls by outcome",
                    Look.STACK,
                    Unit.CALLS_PER_SECOND,
                    (Query(c.BY_OUTCOME, named(a.OUTCOME)),),
                    "Calls that end each second: ok, error, out of memory, cancelled, abandoned.",
                ),
                Panel(
                    "Failure share",
                    Look.LINES,
                    Unit.SHARE,
                    (Query(c.FAILURE_SHARE, named(a.MODEL)),),
                    "Share of the calls that failed or ran out of memory.",
                    "no calls",
                ),
                Panel(
                    "Outputs",
                    Look.STACK,
                    Unit.PER_SECOND,
                    (Query(c.OUTPUTS, named(a.MODEL, a.OUTPUT_TYPE)),),
                    "What is made each second.",
                    "no outputs counted",
                ),
            ),
        ),
        (
            "Durations",
            (
                Panel(
                    "Duration",
                    Look.LINES,
                    Unit.SECONDS,
                    (
                        *(
                            Query(text, f"p{ratio:.0%}"[:-1], exemplars=True)
                            for ratio, text in c.DURATION_QUANTILES.items()
                        ),
                        Query(c.DURATION_MEAN, "mean"),
                    ),
                    "From start to end of a call; points lead to traces.",
                    "no calls",
                ),
                Panel(
                    "Durations",
                    Look.HEATMAP,
                    Unit.SECONDS,
                    (Query(c.DURATIONS, "{{le}}"),),
                    "How many calls took how long: two bands are two kinds of call.",
                    "no calls",
                ),
                Panel(
                    "Phases",
                    Look.STACK,
                    Unit.SECONDS,
                    (Query(c.PHASES, named(a.PHASE)),),
                    "Seconds of each phase in a mean call.",
                    "no phases recorded: call.phase()",
                ),
                Panel(
                    "Wait p95",
                    Look.LINES,
                    Unit.SECONDS,
                    (Query(c.QUEUE_P95, named(a.MODEL)),),
                    "95 % of the calls waited no longer before they began.",
                    "no waits recorded",
                ),
                Panel(
                    "First chunk p95",
                    Look.LINES,
                    Unit.SECONDS,
                    (Query(c.FIRST_CHUNK_P95, named(a.MODEL)),),
                    "95 % of the streams had their first chunk by then.",
                    "no streams",
                ),
            ),
        ),
        (
            "Speed",
            (
                Panel(
                    "Seconds per step",
                    Look.LINES,
                    Unit.SECONDS,
                    (Query(c.STEP_MEAN, named(a.MODEL)),),
                    "Mean time of a step: rises when a GPU slows down, not when more steps are asked.",
                    "no steps recorded: call.step()",
                ),
                Panel(
                    "Steps",
                    Look.LINES,
                    Unit.PER_SECOND,
                    (Query(c.STEP_RATE, named(a.MODEL)),),
                    "Steps each second.",
                    "no steps recorded: call.step()",
                ),
                Panel(
                    "Seconds per megapixel",
                    Look.LINES,
                    Unit.SECONDS,
                    (Query(c.SECONDS_PER_MEGAPIXEL, named(a.MODEL)),),
                    "Time of calls over what they made: larger pictures do not change it.",
                    "no pixels counted",
                ),
                Panel(
                    "Tokens",
                    Look.LINES,
                    Unit.PER_SECOND,
                    (Query(c.TOKENS, named(a.MODEL, a.TOKEN_TYPE)),),
                    "Tokens read and written each second.",
                    "no tokens counted",
                ),
                Panel(
                    "Parameters",
                    Look.TABLE,
                    Unit.COUNT,
                    (Query(c.PARAMETERS, "Calls"),),
                    "What was asked for, over the time that is shown.",
                    "no parameters recorded",
                ),
            ),
        ),
        (
            "Loading",
            (
                Panel(
                    "Loads",
                    Look.LINES,
                    Unit.COUNT,
                    (Query(c.LOADS, named(a.MODEL, a.EVENT)),),
                    "Loads and unloads: many of both are models that take turns.",
                    "no loads recorded: model_load()",
                ),
                Panel(
                    "Load times",
                    Look.TABLE,
                    Unit.SECONDS,
                    (Query(c.LOAD_P95, "p95"),),
                    "95 % of the loads of what is shown took no longer.",
                    "no loads recorded: model_load()",
                ),
                Panel(
                    "Resident",
                    Look.STATES,
                    Unit.COUNT,
                    (Query(c.RESIDENT, named(a.MODEL, "instance")),),
                    "In how many programs the model is loaded.",
                    "no loads recorded: model_load()",
                ),
            ),
        ),
    ),
    # Not all at once: the buckets of fifty models over a day are millions of samples for each panel.
    (Variable("model", "Model", MODELS, has_all=False),),
)
