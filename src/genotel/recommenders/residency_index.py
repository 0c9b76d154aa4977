"""Which models deserve their slot: hits per slot-hour, from a survival forecast, and what a load ahead must pay.

Keeping a model until its next use or for a time tau, whichever comes first, earns a hit with P(use
within tau) and takes E[min(wait, tau)] of a slot. The index of a model is the best such ratio over
tau, as in Gittins' index of a bandit; the lowest leaves. It has no parameter for the size of the memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genotel.analysis.survival_forecast import HORIZONS, DayForecast
from genotel.analysis.use_features import DAY, HALF_LIVES, HOUR, Singles
from genotel.analysis.use_times import UseTimes
from genotel.history.hourly import Floats, Integers
from genotel.recommenders.replay import Day, Memory, Objective, Room, steps, value_of_hit

# Tokens that pay for loads ahead: so many for each load of a memory that only evicts the least recently
# used. Below one half, so that loads ahead stay fewer than half of those.
TOKENS_PER_LOAD = 0.48


@dataclass(frozen=True, slots=True)
class Pricing:
    """Say when a load ahead pays: horizons looked at, its price in cold starts, the margin over who leaves."""

    horizons: tuple[int, ...]
    price: float
    margin: float


# By the horizons looked at; chosen on ServeGen, see docs/accuracy.md.
PRICINGS = {
    "index_preload_short": Pricing((1, 2, 3), 0.10, 1.0),
    "index_preload": Pricing((2, 3), 0.10, 1.0),
    "index_preload_long": Pricing((2, 3, 4, 5), 0.05, 1.0),
    "index_preload_hour": Pricing((3,), 0.05, 2.0),
}


@dataclass(frozen=True, slots=True, eq=False)
class Offers:
    """Hold what a load ahead is worth and what a resident model is worth, at 144 ticks, shape (144, N) each."""

    worth: Singles
    stake: Singles


@dataclass(frozen=True, slots=True, eq=False)
class DayScores:
    """Hold the scores of one day by which models stay; the lowest leaves.

    Attributes:
        row: shape (K,), which row of scores a use of the day looks at.
        scores: by policy, shape (R, N).
        offers: by policy that loads ahead.
    """

    row: Integers
    scores: dict[str, Singles]
    offers: dict[str, Offers]


def slot_hours(within: Singles) -> Singles:
    """Return E[min(wait, tau)] in hours for each horizon tau, shape as ``within`` (…, 7).

    The chance of no use falls in straight lines between the horizons.
    """
    lengths = (np.diff(HORIZONS, prepend=0.0) / HOUR).astype(np.float32)
    before = np.concatenate([np.zeros_like(within[..., :1]), within[..., :-1]], axis=-1)
    hours: Singles = np.cumsum(lengths * (1 - (within + before) / 2), axis=-1)
    return hours


def residency_index(within: Singles) -> Singles:
    """Return the hits per slot-hour of models, shape (…), from P(use within each horizon), shape (…, 7).

    Example:
        >>> soon, late = np.full(7, 0.9), np.linspace(0.0, 0.3, 7)
        >>> index = residency_index(np.stack([soon, late]).astype(np.float32))
        >>> bool(index[0] > index[1])
        True
    """
    index: Singles = (within / slot_hours(within)).max(axis=-1)
    return index


def offers(within: Singles, pricing: Pricing) -> Offers:
    """Return the worth of loads ahead and of staying, from forecasts at ticks, shape (144, N, 7)."""
    horizons = list(pricing.horizons)
    hours = slot_hours(within)[..., horizons]
    chance = within[..., horizons]
    return Offers(
        ((chance - np.float32(pricing.price)) / hours).max(axis=-1),
        np.float32(pricing.margin) * (chance / hours).max(axis=-1),
    )


def scores_of(forecast: DayForecast, rows: Integers, ticks: Integers, row: Integers, models: int) -> DayScores:
    """Return the scores of every scored policy.

    Args:
        forecast: of Q moments of the day.
        rows: shape (R,), which moments are uses.
        ticks: shape (144,), which moments are ticks.
        row: shape (K,), the row among ``rows`` that each use looks at.
        models: N; models that were not forecast leave first.
    """
    decayed = forecast.decayed[rows]
    rates = decayed / HALF_LIVES
    index = residency_index(forecast.within[rows]) if forecast.is_learned else np.exp(-forecast.age[rows] / DAY)
    scores = {
        "lrfu_30m": decayed[..., 1],
        "lrfu_2h": decayed[..., 2],
        "lrfu_mix": rates[..., [0, 1, 2, 4]].sum(axis=-1),
        "index": index,
    }
    at_ticks = forecast.within[ticks]
    offered = {name: offers(at_ticks, pricing) for name, pricing in PRICINGS.items()}
    return DayScores(
        row,
        {name: _widened(values.astype(np.float32), models) for name, values in scores.items()},
        {name: Offers(_widened(part.worth, models), _widened(part.stake, models)) for name, part in offered.items()},
    )


def _widened(values: Singles, models: int) -> Singles:
    wide = np.full((len(values), models), -1.0, dtype=np.float32)
    wide[:, : values.shape[1]] = values
    return wide


class ScoredPolicy:
    """Evict the lowest score and load ahead what is worth more than what would leave.

    It may follow another rule for each piece of the day (``follow``), as the automatic policy does.
    """

    def __init__(self, uses: UseTimes, room: Room | int, objective: Objective = Objective.COLD_STARTS) -> None:
        self.memory = Memory(uses, room)
        self._objective = objective
        self._purse = 0.0
        # Finite, since the search adds infinity.
        self._last = np.full(len(uses.names), -1e18)

    def play(self, day: Day, scores: DayScores, rules: list[str], tokens: Floats) -> None:
        """Play one day.

        Args:
            day: its uses and ticks.
            scores: of the day.
            rules: the policy to follow in each equal piece of the day; ``lru`` needs no scores.
            tokens: shape (K,), what each use of the day adds to the purse for loads ahead.
        """
        memory = self.memory
        memory.load_seconds = day.load_seconds.tolist()
        # What a hit of each model is worth, for each part of the memory that it takes.
        density = (value_of_hit(self._objective, day.load_seconds) / memory.room.sizes).astype(np.float32)
        models, rows, earned = day.model.tolist(), scores.row.tolist(), tokens.tolist()
        piece_seconds = DAY / len(rules)
        for now, tick, use in steps(day):
            piece = min(int((now - day.number * DAY) // piece_seconds), len(rules) - 1)
            rule = rules[piece]
            if tick >= 0:
                if rule in scores.offers and self._purse >= 1:
                    part = scores.offers[rule]
                    self._preload(part.worth[tick] * density, part.stake[tick] * density, now)
                continue
            model = models[use]
            if not memory.use(day.first + use, model, now):
                if memory.lacks_room(model):
                    values = (
                        self._last
                        if rule == "lru"
                        else scores.scores["index" if rule in PRICINGS else rule][rows[use]] * density
                    )
                    while memory.lacks_room(model):
                        memory.evict(int(np.argmin(values + memory.absence)))
                memory.load(day.first + use, model, now)
            self._last[model] = now
            self._purse = min(self._purse + earned[use], 2.0 * memory.places)

    def _preload(self, worth: Singles, stake: Singles, now: float) -> None:
        memory = self.memory
        wanted = np.flatnonzero((memory.absence != 0) & (worth > 0) & (memory.room.sizes <= memory.room.limit))
        wanted = wanted[np.argsort(-worth[wanted], kind="stable")][: int(self._purse)]
        there = np.flatnonzero(memory.absence == 0)
        leaving = there[np.argsort(stake[there], kind="stable")][::-1].tolist()
        for model in wanted.tolist():
            victims = self._victims(model, leaving, stake, float(worth[model]))
            if victims is None:
                return
            for victim in victims:
                memory.evict(victim)
            memory.preload(model, now)
            self._purse -= 1

    def _victims(self, model: int, leaving: list[int], stake: Singles, worth: float) -> list[int] | None:
        """Take from the end of ``leaving`` who leaves for a model; None where it is not worth that."""
        memory, victims, freed = self.memory, [], 0.0
        while memory.lacks_room(model, freed):
            if not leaving or worth <= stake[leaving[-1]]:
                return None
            victims.append(leaving.pop())
            freed += float(memory.room.sizes[victims[-1]])
        return victims
