"""How likely each model is used within 3 minutes to 24 hours, learned from its own past day by day.

At each midnight the learners are fitted again on what was known by then; during the day they answer.
A day's forecasts are a function of uses up to its end alone, to the bit: models are counted in the
order of their first use, and every random draw belongs to a day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genotel.analysis.survival_network import SurvivalNetwork, fit_logistic
from genotel.analysis.use_features import DAY, HOUR, MINUTE, MOST_MODELS, Excitation, Singles, Situation, UseFeatures
from genotel.analysis.use_times import UseTimes
from genotel.history.hourly import Floats, Integers

# The horizons of the forecast, in seconds.
HORIZONS = np.array([3, 10, 30, 60, 180, 480, 1440]) * MINUTE
NEXT_HOUR = 3
# The first horizons are mixed with a logistic fit, which is the surer one where there are few examples.
_MIXED = 4
# Up to this day the learners begin anew each midnight, later they go on.
_FRESH_DAYS = 4
_FRESH_EPOCHS, _LATER_EPOCHS = 12, 5
_MOMENTS_A_DAY = 200
_MOST_EXAMPLES, _MOST_LOGISTIC = 40_000, 25_000
_KEPT_DAYS = 30
# A model that was not used for this long is an example only once in five times.
_OLD_SECONDS, _OLD_SHARE = 12 * HOUR, 0.2
# Networks that differ by their seed alone, averaged: three are steadier than one.
_NETWORKS = 3
_CHUNK = 400
_SMALLEST = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class DayForecast:
    """Hold the forecasts of Q moments of one day for the N models that are known by its end.

    Of very many models only the first 400 are forecast.

    Attributes:
        within: shape (Q, N, 7), P(next use within each of ``HORIZONS``), rising with the horizon.
        age: shape (Q, N), seconds since the last use.
        decayed: shape (Q, N, 6), decayed counts of uses.
        is_learned: whether anything was learned yet; ``within`` is all the same where not.
    """

    within: Singles
    age: Floats
    decayed: Floats
    is_learned: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Examples:
    """Hold R examples of one day: features, seconds to the next use, weight, moment."""

    features: Singles
    wait: Floats
    weight: Floats
    moment: Floats


class SurvivalForecaster:
    """Forecast day after day; days must be asked for in their order.

    Args:
        uses: all uses; those of later days are not looked at.
        seed: of every random draw.
    """

    def __init__(self, uses: UseTimes, *, seed: int = 0) -> None:
        self._uses, self._seed = uses, seed
        self._features = UseFeatures(uses)
        self._excitations = (
            Excitation(uses, half_life=30 * MINUTE, gap=30 * MINUTE),
            Excitation(uses, half_life=5 * MINUTE, gap=0.0),
        )
        self._examples: list[_Examples] = []
        self._networks: list[SurvivalNetwork] = []
        self._logistic = np.zeros((_MIXED, 0))
        self._mean = self._deviation = np.zeros(0, dtype=np.float32)

    def forecast(self, day: int, moments: Floats) -> DayForecast:
        """Return the forecasts at rising moments of a day, having learned from the days before."""
        models = min(self._uses.known_before((day + 1) * DAY), MOST_MODELS)
        random = np.random.default_rng([self._seed, day])
        if self._examples:
            self._learn(day, random)
        picked = np.zeros(len(moments), dtype=bool)
        picked[random.choice(len(moments), min(_MOMENTS_A_DAY, len(moments)), replace=False)] = True
        parts: list[DayForecast] = []
        examples: list[_Examples] = []
        for first in range(0, len(moments), _CHUNK):
            rows = slice(first, first + _CHUNK)
            excited = tuple(excitation.at(moments[rows], models) for excitation in self._excitations)
            situation = self._features.at(moments[rows], excited)
            parts.append(self._answer(situation))
            examples.append(self._keep(moments[rows], situation, picked[rows], random))
        self._examples = [*self._examples[1 - _KEPT_DAYS :], _joined(examples)]
        return DayForecast(
            within=np.concatenate([part.within for part in parts]),
            age=np.concatenate([part.age for part in parts]),
            decayed=np.concatenate([part.decayed for part in parts]),
            is_learned=bool(self._networks),
        )

    def _keep(
        self, moments: Floats, situation: Situation, picked: npt.NDArray[np.bool_], random: np.random.Generator
    ) -> _Examples:
        moments, age = moments[picked], situation.age[picked]
        wait = self._uses.next(self._uses.counts(moments, age.shape[1])) - moments[:, np.newaxis]
        share = np.where(age < _OLD_SECONDS, 1.0, _OLD_SHARE) * situation.is_known[picked]
        is_kept = random.random(share.shape) < share
        return _Examples(
            situation.features[picked][is_kept],
            wait[is_kept],
            1 / share[is_kept],
            np.broadcast_to(moments[:, np.newaxis], share.shape)[is_kept],
        )

    def _learn(self, day: int, random: np.random.Generator) -> None:
        known = _joined(self._examples)
        rows: Integers = random.permutation(len(known.wait))[:_MOST_EXAMPLES]
        if not len(rows):
            return
        features = known.features[rows]
        is_fresh = not self._networks or day <= _FRESH_DAYS
        before = (self._mean, self._deviation)
        if is_fresh:
            self._mean, self._deviation = features.mean(axis=0), np.maximum(features.std(axis=0), 0.15)
            self._networks = [
                SurvivalNetwork(features.shape[1], len(HORIZONS), self._seed + number) for number in range(_NETWORKS)
            ]
        features = self._scaled(features)
        labels = (known.wait[rows][:, np.newaxis] <= HORIZONS).astype(np.float32)
        # An outcome counts only where its horizon was over by now.
        is_over = known.moment[rows][:, np.newaxis] + HORIZONS <= day * DAY
        weights = (known.weight[rows][:, np.newaxis] * is_over).astype(np.float32)
        for network in self._networks:
            network.fit(features, labels, weights, _FRESH_EPOCHS if is_fresh else _LATER_EPOCHS)
        self._learn_logistic(features[:_MOST_LOGISTIC], labels, weights, before, is_fresh=is_fresh)

    def _learn_logistic(
        self, features: Singles, labels: Singles, weights: Singles, before: tuple[Singles, Singles], *, is_fresh: bool
    ) -> None:
        features[:, 0] = 1.0
        steps = 3
        if not self._logistic.shape[1]:
            self._logistic, steps = np.zeros((_MIXED, features.shape[1])), 6
        elif is_fresh:
            # The same function in the new scale.
            mean, deviation = before
            self._logistic[:, 0] += self._logistic[:, 1:] @ ((self._mean - mean) / deviation)[1:]
            self._logistic[:, 1:] *= (self._deviation / deviation)[1:]
        for horizon in range(_MIXED):
            weight = weights[: len(features), horizon]
            if weight.sum() > 200:
                label = labels[: len(features), horizon]
                self._logistic[horizon] = fit_logistic(features, label, weight, self._logistic[horizon], steps=steps)

    def _answer(self, situation: Situation) -> DayForecast:
        within = np.full((*situation.age.shape, len(HORIZONS)), _SMALLEST, dtype=np.float32)
        if self._networks:
            features = self._scaled(situation.features[situation.is_known])
            logits: Singles = np.mean([network.logits(features) for network in self._networks], axis=0)
            features[:, 0] = 1.0
            logits[:, :_MIXED] = (logits[:, :_MIXED] + features @ self._logistic.T.astype(np.float32)) / 2
            chance = 1 / (1 + np.exp(-np.clip(logits, -10, 10)))
            within[situation.is_known] = np.maximum.accumulate(chance, axis=-1)
        return DayForecast(within, situation.age, situation.decayed, bool(self._networks))

    def _scaled(self, features: Singles) -> Singles:
        scaled: Singles = np.clip((features - self._mean) / self._deviation, -4, 4).astype(np.float32)
        return scaled


def _joined(parts: list[_Examples]) -> _Examples:
    return _Examples(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.wait for part in parts]),
        np.concatenate([part.weight for part in parts]),
        np.concatenate([part.moment for part in parts]),
    )
