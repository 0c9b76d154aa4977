"""Alerts on what is unlike its last week: nobody is woken, and nothing is said before three days are known."""

from __future__ import annotations

from genotel.promql import usual_queries as q
from genotel.rules.rule import Alert, Group, Recording, Severity
from genotel.semconv import dashboard_names as d

_DEMAND_STEPS = (
    "open the model's dashboard over 14 days: a new habit, or one user?",
    "do other models change with it? Then it is the traffic before them.",
    "`genotel trends`: does it go on like this?",
)


def _demand(name: str, query: str, summary: str, description: str, impact: str) -> Alert:
    panel = (d.MODEL, "Calls by outcome")
    return Alert(
        name, query, Severity.INFO, summary, description, _DEMAND_STEPS, impact, panel, "15m", variables=("model",)
    )


GROUP = Group(
    "usual",
    "anomaly",
    "What is unlike the hours of its last week; switched off by anomaly_detection = false.",
    (
        *(Recording(series.name, query, series.help) for series, query in q.recorded_usual()),
        _demand(
            "GenotelDemandUnusuallyHigh",
            q.DEMAND_HIGH,
            "A model is asked far more than usual.",
            "<number> calls of <model> in an hour: more than 1.5 times what 98 % of the hours of a week had.",
            "Calls may queue.",
        ),
        _demand(
            "GenotelDemandUnusuallyLow",
            q.DEMAND_LOW,
            "A model is asked far less than usual.",
            "<number> calls of <model> in an hour: fewer than almost every hour of a week had.",
            "Users may be unable to reach it.",
        ),
        Alert(
            "GenotelDurationUnusual",
            q.DURATION_HIGH,
            Severity.INFO,
            "Calls of a model take far longer than usual.",
            "5 % of the calls of <model> take longer than <duration>: twice what 98 % of the hours of a week had.",
            (
                "open the phases on the model's dashboard: queue, load or denoise?",
                "larger requests than before? Look at seconds per step and per megapixel.",
                "a GPU that slows down or is shared: look at its dashboard.",
            ),
            "Users wait longer than they are used to.",
            (d.MODEL, "Duration"),
            hold="15m",
            variables=("model",),
        ),
        Alert(
            "GenotelVramUnusual",
            q.VRAM_HIGH,
            Severity.INFO,
            "A GPU holds far more memory than usual.",
            "<bytes>B of <gpu> on <instance> are in use: 1.5 times what 98 % of the hours of a week had.",
            (
                "open the memory by program: a new model, or an old one that grows?",
                "`nvidia-smi`: which programs hold the memory?",
                "restart a program that grows from call to call.",
            ),
            "Calls may run out of memory.",
            (d.GPU, "GPU memory in use"),
            hold="15m",
            variables=("instance", "gpu"),
        ),
    ),
    # Days are read for each, and what is usual changes slowly; below 5 min, as in long-recordings.
    interval="4m",
)
