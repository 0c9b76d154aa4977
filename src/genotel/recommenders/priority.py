"""Which models to download first: high, medium or low by how often they are used, as model managers have it."""

from __future__ import annotations

import math
from typing import ClassVar

from genotel.analysis.idleness import days_known
from genotel.history.usage import UsageHistory
from genotel.recommenders.recommendation import Priority, Reason, Recommendation, Withheld, rate_text
from genotel.recommenders.recommender import Findings
from genotel.settings import AdviceSettings

# A rate per day needs a day.
MINIMUM_HISTORY_DAYS = 1.0


class DownloadPriority:
    """Give every model a priority: high above one use a day, medium above one in ten days, else low.

    The confidence is the chance that the true rate lies on this side of the limit, one half at least:
    the rate that was seen does.
    """

    kind: ClassVar[str] = "priority"
    method: ClassVar[str] = "Gamma posterior of the rate of use"

    def recommend(self, history: UsageHistory, settings: AdviceSettings) -> Findings:
        """Return all models, the most used first."""
        if not history.has_data:
            return Findings()
        if history.span_days < MINIMUM_HISTORY_DAYS or not history.observed.any():
            short = history.span_days < MINIMUM_HISTORY_DAYS
            reason = Reason.HISTORY_TOO_SHORT if short else Reason.OBSERVATION_GAPS
            return Findings(withheld=tuple(Withheld(model, self.kind, reason) for model in history.models))
        uses = history.total("requests").tolist()
        days = [max(known, MINIMUM_HISTORY_DAYS) for known in days_known(history).tolist()]
        found = [
            _recommendation(model, uses[index], days[index], settings) for index, model in enumerate(history.models)
        ]
        found.sort(key=_uses_per_day, reverse=True)
        return Findings(tuple(found))


def _uses_per_day(entry: Recommendation) -> float:
    rate = entry.evidence["uses_per_day"]
    assert isinstance(rate, float)
    return rate


def _recommendation(model: str, uses: float, days: float, settings: AdviceSettings) -> Recommendation:
    rate = uses / days
    high, medium = settings.priority_high_uses_per_day, settings.priority_medium_uses_per_day
    if rate > high:
        rank, code, limit, side = Priority.HIGH, Reason.USED_OFTEN, high, "above"
    elif rate > medium:
        rank, code, limit, side = Priority.MEDIUM, Reason.IN_USE, medium, "above"
    else:
        rank, code, limit, side = Priority.LOW, Reason.USED_SELDOM, medium, "not above"
    below = probability_of_rate_below(limit, uses, days)
    return Recommendation(
        model=model,
        kind=DownloadPriority.kind,
        priority=rank,
        confidence=max(0.5, below if rank is Priority.LOW else 1.0 - below),
        reason_code=code,
        reason=f"Used {rate_text(rate)} times a day over {days:.3g} days, {side} the limit of {limit:g}.",
        evidence={"uses_per_day": round(rate, 6), "requests": int(uses), "history_days": round(days, 3)},
    )


def probability_of_rate_below(limit: float, uses: float, days: float) -> float:
    """Return the chance that the true rate of use is below ``limit`` a day, after ``uses`` in ``days``.

    The posterior under Jeffreys' prior, Gamma(uses + 1/2, days), by the cube-root formula of Wilson
    and Hilferty (1931), good to 0.02.

    Example:
        >>> 0.4 < probability_of_rate_below(1.0, 10.0, 10.0) < 0.5
        True
    """
    shape = uses + 0.5
    root = (limit * days / shape) ** (1 / 3)
    deviation = (root - (1 - 1 / (9 * shape))) * 3 * math.sqrt(shape)
    return (1 + math.erf(deviation / math.sqrt(2))) / 2
