"""Which models can be deleted: those that nobody will miss.

The classic rules (unused for so many days, used less often than so, never used) name the reason; the
probability that the model stays unused for as long again decides whether the advice is given and how
urgent it is. Failing models that are still asked for are not deleted but reported as performance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from genotel.analysis.idleness import (
    active_share,
    days_certainly_idle,
    days_known,
    days_since_last_use,
    possible_uses_per_day,
)
from genotel.analysis.recalibration import recalibrated_probability
from genotel.analysis.survival import NoUseLikelihood
from genotel.history.hourly import Booleans, Floats
from genotel.history.usage import UsageHistory
from genotel.recommenders.recommendation import Priority, Reason, Recommendation, Saving, Withheld, priority, rate_text
from genotel.recommenders.recommender import Findings
from genotel.settings import AdviceSettings

# Below this share of observed hours too many uses can have gone unseen to say anything.
MINIMUM_OBSERVED_RATIO = 0.95
# A week: shorter histories cannot tell an idle model from one that is used at weekends.
MINIMUM_HISTORY_DAYS = 7.0
# What a second of waiting for a load is worth in bytes: what a gigabit line fetches in it.
FETCHED_BYTES_PER_SECOND = 1.25e8


@dataclass(frozen=True, slots=True)
class Cleanup:
    """Advise to delete models that are unlikely to be used again.

    Args:
        likelihood: the engine that says how likely no use within a horizon is.
    """

    likelihood: NoUseLikelihood = recalibrated_probability
    kind: ClassVar[str] = "cleanup"
    method: ClassVar[str] = "chance of no use from idle time and decayed use, recalibrated on the history's own past"

    def recommend(self, history: UsageHistory, settings: AdviceSettings) -> Findings:
        """Return the models to delete, largest expected saving first, and why not the others."""
        if not history.has_data:
            return Findings()
        if history.span_days < MINIMUM_HISTORY_DAYS:
            return self._nothing(history, Reason.HISTORY_TOO_SHORT)
        if history.observed_ratio < MINIMUM_OBSERVED_RATIO:
            return self._nothing(history, Reason.OBSERVATION_GAPS)
        # No claim reaches beyond the history: with 15 days of it, nothing is said about 30.
        horizon_days = min(settings.cleanup_threshold_days, history.span_days)
        figures = _Figures.of(history, settings, self.likelihood(history, horizon_days))
        is_long_enough = history.span_days >= settings.cleanup_threshold_days
        recommendations: list[Recommendation] = []
        withheld: list[Withheld] = []
        for index, model in enumerate(history.models):
            rank = priority(float(figures.probability[index]), is_history_long_enough=is_long_enough)
            if rank is None:
                withheld.append(Withheld(model, self.kind, figures.reason_against(index)))
            else:
                recommendations.append(_recommendation(history, figures, index, rank, horizon_days, settings))
        recommendations.sort(key=_worth, reverse=True)
        return Findings(tuple(recommendations), tuple(withheld))

    def _nothing(self, history: UsageHistory, reason: Reason) -> Findings:
        return Findings(withheld=tuple(Withheld(model, self.kind, reason) for model in history.models))


@dataclass(frozen=True, slots=True, eq=False)
class _Figures:
    """The figures of N models, shape (N,) each; the rules speak of time that was certainly idle."""

    probability: Floats
    idle_days: Floats
    requests: Floats
    uses_per_day: Floats
    active_share: Floats
    is_never_used: Booleans
    is_unused: Booleans
    is_rarely_used: Booleans
    seems_unused: Booleans
    is_failing: Booleans
    load_seconds: Floats

    @classmethod
    def of(cls, history: UsageHistory, settings: AdviceSettings, probability: Floats) -> _Figures:
        certain, idle = days_certainly_idle(history), days_since_last_use(history)
        known = days_known(history)
        requests = history.total("requests")
        succeeded, failed = history.total("succeeded"), history.total("failed")
        return cls(
            probability=probability,
            idle_days=certain,
            requests=requests,
            uses_per_day=requests / np.maximum(known, 1.0),
            active_share=active_share(history),
            # Of a model that was there before the history began nobody can say never.
            is_never_used=~np.isfinite(history.last_used) & (history.first_seen > history.start) & (certain == idle),
            is_unused=certain > settings.cleanup_threshold_days,
            # A rate below one use in so many days shows only after so many days.
            is_rarely_used=(possible_uses_per_day(history) < settings.min_uses_per_day)
            & (known * settings.min_uses_per_day >= 1.0),
            seems_unused=idle > settings.cleanup_threshold_days,
            is_failing=succeeded < settings.min_success * (succeeded + failed),
            load_seconds=history.total("load_seconds") / np.maximum(history.total("timed_loads"), 1.0),
        )

    def reason_for(self, index: int) -> Reason:
        """Return why a model should go."""
        if self.is_never_used[index]:
            return Reason.NEVER_USED
        if self.is_unused[index]:
            return Reason.UNUSED
        return Reason.RARELY_USED if self.is_rarely_used[index] else Reason.UNLIKELY_TO_BE_USED

    def reason_against(self, index: int) -> Reason:
        """Return why a model is kept that is likely to be used."""
        if self.is_failing[index]:
            return Reason.FAILING_BUT_WANTED
        if self.seems_unused[index] and not self.is_unused[index]:
            return Reason.UNOBSERVED_USE_POSSIBLE
        return Reason.LIKELY_TO_BE_USED if self.is_unused[index] or self.is_rarely_used[index] else Reason.IN_USE


def _recommendation(
    history: UsageHistory, figures: _Figures, index: int, rank: Priority, horizon_days: float, settings: AdviceSettings
) -> Recommendation:
    probability = float(figures.probability[index])
    reason = figures.reason_for(index)
    size, last_used = history.size_bytes[index], history.last_used[index]
    return Recommendation(
        model=history.models[index],
        kind=Cleanup.kind,
        priority=rank,
        confidence=probability,
        reason_code=reason,
        reason=f"{_sentence(reason, figures, index, settings)} The probability of no use in the next "
        f"{horizon_days:.3g} days is {probability:.2f}, learned from {history.span_days:.3g} days of "
        f"{len(history.models)} models.",
        evidence={
            "idle_days": round(float(figures.idle_days[index]), 3),
            "requests": int(figures.requests[index]),
            "uses_per_day": round(float(figures.uses_per_day[index]), 6),
            "active_share": round(float(figures.active_share[index]), 6),
            "last_used": float(last_used) if np.isfinite(last_used) else None,
            "horizon_days": round(horizon_days, 3),
            "history_days": round(history.span_days, 3),
            "observed_ratio": round(history.observed_ratio, 6),
            "models": len(history.models),
            "expected_bytes": round(_expected_bytes(size, figures.load_seconds[index], probability))
            if np.isfinite(size)
            else None,
        },
        saving=Saving(bytes=int(size) if np.isfinite(size) else None),
    )


def _sentence(reason: Reason, figures: _Figures, index: int, settings: AdviceSettings) -> str:
    idle = f"{float(figures.idle_days[index]):.1f}"
    limit = f"{settings.cleanup_threshold_days:g}"
    if reason is Reason.NEVER_USED:
        return f"Never used in the {idle} days that it was watched."
    if reason is Reason.UNUSED:
        return f"Not used for {idle} days, the limit is {limit}."
    if reason is Reason.RARELY_USED:
        rate = float(figures.uses_per_day[index])
        return f"Used {rate_text(rate)} times a day, the limit is {settings.min_uses_per_day:g}; idle for {idle} days."
    return f"Idle for {idle} days, and models that are idle for so long are seldom used again."


def _worth(recommendation: Recommendation) -> tuple[int, float, float]:
    """Return what advice is ordered by: priority, then the bytes that deleting is expected to be worth."""
    return (
        recommendation.priority.rank,
        float(recommendation.evidence["expected_bytes"] or 0),
        recommendation.confidence,
    )


def _expected_bytes(size: float, load_seconds: float, probability: float) -> float:
    """Return bytes × P - reload cost × (1 - P), with a cost in bytes: to be fetched again, and to be waited for."""
    reload_cost = size + load_seconds * FETCHED_BYTES_PER_SECOND
    return size * probability - reload_cost * (1 - probability)
