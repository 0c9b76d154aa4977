"""What the recording rules ask: rates, quantiles, and the error shares of the service level objective."""

from __future__ import annotations

from genotel.promql.expression import Selector, sum_by
from genotel.promql.selecting import label, ours
from genotel.semconv import attributes as a
from genotel.semconv import recorded_series as r
from genotel.semconv.generation_metrics import DURATION, REQUESTS
from genotel.semconv.spec import label_name

MODEL = label_name(a.MODEL)
PER_MODEL = ("job", MODEL)
# Who cancels a call, or goes away while it streams, has seen no failure.
FAILED = f"{a.OUTCOME_ERROR}|{a.OUTCOME_OUT_OF_MEMORY}"
JUDGED = f"{a.OUTCOME_OK}|{FAILED}"


def increase(selector: Selector, window: str, by: tuple[str, ...] = PER_MODEL) -> str:
    """Return how far a counter went in a window, summed by labels."""
    return sum_by(by, f"increase({selector}[{window}])")


def failures(window: str) -> str:
    """Return the failed calls of each model in a window."""
    return increase(ours(REQUESTS, label(a.OUTCOME, "=~", FAILED)), window)


def judged(window: str) -> str:
    """Return the calls of each model that ended well or badly in a window."""
    return increase(ours(REQUESTS, label(a.OUTCOME, "=~", JUDGED)), window)


def successes(window: str) -> str:
    """Return the calls of each model that ended well in a window."""
    return increase(ours(REQUESTS, label(a.OUTCOME, "=", a.OUTCOME_OK)), window)


def recorded() -> tuple[tuple[str, str], ...]:
    """Return name and query of what is recorded often: rates, quantiles, short windows."""
    duration = ours(DURATION, suffix="_bucket")
    rows = [
        (r.REQUEST_RATE.name, sum_by(PER_MODEL, f"rate({ours(REQUESTS)}[5m])")),
        (
            r.DURATION_P95.name,
            f"histogram_quantile(0.95, {sum_by((*PER_MODEL, 'le'), f'rate({duration}[10m])')}) >= 0",
        ),
        (r.SLO_FAILURES_HOUR.name, failures("1h")),
    ]
    for window in r.SHORT_WINDOWS:
        rows.append((r.SLO_CALLS[window].name, judged(window)))
        # A share of no calls is unknown: absent, never NaN. The calls were recorded by the line above.
        rows.append((r.SLO_ERRORS[window].name, f"{failures(window)} / ({r.SLO_CALLS[window].name} > 0)"))
    return tuple(rows)


def recorded_seldom() -> tuple[tuple[str, str], ...]:
    """Return name and query of what is recorded over days, from the recorded hours."""
    rows = []
    for window in r.LONG_WINDOWS:
        failed = f"sum_over_time({r.SLO_FAILURES_HOUR.name}[{window}:1h])"
        rows.append((r.SLO_CALLS[window].name, f"sum_over_time({r.SLO_CALLS['1h'].name}[{window}:1h])"))
        rows.append((r.SLO_ERRORS[window].name, f"{failed} / ({r.SLO_CALLS[window].name} > 0)"))
    return tuple(rows)
