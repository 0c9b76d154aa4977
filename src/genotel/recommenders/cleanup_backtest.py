"""What cleanup would have said at past moments, and whether the models were used all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genotel.analysis.idleness import days_since_last_use, possible_uses_per_day
from genotel.analysis.scoring import (
    ReliabilityBin,
    area_under_curve,
    brier_score,
    recall_at_precision,
    reliability_bins,
    reliability_error,
)
from genotel.analysis.survival import NoUseLikelihood
from genotel.history.hourly import SECONDS_PER_DAY, Booleans, Floats
from genotel.history.usage import UsageHistory
from genotel.recommenders.recommendation import Priority, priority
from genotel.recommenders.trace import Trace
from genotel.settings import AdviceSettings

# A year of daily cuts would say the same as these.
_MOST_CUTS = 12
_PRECISION = 0.95


@dataclass(frozen=True, slots=True)
class Prediction:
    """Hold what was said of a model at a cut (Unix time): the probability of no use, and what came."""

    model: str
    cut: float
    probability: float
    was_unused: bool


@dataclass(frozen=True, slots=True)
class RuleResult:
    """Hold how good the classic rule was: unused or rarely used for so long, or failing."""

    flagged: int
    precision: float | None
    recall: float
    auc: float | None
    brier: float


@dataclass(frozen=True, slots=True)
class CleanupResult:
    """Hold how good P(no use within a horizon) was, over all cuts together.

    Attributes:
        horizon_days: the horizon.
        cuts: days since the first use at which it was asked.
        n: models asked about, over all cuts.
        base_rate: share of them that were not used.
        auc: None where all or none were used.
        brier, reliability: mean squared and mean binned error.
        bins: the table behind ``reliability``.
        recall_at_precision_95: share of the unused found where 95 % of what is flagged is unused.
        high_flags: pieces of advice of high priority.
        high_wrong: those of them that were used after all.
        threshold_rule: the same for the classic rule.
        predictions: every single answer.
    """

    horizon_days: float
    cuts: tuple[int, ...]
    n: int
    base_rate: float
    auc: float | None
    brier: float
    reliability: float
    bins: tuple[ReliabilityBin, ...]
    recall_at_precision_95: float
    high_flags: int
    high_wrong: int
    threshold_rule: RuleResult
    predictions: tuple[Prediction, ...]


def backtest_cleanup(
    trace: Trace,
    likelihood: NoUseLikelihood,
    settings: AdviceSettings,
    *,
    horizons: Sequence[int],
    evaluate_from_day: int,
) -> tuple[CleanupResult, ...]:
    """Return how good cleanup was for each horizon (days) that the past has an outcome of."""
    found = (_judge(trace, likelihood, settings, horizon, evaluate_from_day) for horizon in horizons)
    return tuple(result for result in found if result is not None)


def cuts_of(span_days: float, horizon: int, evaluate_from_day: int) -> tuple[int, ...]:
    """Return the days to ask at: every quarter of a horizon from a day on, the last twelve of them.

    Example:
        >>> cuts_of(23.0, 7, 7)
        (7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
        >>> cuts_of(12.0, 7, 7)
        ()
    """
    cuts = range(max(evaluate_from_day, 1), int(span_days - horizon) + 1, max(1, horizon // 4))
    return tuple(cuts)[-_MOST_CUTS:]


def _judge(
    trace: Trace, likelihood: NoUseLikelihood, settings: AdviceSettings, horizon: int, evaluate_from_day: int
) -> CleanupResult | None:
    midnight = trace.uses.midnight
    cuts = cuts_of(trace.uses.time[-1] / SECONDS_PER_DAY, horizon, evaluate_from_day)
    if not cuts:
        return None
    predictions: list[Prediction] = []
    flags: list[Booleans] = []
    high: list[bool] = []
    for cut in cuts:
        moment = midnight + cut * SECONDS_PER_DAY
        history = trace.history_until(moment)
        probability = likelihood(history, float(horizon))
        is_within = (trace.time >= moment) & (trace.time < moment + horizon * SECONDS_PER_DAY)
        used = {trace.model[place] for place in np.flatnonzero(is_within).tolist()}
        flags.append(_classic_rule(history, settings))
        for model, chance in zip(history.models, probability.tolist(), strict=True):
            predictions.append(Prediction(model, moment, chance, model not in used))
            rank = priority(chance, is_history_long_enough=history.span_days >= horizon)
            high.append(rank is Priority.HIGH)
    said = np.array([entry.probability for entry in predictions])
    came = np.array([entry.was_unused for entry in predictions])
    bins = reliability_bins(said, came)
    return CleanupResult(
        horizon_days=float(horizon),
        cuts=cuts,
        n=len(said),
        base_rate=float(came.mean()),
        auc=area_under_curve(said, came),
        brier=brier_score(said, came),
        reliability=reliability_error(bins),
        bins=bins,
        recall_at_precision_95=recall_at_precision(said, came, _PRECISION),
        high_flags=sum(high),
        high_wrong=int((np.array(high) & ~came).sum()),
        threshold_rule=_rule(np.concatenate(flags), came),
        predictions=tuple(predictions),
    )


def _classic_rule(history: UsageHistory, settings: AdviceSettings) -> Booleans:
    succeeded, failed = history.total("succeeded"), history.total("failed")
    return (
        (days_since_last_use(history) > settings.cleanup_threshold_days)
        | (possible_uses_per_day(history) < settings.min_uses_per_day)
        | (succeeded < settings.min_success * (succeeded + failed))
    )


def _rule(flagged: Booleans, came: Booleans) -> RuleResult:
    right = int((flagged & came).sum())
    said: Floats = flagged.astype(np.float64)
    return RuleResult(
        flagged=int(flagged.sum()),
        precision=right / int(flagged.sum()) if flagged.any() else None,
        recall=right / max(int(came.sum()), 1),
        auc=area_under_curve(said, came),
        brier=brier_score(said, came),
    )
