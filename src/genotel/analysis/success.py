"""How often calls succeed, with what is certain about it at small numbers."""

from __future__ import annotations

import numpy as np

from genotel.history.hourly import Floats

# Two-sided 95 % of the normal distribution.
_Z = 1.959963984540054
# Points of the grid over which the posterior is summed: its error is far below a thousandth.
_GRID = 2000


def wilson_interval(succeeded: Floats, calls: Floats) -> tuple[Floats, Floats]:
    """Return the 95 % interval of the true success rate, 0–1; from 0 to 1 where there are no calls.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.

    Args:
        succeeded: shape (N,), counts.
        calls: shape (N,), counts of the calls whose outcome is known.

    Example:
        >>> low, high = wilson_interval(np.array([0.0]), np.array([114.0]))
        >>> float(low[0]), round(float(high[0]), 3)
        (0.0, 0.033)
    """
    square = _Z * _Z
    total = calls + square
    middle = (succeeded + square / 2) / total
    known = np.maximum(calls, 1.0)
    half = _Z / total * np.sqrt(succeeded * (calls - succeeded) / known + square / 4)
    # At the ends the formula is exact, but not its arithmetic.
    low = np.where(succeeded > 0, middle - half, 0.0)
    high = np.where(succeeded < calls, middle + half, 1.0)
    return low, np.where(calls > 0, high, 1.0)


def probability_below(limit: float, succeeded: float, calls: float) -> float:
    """Return the probability that the true success rate is below ``limit``.

    The posterior after ``calls`` under Jeffreys' prior, Beta(1/2, 1/2). With the rate written as the
    square of a sine its density is smooth everywhere, so that a sum over a grid is enough.

    Example:
        >>> round(probability_below(0.5, 5.0, 10.0), 6)
        0.5
    """
    angle = (np.arange(_GRID) + 0.5) * (np.pi / 2 / _GRID)
    log_density = 2 * succeeded * np.log(np.sin(angle)) + 2 * (calls - succeeded) * np.log(np.cos(angle))
    density = np.exp(log_density - log_density.max())
    return float(density[np.sin(angle) ** 2 < limit].sum() / density.sum())
