"""Alerts on the error budget, by the four window pairs of the SRE workbook (chapter 5)."""

from __future__ import annotations

from genotel.promql import slo_queries as q
from genotel.rules.rule import Alert, Group, Severity
from genotel.semconv import dashboard_names as d

# Long window, short window, factor, hold, severity, and when the budget of 30 days would be gone.
PAIRS = (
    ("1h", "5m", 14.4, "2m", Severity.CRITICAL, "2 days"),
    ("6h", "30m", 6.0, "15m", Severity.CRITICAL, "5 days"),
    ("1d", "2h", 3.0, "1h", Severity.WARNING, "10 days"),
    ("3d", "6h", 1.0, "3h", Severity.WARNING, "30 days"),
)


_STEPS = (
    "open the model's dashboard: which outcome or phase, since when?",
    "what changed then: a release, a driver, the load, another model on the same GPU?",
    "roll back, or move the model, before looking for the cause.",
)


def burn_alerts() -> tuple[Alert, ...]:
    """Return the alerts on failures, one for each pair of windows; every objective is above 1 - 1 / 14.4."""
    return tuple(
        Alert(
            "GenotelErrorBudgetBurn",
            q.budget_burn(long, short, factor),
            severity,
            "A model fails so often that its error budget will not last.",
            f"<percent> of the calls of <model> failed in {long}: at this rate the budget of 30 days ends in {gone}.",
            _STEPS,
            "More users get errors than was promised.",
            (d.SLO, "Error budget burn"),
            hold=hold,
            variables=("model",),
            labels=(("window", long),),
        )
        for long, short, factor, hold, severity, gone in PAIRS
    )


def duration_alerts() -> tuple[Alert, ...]:
    """Return the alerts on slow calls, of models of which a duration was promised; nobody is woken for these."""
    return tuple(
        Alert(
            "GenotelDurationBudgetBurn",
            q.duration_burn(long, short, factor),
            Severity.WARNING,
            "Calls of a model are so often too slow that their budget will not last.",
            f"<percent> of <model>'s calls were too slow in {long}: at this rate the budget of 30 days ends in {gone}.",
            _STEPS,
            "More users wait longer than was promised.",
            (d.SLO, "Duration budget burn"),
            hold=hold,
            variables=("model",),
            labels=(("window", long),),
        )
        for long, short, factor, hold, _, gone in PAIRS
    )


GROUP = Group("slo", "slo", "Whether models keep what was promised of them.", (*burn_alerts(), *duration_alerts()))
