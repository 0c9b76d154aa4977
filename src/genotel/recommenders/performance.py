"""Which models do not do what they are asked for: those whose calls fail.

First form: a success rate that is certainly too low. Slowness, load time and memory come with the
recommender's further parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from genotel.analysis.success import probability_below, wilson_interval
from genotel.history.hourly import HOURS_PER_DAY, Floats
from genotel.history.usage import UsageHistory
from genotel.recommenders.recommendation import Reason, Recommendation, Withheld, priority
from genotel.recommenders.recommender import Findings
from genotel.settings import AdviceSettings


class Performance:
    """Report models that are asked for and fail more often than ``min_success`` allows.

    Only the last ``performance_window_days`` count, so that a fault of long ago is not reported
    again. A rate is reported when the whole of its 95 % Wilson interval lies below the limit.
    """

    kind: ClassVar[str] = "performance"
    method: ClassVar[str] = "95 % Wilson interval of the success rate"

    def recommend(self, history: UsageHistory, settings: AdviceSettings) -> Findings:
        """Return the failing models, most failed calls first, and why the others are not reported."""
        if not history.has_data:
            return Findings()
        days = settings.performance_window_days
        succeeded, failed, requests = (_recent(history, column, days) for column in ("succeeded", "failed", "requests"))
        known = succeeded + failed
        low, high = wilson_interval(succeeded, known)
        limit = settings.min_success
        recommendations: list[Recommendation] = []
        withheld: list[Withheld] = []
        for index, model in enumerate(history.models):
            if known[index] and high[index] < limit:
                calls = _Calls(
                    float(succeeded[index]), float(known[index]), float(low[index]), float(high[index]), days
                )
                recommendations.append(_recommendation(model, int(requests[index]), calls, limit))
            else:
                withheld.append(Withheld(model, self.kind, _reason_against(index, requests, succeeded, known, limit)))
        recommendations.sort(key=lambda advice: (advice.evidence["failed"], advice.confidence), reverse=True)
        return Findings(tuple(recommendations), tuple(withheld))


@dataclass(frozen=True, slots=True)
class _Calls:
    """The calls of one model whose outcome is known, and the 95 % interval of their success rate."""

    succeeded: float
    known: float
    low: float
    high: float
    days: float


def _recommendation(model: str, requests: int, calls: _Calls, limit: float) -> Recommendation:
    probability = probability_below(limit, calls.succeeded, calls.known)
    rank = priority(probability, is_history_long_enough=True)
    assert rank is not None, "the whole interval lies below the limit"
    failed = int(calls.known - calls.succeeded)
    return Recommendation(
        model=model,
        kind=Performance.kind,
        priority=rank,
        confidence=probability,
        reason_code=Reason.LOW_SUCCESS,
        reason=f"{failed} of {calls.known:.0f} calls in the last {calls.days:g} days failed; the true success rate "
        f"lies between {calls.low:.2f} and {calls.high:.2f}, the limit is {limit:g}. Check the model's files, its "
        "memory need and its parameters.",
        evidence={
            "requests": requests,
            "failed": failed,
            "success_rate": round(calls.succeeded / calls.known, 6),
            "success_rate_low": round(calls.low, 6),
            "success_rate_high": round(calls.high, 6),
            "window_days": calls.days,
        },
    )


def _recent(history: UsageHistory, column: str, days: float) -> Floats:
    """Return the sum of a column over the last days of the history, shape (N,)."""
    rows = history.hourly.hour > history.first_hour + len(history.observed) - 1 - days * HOURS_PER_DAY
    weights = getattr(history.hourly, column)[rows].astype(np.float64)
    return np.bincount(history.hourly.model[rows], weights=weights, minlength=len(history.models)).astype(np.float64)


def _reason_against(index: int, requests: Floats, succeeded: Floats, known: Floats, limit: float) -> Reason:
    if not requests[index]:
        return Reason.NOT_ASKED_FOR
    if not known[index]:
        return Reason.OUTCOMES_UNKNOWN
    return Reason.TOO_FEW_CALLS if succeeded[index] < limit * known[index] else Reason.SUCCEEDS
