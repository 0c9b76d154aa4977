"""How good probabilities were, once it is known what came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genotel.history.hourly import Booleans, Floats

_BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Hold how often that came true what was said with a probability from ``low`` to ``high``."""

    low: float
    high: float
    n: int
    mean_probability: float
    share: float


def area_under_curve(probability: Floats, outcome: Booleans) -> float | None:
    """Return the chance that a case is ranked above a non-case, ties counting half; None without both.

    Args:
        probability: shape (K,).
        outcome: shape (K,).

    Example:
        >>> area_under_curve(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
        0.75
    """
    positive = int(outcome.sum())
    negative = len(outcome) - positive
    if not positive or not negative:
        return None
    _, place, counts = np.unique(probability, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = float(rank[place][outcome].sum())
    return (rank_sum - positive * (positive + 1) / 2) / (positive * negative)


def brier_score(probability: Floats, outcome: Booleans) -> float:
    """Return the mean squared difference of probability and outcome.

    Example:
        >>> brier_score(np.array([0.5, 1.0]), np.array([True, True]))
        0.125
    """
    return float(np.mean((probability - outcome) ** 2))


def reliability_bins(probability: Floats, outcome: Booleans) -> tuple[ReliabilityBin, ...]:
    """Return ten bins of equal width, the empty ones left out.

    Example:
        >>> reliability_bins(np.array([0.95, 1.0]), np.array([True, False]))
        (ReliabilityBin(low=0.9, high=1.0, n=2, mean_probability=0.975, share=0.5),)
    """
    place = np.minimum((probability * _BINS).astype(np.int64), _BINS - 1)
    n = np.bincount(place, minlength=_BINS)
    said = np.bincount(place, weights=probability, minlength=_BINS)
    came = np.bincount(place, weights=outcome, minlength=_BINS)
    return tuple(
        ReliabilityBin(
            low=index / _BINS,
            high=(index + 1) / _BINS,
            n=int(n[index]),
            mean_probability=float(said[index] / n[index]),
            share=float(came[index] / n[index]),
        )
        for index in range(_BINS)
        if n[index]
    )


def reliability_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """Return the mean difference of what was said and what came, weighted by the cases of each bin.

    Example:
        >>> round(reliability_error(reliability_bins(np.array([0.95, 1.0]), np.array([True, False]))), 3)
        0.475
    """
    total = sum(part.n for part in bins)
    return sum(part.n * abs(part.mean_probability - part.share) for part in bins) / max(total, 1)


def recall_at_precision(probability: Floats, outcome: Booleans, precision: float) -> float:
    """Return the largest share of cases found by flagging the most probable ones at such a precision.

    Equal probabilities are flagged together or not at all.

    Example:
        >>> recall_at_precision(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]), 0.95)
        0.5
    """
    order = np.argsort(-probability, kind="stable")
    found = np.cumsum(outcome[order])
    is_last = np.append(np.diff(probability[order]) != 0, True)
    is_enough = (found / np.arange(1, len(order) + 1) >= precision) & is_last
    return float(found[is_enough].max(initial=0)) / max(float(outcome.sum()), 1.0)
