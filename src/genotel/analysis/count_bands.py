"""How many calls a model will get in the next clock hour and in the 24 after this one, with a band.

The chance of any call comes from the forecast of use; how many there are then, from the hours and days in
which there were some, newer ones and those at the same time of day weighing more. Both together are a
mixture of nothing and of that distribution, whose quantiles are the band. The level is its mean, drawn half
way to the count of the day before where there was one: use goes on as it went. The constants were chosen on
one public trace (``docs/watch.md``); the watching recommender reports how they do on the user's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genotel.analysis.forecast import UseForecast
from genotel.history.hourly import HOURS_PER_DAY, Floats, Integers
from genotel.history.usage import UsageHistory

# Share of outcomes on each side of the band; days have fewer examples, which reach less far than what comes.
_HOUR_TAIL, _DAY_TAIL = 0.1, 0.05
_LEARNED_HOURS = 28 * HOURS_PER_DAY
# What comes next follows the last days; how far it may stray shows only over more of them.
_LEVEL_HALF_LIFE_HOURS, _BAND_HALF_LIFE_HOURS = 2.0 * HOURS_PER_DAY, 7.0 * HOURS_PER_DAY
# An hour at the same time of day tells as much as so many others.
_SAME_TIME_WEIGHT = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class CountBands:
    """Hold the calls that K models are expected to get within a horizon, shape (K,) each.

    Attributes:
        level: what is expected.
        lower, upper: the band that four in five outcomes are meant to fall into, whole numbers.
        naive: calls in the same hours one day before, the forecast that any other has to beat.
    """

    level: Floats
    lower: Floats
    upper: Floats
    naive: Floats


def next_hour_bands(history: UsageHistory, forecast: UseForecast, models: Sequence[int]) -> CountBands:
    """Return the calls in the clock hour after the one in which the history ends.

    Args:
        history: of one hour at least.
        forecast: the chances of use at its end.
        models: positions in ``history.models``, K of them.

    Example:
        >>> from genotel.analysis.forecast import forecast_use
        >>> from genotel.history.usage import empty_history
        >>> nothing = empty_history("nothing")
        >>> next_hour_bands(nothing, forecast_use(nothing), []).level
        array([], dtype=float64)
    """
    counts = _counts(history, models)
    ages = np.arange(counts.shape[1], 0, -1)
    naive = counts[:, -HOURS_PER_DAY] if counts.shape[1] >= HOURS_PER_DAY else np.zeros(len(counts))
    return _bands(counts, ages, forecast.next_hour[list(models)], naive, _HOUR_TAIL)


def next_day_bands(history: UsageHistory, forecast: UseForecast, models: Sequence[int]) -> CountBands:
    """Return the calls in the 24 clock hours after the one in which the history ends; arguments as above.

    Example:
        >>> from genotel.analysis.forecast import forecast_use
        >>> from genotel.history.usage import empty_history
        >>> nothing = empty_history("nothing")
        >>> next_day_bands(nothing, forecast_use(nothing), []).level
        array([], dtype=float64)
    """
    counts = _counts(history, models)
    sums = np.cumsum(np.pad(counts, ((0, 0), (1, 0))), axis=1)
    days = sums[:, HOURS_PER_DAY:] - sums[:, :-HOURS_PER_DAY]
    ages = np.arange(days.shape[1] - 1, -1, -1)
    naive = days[:, -1] if days.shape[1] else np.zeros(len(counts))
    return _bands(days, ages, forecast.next_day[list(models)], naive, _DAY_TAIL)


def _counts(history: UsageHistory, models: Sequence[int]) -> Floats:
    """Return the calls in each of the last hours, shape (K, T)."""
    hours = min(len(history.observed), _LEARNED_HOURS)
    first = history.first_hour + len(history.observed) - hours
    counts = np.zeros((len(models), hours))
    table = history.hourly
    for row, model in enumerate(models):
        begin, end = np.searchsorted(table.model, (model, model + 1))
        hour = table.hour[begin:end] - first
        counts[row, hour[hour >= 0]] = table.requests[begin:end][hour >= 0]
    return counts


def _bands(counts: Floats, ages: Integers, chance: Floats, naive: Floats, tail: float) -> CountBands:
    """Return the mixture of nothing and of the counts that are not 0, for each row."""
    level, lower, upper = (np.zeros(len(counts)) for _ in range(3))
    same_time = np.where(ages % HOURS_PER_DAY == 0, _SAME_TIME_WEIGHT, 1.0)
    recent, lasting = (same_time * 0.5 ** (ages / life) for life in (_LEVEL_HALF_LIFE_HOURS, _BAND_HALF_LIFE_HOURS))
    for row, values in enumerate(counts):
        is_any = values > 0
        if not is_any.any():
            # Of a model without a use in all that time one is all that can be said.
            level[row], upper[row] = chance[row], float(chance[row] > tail)
            continue
        used = values[is_any]
        mean = np.average(used, weights=recent[is_any])
        level[row] = chance[row] * (0.5 * (mean + naive[row]) if naive[row] else mean)
        order = np.argsort(used)
        share = np.cumsum(lasting[is_any][order])
        lower[row], upper[row] = (
            _quantile(used[order], share / share[-1], chance[row], at) for at in (tail, 1.0 - tail)
        )
    return CountBands(level=level, lower=lower, upper=upper, naive=naive)


def _quantile(values: Floats, share: Floats, chance: float, level: float) -> float:
    """Return the least count that no less than ``level`` of the mixture lies at or below."""
    rest = level - (1.0 - chance)
    if rest <= 0:
        return 0.0
    place = int(np.searchsorted(share, rest / chance - 1e-9))
    return float(values[min(place, len(values) - 1)])
