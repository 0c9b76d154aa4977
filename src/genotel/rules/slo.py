"""Alerts on the error budget, by the four window pairs of the SRE workbook (chapter 5)."""

from __future__ import annotations

from genotel.promql import alert_queries as q
from genotel.rules.rule import Alert, Group, Severity
from genotel.semconv import dashboard_names as d
from genotel.semconv.recorded_series import OBJECTIVE

# Long window, short window, factor, hold, severity, and when the budget of 30 days would be gone.
PAIRS = (
    ("1h", "5m", 14.4, "2m", Severity.CRITICAL, "2 days"),
    ("6h", "30m", 6.0, "15m", Severity.CRITICAL, "5 days"),
    ("1d", "2h", 3.0, "1h", Severity.WARNING, "10 days"),
    ("3d", "6h", 1.0, "3h", Severity.WARNING, "30 days"),
)


def burn_alerts(objective: float = OBJECTIVE.value) -> tuple[Alert, ...]:
    """Return the alerts for an objective, each of a pair of windows.

    Raises:
        ValueError: a pair could never fire, since it would need a share of failures of 1 or more.

    Example:
        >>> burn_alerts(0.9)
        Traceback (most recent call last):
        ...
        ValueError: an objective of 0.9 leaves 14.4 x 0.1 >= 1 for the windows 1h and 5m: they could never fire
    """
    for long, short, factor, *_ in PAIRS:
        if factor * (1 - objective) >= 1:
            raise ValueError(
                f"an objective of {objective:g} leaves {factor:g} x {1 - objective:g} >= 1"
                f" for the windows {long} and {short}: they could never fire"
            )
    return tuple(
        Alert(
            "GenotelErrorBudgetBurn",
            q.budget_burn(long, short, factor),
            severity,
            "A model fails so often that its error budget will not last.",
            f"<percent> of the calls of <model> failed in {long}: at this rate the budget of 30 days ends in {gone}.",
            (
                "open the model's dashboard: which outcome, since when?",
                "what changed then: a release, a driver, the load, another model on the same GPU?",
                "roll back, or move the model, before looking for the cause.",
            ),
            "More users get errors than was promised.",
            (d.SLO, "Error budget burn"),
            hold=hold,
            variables=("model",),
            labels=(("window", long),),
        )
        for long, short, factor, hold, severity, gone in PAIRS
    )


GROUP = Group("slo", "slo", "Whether models keep the share of successful calls that was promised.", burn_alerts())
