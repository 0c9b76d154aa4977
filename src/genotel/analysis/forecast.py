"""How likely each model is used in the next hour and day, and when next, from hourly sums.

A logistic fit on what is known of the last two weeks, all models together: how long ago the last use
was, how often there was one lately, and the rhythm of the week. Rough beside the survival forecast,
which needs every single use, but made from what every source of history has, in a second for ten
thousand models.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from genotel.analysis.rhythm import HOURS_PER_WEEK, WeeklyRhythm
from genotel.analysis.survival_network import fit_logistic
from genotel.history.hourly import HOURS_PER_DAY, SECONDS_PER_HOUR, Booleans, Floats, Integers
from genotel.history.usage import UsageHistory

_LEARNED_HOURS = 60 * HOURS_PER_DAY
_FITTED_HOURS = 14 * HOURS_PER_DAY
_HORIZONS = (1, HOURS_PER_DAY)
_HALF_LIVES = np.array([3.0, 24.0, 168.0])
_MOST_EXAMPLES = 10_000
_STEPS = 8
_LEAST, _MOST = 1e-4, 1 - 1e-4
# Hour 0 since the Unix epoch was a Thursday's first; hour 0 of the week is Monday's.
_EPOCH_HOUR_OF_WEEK = 3 * HOURS_PER_DAY


@dataclass(frozen=True, slots=True, eq=False)
class UseForecast:
    """Hold the forecast of N models at the end of a history.

    Attributes:
        next_hour: shape (N,), P(use within an hour).
        next_day: shape (N,), P(use within 24 hours), not below ``next_hour``.
        next_use: shape (N,), Unix time by which a use is as likely as not; NaN beyond a week, and for a
            model without a use.
    """

    next_hour: Floats
    next_day: Floats
    next_use: Floats


# Several ask about one history: what to preload, and what to publish as a forecast.
@lru_cache(maxsize=1)
def forecast_use(history: UsageHistory) -> UseForecast:
    """Return the forecast at the end of a history of one hour at least; its arrays are shared, so only read them.

    Example:
        >>> from genotel.history.usage import empty_history
        >>> forecast_use(empty_history("nothing")).next_hour
        array([], dtype=float64)
    """
    if not history.has_data:
        none = np.zeros(0)
        return UseForecast(none, none, none)
    is_used, hour_of_week = _presence(history)
    features, coming = _features(is_used, hour_of_week)
    observed = history.observed[-is_used.shape[1] :]
    chances = [_chance(features, is_used, observed, horizon) for horizon in _HORIZONS]
    next_hour, next_day = chances[0], np.maximum(chances[1], chances[0])
    wait = np.where(is_used.any(axis=1), _median_wait(next_hour, next_day, coming), np.nan)
    return UseForecast(next_hour, next_day, history.end + wait)


def _presence(history: UsageHistory) -> tuple[Booleans, Integers]:
    """Return which models were used in each of the last hours (N, T), and the hours of the week (T,)."""
    hours = min(len(history.observed), _LEARNED_HOURS)
    first = history.first_hour + len(history.observed) - hours
    is_used = np.zeros((len(history.models), hours), dtype=bool)
    rows = (history.hourly.hour >= first) & (history.hourly.requests > 0)
    is_used[history.hourly.model[rows], history.hourly.hour[rows] - first] = True
    return is_used, (np.arange(hours) + first + _EPOCH_HOUR_OF_WEEK) % HOURS_PER_WEEK


def _features(is_used: Booleans, hour_of_week: Integers) -> tuple[Floats, Floats]:
    """Return the features after each of the last hours (N, S, F), and the rhythm of the coming week (N, 168)."""
    models, hours = is_used.shape
    kept = min(hours, _FITTED_HOURS)
    fades = 0.5 ** (1 / _HALF_LIVES)
    decayed, weights = np.zeros((models, len(fades))), np.zeros(len(fades))
    idle = np.full(models, float(_LEARNED_HOURS))
    rhythm = WeeklyRhythm(models)
    features = np.ones((models, kept, 4 + len(fades)), dtype=np.float32)
    for hour in range(hours):
        used = is_used[:, hour]
        decayed = decayed * fades + used[:, np.newaxis]
        weights = weights * fades + 1
        idle = np.where(used, 0.0, idle + 1)
        rhythm.learn(int(hour_of_week[hour]), used)
        place = hour - (hours - kept)
        if place >= 0:
            expected = rhythm.expected((int(hour_of_week[hour]) + 1) % HOURS_PER_WEEK)
            features[:, place, 1] = np.log1p(np.minimum(idle, 1000.0))
            features[:, place, 2] = idle == 0
            features[:, place, 3] = np.log(expected + 0.005)
            features[:, place, 4:] = np.log(decayed / weights + 0.005)
    last = int(hour_of_week[-1])
    coming = np.stack([rhythm.expected((last + 1 + ahead) % HOURS_PER_WEEK) for ahead in range(HOURS_PER_WEEK)], axis=1)
    return features, coming


def _chance(features: Floats, is_used: Booleans, observed: Booleans, horizon: int) -> Floats:
    """Return the fitted chance of a use within ``horizon`` hours of the end, shape (N,)."""
    kept, width = features.shape[1], features.shape[2]
    sums = np.cumsum(np.pad(is_used, ((0, 0), (1, 0))), axis=1)
    seen = np.cumsum(np.pad(observed, (1, 0)))
    # Places whose outcome is known and was watched, and after the model's first use.
    ends = np.arange(is_used.shape[1] - kept, is_used.shape[1]) + 1
    ends = ends[ends + horizon <= is_used.shape[1]]
    ends = ends[seen[ends + horizon] - seen[ends] == horizon]
    labels = sums[:, ends + horizon] > sums[:, ends]
    is_known = sums[:, ends] > 0
    random = np.random.default_rng(horizon)
    rows, weights = _examples(labels & is_known, ~labels & is_known, random)
    place = ends[rows[1]] - 1 - (is_used.shape[1] - kept)
    taken = features[rows[0], place].astype(np.float64)
    fitted = fit_logistic(taken, labels[rows].astype(np.float64), weights, np.zeros(width), steps=_STEPS, ridge=1.0)
    logits = features[:, -1].astype(np.float64) @ fitted
    return np.clip(1 / (1 + np.exp(-np.clip(logits, -30, 30))), _LEAST, _MOST)


def _examples(
    positive: Booleans, negative: Booleans, random: np.random.Generator
) -> tuple[tuple[Integers, Integers], Floats]:
    """Return (models, places) of at most so many examples of each kind, and what each stands for."""
    models, places, weights = [], [], []
    for kind in (positive, negative):
        model, place = np.nonzero(kind)
        count = min(len(model), _MOST_EXAMPLES)
        picked = random.choice(len(model), count, replace=False) if count else np.zeros(0, dtype=np.int64)
        models.append(model[picked])
        places.append(place[picked])
        weights.append(np.full(count, len(model) / max(count, 1)))
    return (np.concatenate(models), np.concatenate(places)), np.concatenate(weights)


def _median_wait(next_hour: Floats, next_day: Floats, coming: Floats) -> Floats:
    """Return the seconds until a use is as likely as not, NaN beyond a week, shape (N,).

    The rhythm of the week says how the chance of the coming day is spread over its hours, and how it
    goes on after it.
    """
    hazard = -np.log1p(-np.clip(coming, _LEAST, _MOST))
    of_day = hazard[:, :HOURS_PER_DAY].sum(axis=1)
    hazard = hazard * (-np.log1p(-next_day) / of_day)[:, np.newaxis]
    hazard[:, 0] = -np.log1p(-next_hour)
    total = np.cumsum(hazard, axis=1)
    is_reached = total >= np.log(2)
    place = is_reached.argmax(axis=1)
    rows = np.arange(len(total))
    before = total[rows, place] - hazard[rows, place]
    within = (np.log(2) - before) / hazard[rows, place]
    return np.where(is_reached.any(axis=1), (place + within) * SECONDS_PER_HOUR, np.nan)
