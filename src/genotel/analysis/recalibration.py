"""How likely it is that a model will not be used within a horizon, learned from what became of its kind before.

Two plain answers are weighed, and corrected by what the history itself shows. The answers: Lindy's law,
by which what was idle for ``a`` stays so for ``H`` more with the odds a : H, and a decayed count of
the days of use under a Gamma prior. The correction is a logistic regression on past cuts of the same
history (what was known then, what happened within the horizon after it), held near the plain answers
by a ridge that gives way as outcomes are seen. Nothing looks ahead: a cut teaches only once its
horizon has passed.

Few models teach nothing that way. Below ``MINIMUM_MODELS`` the engine of ``survival.py`` answers, whose
laws hold exactly; where days are hidden neither may say more than the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genotel.analysis.idleness import use_days
from genotel.analysis.survival import probability_of_no_use
from genotel.analysis.week_clock import WeekClock, week_clock
from genotel.history.hourly import SECONDS_PER_DAY, SECONDS_PER_HOUR, Booleans, Floats, Integers
from genotel.history.usage import UsageHistory

MINIMUM_MODELS = 30
# Past cuts are at most so many; more overlap without telling more.
MAX_CUTS = 8
# Odds by idle time and by decayed count: the second tells models that are used daily from one-off uses.
PLAIN_WEIGHTS = (0.5, 0.5)
# Made-up outcomes, at the plain answer, that hold a weight: the level's, the plain answers', the corrections'.
_RIDGE_LEVEL, _RIDGE_PLAIN, _RIDGE_FIRST, _RIDGE_FURTHER = 50.0, 10.0, 250.0, 2500.0
# Outcomes of one history depend on each other; past this many, more of them loosen the ridge.
_LOOSENED_BY = 5000.0
_PRIOR_USES = 0.3
_SMALLEST = 1e-9


def recalibrated_probability(history: UsageHistory, horizon_days: float) -> Floats:
    """Return the probability that each model is not used within ``horizon_days``, shape (N,).

    Example:
        >>> from genotel.history.usage import empty_history
        >>> recalibrated_probability(empty_history("nothing"), 30.0)
        array([], dtype=float64)
    """
    if len(history.models) < MINIMUM_MODELS:
        return probability_of_no_use(history, horizon_days)
    past = _Past.of(history)
    features, is_known = past.features(past.end, horizon_days)
    weights = _learned(past, horizon_days, features.shape[1])
    standard = _Standard.of(features[is_known])
    if weights is None:
        odds = features[:, 1:3] @ np.array(PLAIN_WEIGHTS)
    else:
        coefficients, standard = weights
        odds = standard.apply(features) @ coefficients
    probability = _sigmoid(odds).round(12)
    if len(past.hidden):
        return np.minimum(probability, probability_of_no_use(history, horizon_days))
    return probability


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """The uses of N models, in days since the history began: one row for a day, one for an hour."""

    count: int
    end: float
    first: Floats
    model: Integers
    day: Floats
    hour_model: Integers
    hour: Floats
    hidden: Floats
    clock: WeekClock

    @classmethod
    def of(cls, history: UsageHistory) -> _Past:
        model, day = use_days(history)
        origin = history.start / SECONDS_PER_DAY
        is_used = history.hourly.requests > 0
        middle = (history.hourly.hour[is_used] + 0.5) * SECONDS_PER_HOUR / SECONDS_PER_DAY - origin
        end = history.end / SECONDS_PER_DAY - origin
        first = np.clip(history.first_seen, history.start, history.end) / SECONDS_PER_DAY - origin
        days = np.maximum(day + 0.5 - origin, 0.0)
        hidden = (history.hidden_days + 1.0 - origin).astype(np.float64)
        return cls(
            count=len(history.models),
            end=end,
            first=first,
            model=model,
            day=days,
            hour_model=history.hourly.model[is_used],
            hour=np.clip(middle, 0.0, end),
            hidden=hidden,
            clock=_clock(model, days, hidden, end),
        )

    def features(self, cut: float, horizon: float) -> tuple[Floats, Booleans]:
        """Return what was known of each model at a cut, shape (N, F), and which models were known.

        The first three columns are 1 and the log odds of the two plain answers.
        """
        is_known = self.first < cut
        in_hours, in_days = self.hour < cut, self.day < np.ceil(cut)
        model = self.model[in_days]
        last = np.minimum(self.first, cut)
        np.maximum.at(last, self.hour_model[in_hours], self.hour[in_hours])
        used_to = last.copy()
        hidden = self.hidden[self.hidden <= cut]
        if len(hidden):
            # A day on which a use may have gone unseen counts as one of use.
            last = np.where(is_known, np.maximum(last, hidden.max()), last)
        shown, ahead = self.clock.at(np.array([cut, cut + horizon]))
        idle, age = np.maximum(shown - self.clock.at(last), 0.0), np.maximum(cut - self.first, 1e-3)
        half_lives = (max(horizon, 3.0), max(horizon / 3, 1.0), max(4 * horizon, 12.0))
        horizon = float(ahead - shown)
        days = np.bincount(model, minlength=self.count).astype(np.float64)
        hours = np.bincount(self.hour_model[in_hours], minlength=self.count).astype(np.float64)
        known = np.maximum(days, 0.5)
        ago = np.maximum(cut - self.day[in_days], 0.0)
        decayed = {}
        for half_life in half_lives:
            weight = np.exp2(-ago / half_life)
            recent = np.bincount(model, weights=weight, minlength=self.count).astype(np.float64)
            decayed[half_life] = (recent, _log_odds_by_count(recent, age, half_life, horizon, is_known))
        (recent, by_count), (_, faster), (_, slower) = decayed.values()
        span = np.maximum(used_to - self.first, 0.0) + 1.0
        log_idle, log_days, log_age = np.log(idle + 0.1), np.log(known), np.log(age + 1.0)
        is_once = (days <= 1).astype(np.float64)
        columns = [
            np.ones(self.count),
            np.log((idle + 0.02) / horizon),
            by_count,
            log_days,
            log_age,
            np.log(recent + 0.01),
            np.log(span),
            log_idle,
            faster,
            log_idle**2,
            log_idle * log_days,
            np.log(span / known),
            np.log((idle + 0.5) / (span / known)),
            slower,
            np.log(hours + 0.5),
            is_once,
            is_once * log_idle,
            log_days * log_age,
            log_days**2,
            log_age**2,
            log_age * log_idle,
        ]
        return np.stack(columns, axis=1), is_known

    def is_unused(self, cut: float, horizon: float) -> Booleans:
        """Return which models were not used within the horizon after a cut, shape (N,)."""
        used = np.bincount(self.hour_model[(self.hour >= cut) & (self.hour < cut + horizon)], minlength=self.count)
        unused: Booleans = used == 0
        return unused

    def cuts(self, horizon: float) -> Floats:
        """Return the past moments whose horizon has passed and was observed, latest first."""
        step = float(np.clip(self.end / MAX_CUTS, horizon / 3, horizon))
        cuts = self.end - horizon - step * np.arange(MAX_CUTS)
        is_hidden = [np.any((self.hidden > cut) & (self.hidden < cut + horizon + 1.0)) for cut in cuts]
        observed: Floats = cuts[(cuts >= 1.0) & ~np.array(is_hidden, dtype=bool)]
        return observed


def _clock(model: Integers, days: Floats, hidden: Floats, end: float) -> WeekClock:
    """Return the clock by the whole days of a history, counted from its beginning.

    Models that are used every day tell nothing of the others: each counts by the share of days without it.
    """
    whole = int(end)
    place = days.astype(np.int64)
    used_days = np.bincount(model)
    weights = 1 - used_days[model] / (whole + 1)
    in_use = np.bincount(place, weights=weights, minlength=whole)[:whole].astype(np.float64)
    is_known = np.ones(whole, dtype=bool)
    lost = hidden.astype(np.int64)
    for day in (lost - 1, lost):
        is_known[day[(day >= 0) & (day < whole)]] = False
    return week_clock(in_use, is_known)


@dataclass(frozen=True, slots=True, eq=False)
class _Standard:
    """Means and spreads of the corrections, by which they are made comparable."""

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, features: Floats) -> _Standard:
        corrections = features[:, 3:]
        return cls(corrections.mean(axis=0), corrections.std(axis=0) + _SMALLEST)

    def apply(self, features: Floats) -> Floats:
        return np.concatenate([features[:, :3], (features[:, 3:] - self.mean) / self.spread], axis=1)


def _log_odds_by_count(recent: Floats, age: Floats, half_life: float, horizon: float, is_known: Booleans) -> Floats:
    """Return the log odds of no use by a decayed count of days under a Gamma prior, shape (N,).

    ``P = ((b + E) / (b + E + H)) ** (a + c)`` with the decayed count ``c`` and exposure ``E``; the prior's mean is
    that of all models together.
    """
    exposure = half_life / np.log(2) * (1 - np.exp2(-age / half_life))
    mean = recent[is_known].sum() / max(exposure[is_known].sum(), _SMALLEST)
    strength = _PRIOR_USES / max(mean, _SMALLEST)
    log_probability = (_PRIOR_USES + recent) * np.log((strength + exposure) / (strength + exposure + horizon))
    probability = np.exp(log_probability)
    return np.asarray(np.log((probability + _SMALLEST) / (1 - probability + _SMALLEST)), dtype=np.float64)


def _learned(past: _Past, horizon: float, width: int) -> tuple[Floats, _Standard] | None:
    """Return the weights of all columns; None where no past cut has an outcome yet."""
    rows, outcomes = [], []
    for cut in past.cuts(horizon):
        features, is_known = past.features(float(cut), horizon)
        rows.append(features[is_known])
        outcomes.append(past.is_unused(float(cut), horizon)[is_known])
    if sum(map(len, rows)) < MINIMUM_MODELS:
        return None
    features, unused = np.concatenate(rows), np.concatenate(outcomes).astype(np.float64)
    standard = _Standard.of(features)
    plain = np.zeros(width)
    plain[1:3] = PLAIN_WEIGHTS
    ridge = np.full(width, _RIDGE_FURTHER)
    ridge[0], ridge[1:3], ridge[3:7] = _RIDGE_LEVEL, _RIDGE_PLAIN, _RIDGE_FIRST
    ridge /= 1 + (len(unused) / _LOOSENED_BY) ** 2
    return _fitted(standard.apply(features), unused, plain, ridge), standard


def _fitted(rows: Floats, outcomes: Floats, plain: Floats, ridge: Floats) -> Floats:
    """Return the weights of a logistic regression that a ridge holds near ``plain``, by damped Newton steps."""

    def loss(weights: Floats) -> float:
        odds = rows @ weights
        held = 0.5 * float(ridge @ (weights - plain) ** 2)
        return float(np.logaddexp(0.0, odds).sum() - outcomes @ odds) + held

    weights, least = plain.copy(), loss(plain)
    for _ in range(40):
        probability = _sigmoid(rows @ weights)
        curvature = rows.T @ (rows * (probability * (1 - probability))[:, np.newaxis]) + np.diag(ridge)
        step = np.linalg.solve(curvature, rows.T @ (outcomes - probability) - ridge * (weights - plain))
        size = 1.0
        while (reached := loss(weights + size * step)) > least and size > 1e-4:
            size /= 2
        gained, least = least - reached, reached
        weights = weights + size * step
        if gained <= 1e-7 * abs(least):
            break
    return weights


def _sigmoid(odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -500.0, 500.0))), dtype=np.float64)
