"""What the rules ask about what was promised: error shares, slow calls, and how fast their budgets burn."""

from __future__ import annotations

from genotel.promql.alert_queries import NONE_OF_MANY, beyond
from genotel.promql.expression import Selector
from genotel.promql.recorded_queries import increase
from genotel.promql.selecting import label, ours
from genotel.semconv import attributes as a
from genotel.semconv import recorded_series as r
from genotel.semconv.generation_metrics import DURATION
from genotel.semconv.recorded_series import Recorded
from genotel.semconv.spec import label_name

_MODEL = label_name(a.MODEL)
_CALLS = r.SLO_CALLS["6h"].name
# A model's own objective, else that of all; as long as it was called within hours.
MODEL_OBJECTIVE = (
    f"({_CALLS} * 0 + on ({_MODEL}) group_left () {r.OWN_OBJECTIVE.name})"
    f" or ({_CALLS} * 0 + on () group_left () {r.OBJECTIVE.name})"
)


def _enough(shares: Recorded, calls: Recorded) -> str:
    # Few bad calls are noise, however large their share of few calls is.
    return beyond(f"({shares.name} * {calls.name})", r.SLO_MINIMUM, ">=")


def budget_burn(long: str, short: str, factor: float) -> str:
    """Return the condition that failures burn the error budget so many times too fast in both windows.

    The windows are those of the SRE workbook, chapter 5, table 5-8. A window with next to no failures never fires.

    Args:
        long: window that must have enough failures.
        short: window that ends the alert soon after the fault.
        factor: how many times the even rate; times (1 - objective) it must be below 1.
    """
    limit = f"({factor:g} * (1 - {r.MODEL_OBJECTIVE.name}))"
    return (
        f"({r.SLO_ERRORS[long].name} > {limit})"
        f" and ({r.SLO_ERRORS[short].name} > {limit})"
        f" and ({_enough(r.SLO_ERRORS[long], r.SLO_CALLS[long])})"
    )


def duration_burn(long: str, short: str, factor: float) -> str:
    """Return the condition that slow calls burn their budget so many times too fast; as :func:`budget_burn`."""
    limit = f"on ({_MODEL}) group_left () ({factor:g} * (1 - {r.DURATION_OBJECTIVE.name}))"
    return (
        f"({r.SLO_SLOW[long].name} > {limit})"
        f" and ({r.SLO_SLOW[short].name} > {limit})"
        f" and ({_enough(r.SLO_SLOW[long], r.SLO_TIMED[long])})"
    )


def _none_succeeded(window: str) -> str:
    # The two sums of which the share is made may differ in their last digit.
    return f"(({_enough(r.SLO_ERRORS[window], r.SLO_CALLS[window])}) and {r.SLO_ERRORS[window].name} > 0.999)"


def _many_of_few(window: str) -> str:
    failed = f"({r.SLO_ERRORS[window].name} * {r.SLO_CALLS[window].name})"
    return f"(({beyond(r.SLO_ERRORS[window].name, r.FEW_ERRORS_SHARE)}) and ({beyond(failed, r.FEW_ERRORS, '>=')}))"


def _still_there(conditions: list[str]) -> str:
    # Recorded windows outlive the program; whether that is gone is another alert's question.
    return f"({' or '.join(conditions)}) and {r.REQUEST_RATE.name}"


# What is called a few times a day has no call at all in the short windows.
NO_SUCCESS = _still_there([f"({NONE_OF_MANY})", *map(_none_succeeded, ("1h", "6h", "12h", "1d"))])
LOW_VOLUME_ERRORS = _still_there(list(map(_many_of_few, ("6h", "1d", "3d"))))


def recorded_durations(model: str, seconds: float) -> tuple[tuple[Recorded, str], ...]:
    """Return what is recorded of how many calls of a model take longer than a bound of their buckets."""
    good = (label(a.ERROR_TYPE, "=", ""), label(a.MODEL, "=", model))
    bound = ("le", "=", f"{seconds:.12g}")

    def timed(window: str) -> str:
        return increase(ours(DURATION, *good, suffix="_count"), window)

    def slow(window: str) -> str:
        return f"({timed(window)} - {increase(ours(DURATION, *good, bound, suffix='_bucket'), window)})"

    rows = [(r.SLO_SLOW_HOUR, slow("1h"))]
    for window in r.SHORT_WINDOWS:
        rows += [(r.SLO_TIMED[window], timed(window)), (r.SLO_SLOW[window], f"{slow(window)} / ({timed(window)} > 0)")]
    for window in r.LONG_WINDOWS:
        total, late = (
            f"sum_over_time({Selector(series.name, ((_MODEL, '=', model),))}[{window}:1h])"
            for series in (r.SLO_TIMED["1h"], r.SLO_SLOW_HOUR)
        )
        rows += [(r.SLO_TIMED[window], total), (r.SLO_SLOW[window], f"{late} / ({total} > 0)")]
    return tuple(rows)
