"""When something became larger than it was: one change point in a series by hour, with intervals.

Days are the unit of chance: hours of one day are alike, and a rhythm of the day must not look like a change. The
test shuffles whole days, the intervals draw the errors of whole days anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genotel.history.hourly import Floats, Integers

# With fewer days no order of them is rare enough to be told from chance.
MINIMUM_DAYS = 6
# Fewer hours on a side are no level.
MINIMUM_HOURS = 6
_SHUFFLES = 399
# What as many of the first shuffles reach by chance is no rise, and need not be looked at further.
_FIRST_SHUFFLES, _TOO_MANY = 60, 6
_TURNS = 199
# Below this many standard errors no shuffle is worth its time: the largest of so many splits reaches it by chance.
_WORTH_A_TEST = 3.0


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """Hold a rise and how sure it is; intervals are of 95 %.

    Attributes:
        hour: the first hour of the new level, in the hours that were given.
        hours: the interval of that hour.
        ratio: new level over old one.
        ratios: its interval.
        p_value: how often a series without a change rises as much by chance, 0–1.
        confidence: the chance that the rise is at least the least one that was asked for.
    """

    hour: int
    hours: tuple[int, int]
    ratio: float
    ratios: tuple[float, float]
    p_value: float
    confidence: float


def rise(values: Floats, weights: Floats, hours: Integers, *, least_ratio: float = 1.1) -> ChangePoint | None:
    """Return the largest lasting rise of a series; None where there is none or it is too short to say.

    Sums over the hours after a split against those before it: the largest weighted difference of the logarithms
    (Hinkley, 1970), tested by shuffling days (Antoch and Hušková, 2001), its intervals by a bootstrap of
    the errors of days.

    Args:
        values: shape (N,), above 0, such as mean seconds of a call in an hour.
        weights: shape (N,), above 0, how much each is worth.
        hours: shape (N,), whole hours since the Unix epoch, rising.
        least_ratio: smaller rises are none.

    Example:
        >>> hours = np.arange(24 * 10)
        >>> found = rise(np.where(hours < 24 * 7, 1.0, 2.0), np.ones(240), hours)
        >>> found.hour, round(found.ratio, 3), found.p_value < 0.05
        (168, 2.0, True)
    """
    days, day = np.unique(hours // 24, return_inverse=True)
    if len(days) < MINIMUM_DAYS or len(hours) < 2 * MINIMUM_HOURS:
        return None
    series = np.log(values)
    split, found = _largest(series[None, :], weights[None, :])
    at, strength = int(split[0]), float(found[0])
    before, after = _levels(series, weights, at)
    if after - before < np.log(least_ratio):
        return None
    fitted = np.where(np.arange(len(series)) < at, before, after)
    errors = series - fitted
    spread = float(np.sqrt(np.sum(weights * errors**2) / max(len(series) - 2, 1)))
    if spread > 0 and strength < _WORTH_A_TEST * spread:
        return None
    random = np.random.default_rng(0)
    reached, done = 0, 0
    for count in (_FIRST_SHUFFLES, _SHUFFLES - _FIRST_SHUFFLES):
        shuffled = _shuffled(day, len(days), count, random)
        _, by_chance = _largest(series[shuffled], weights[shuffled])
        reached, done = reached + int(np.sum(by_chance >= strength * (1 - 1e-12))), done + count
        if reached >= _TOO_MANY:
            return None
    p_value = (1 + reached) / (1 + done)
    turned = fitted + _other_errors(errors, weights, day, len(days), random)
    splits, _ = _largest(turned, np.broadcast_to(weights, turned.shape))
    rises = np.array([after - before for before, after in map(_levels, turned, [weights] * _TURNS, splits)])
    low, high = np.quantile(rises, [0.025, 0.975])
    first, last = np.quantile(splits, [0.025, 0.975], method="nearest").astype(int)
    return ChangePoint(
        hour=int(hours[at]),
        hours=(int(hours[first]), int(hours[last])),
        ratio=float(np.exp(after - before)),
        ratios=(float(np.exp(low)), float(np.exp(high))),
        p_value=p_value,
        confidence=min(1 - p_value, float(np.mean(rises >= np.log(least_ratio)))),
    )


def _largest(series: Floats, weights: npt.NDArray[np.float64]) -> tuple[Integers, Floats]:
    """Return where each row rises most, and by how much in units of one weight's deviation; shape (K,) both."""
    total, mass = np.cumsum(series * weights, axis=1), np.cumsum(weights, axis=1)
    before, after = mass[:, :-1], mass[:, -1:] - mass[:, :-1]
    difference = (total[:, -1:] - total[:, :-1]) / after - total[:, :-1] / before
    strength = difference * np.sqrt(before * after / mass[:, -1:])
    strength[:, : MINIMUM_HOURS - 1] = strength[:, strength.shape[1] - MINIMUM_HOURS + 1 :] = -np.inf
    split = np.argmax(strength, axis=1)
    return split + 1, strength[np.arange(len(split)), split]


def _levels(series: Floats, weights: Floats, at: int) -> tuple[float, float]:
    old, new = weights[:at], weights[at:]
    return float(series[:at] @ old / old.sum()), float(series[at:] @ new / new.sum())


def _other_errors(errors: Floats, weights: Floats, day: Integers, count: int, random: np.random.Generator) -> Floats:
    """Return errors as they could have been, shape (_TURNS, N): of days those of other days, of hours turned around."""
    mass = np.bincount(day, weights=weights, minlength=count)
    by_day = np.bincount(day, weights=weights * errors, minlength=count) / mass
    # Two levels were fitted to the days, which makes their errors look smaller than they are.
    drawn = by_day[random.integers(count, size=(_TURNS, count))] * np.sqrt(count / (count - 2))
    turned: Floats = drawn[:, day] + random.choice(np.array([-1.0, 1.0]), (_TURNS, len(day))) * (errors - by_day[day])
    return turned


def _shuffled(day: Integers, days: int, count: int, random: np.random.Generator) -> Integers:
    """Return orders of the rows in which whole days are shuffled, shape (``count``, N)."""
    places = random.random((count, days)).argsort(axis=1)
    # A stable sort by the new place of its day keeps the hours of a day in order.
    return np.argsort(places[:, day], axis=1, kind="stable")
