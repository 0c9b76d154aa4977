"""Every policy of what stays in memory, played side by side for one size of memory.

``auto`` follows the learned residency index with loads ahead, and leaves it for six hours at a time
when another policy was clearly cheaper in its own shadow run of the past days: a choice by backtest
that looks at nothing but the past.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from genotel.analysis.use_features import DAY
from genotel.analysis.use_times import UseTimes
from genotel.history.hourly import SECONDS_PER_DAY, Floats
from genotel.recommenders.clock_policies import HybridHistogram, NextHourKnown, PlannedResidents
from genotel.recommenders.demand_policies import (
    FarthestNextUse,
    GreedyDual,
    KeepAlive,
    LeastFrequentlyUsed,
    LeastRecentlyUsed,
)
from genotel.recommenders.replay import Day, Objective, Policy, Room, Tally
from genotel.recommenders.residency_index import PRICINGS, TOKENS_PER_LOAD, DayScores, ScoredPolicy

LRU, AUTO, CLAIRVOYANT = "lru", "auto", "clairvoyant"
# What auto chooses from, and what it does unless it knows better.
CANDIDATES = (LRU, "lrfu_30m", "lrfu_2h", "lrfu_mix", "index", *PRICINGS)
DEFAULT = "index_preload"
# It chooses anew for each quarter of a day; a day counts half after two more.
PIECES = 4
_FADE = 2.0 ** (-1 / (2 * PIECES))
# A load ahead counts as so many cold starts; another policy must be so much cheaper to be followed.
_PRELOAD_PRICE = 0.02
_EDGE = 0.03

_KEEP_ALIVE_SECONDS = 600.0


class Choice:
    """Remember what each candidate's shadow run cost, and say which one to follow."""

    def __init__(self) -> None:
        self._costs = np.zeros(len(CANDIDATES))

    def follow(self) -> str:
        """Return the candidate to follow now.

        Example:
            >>> Choice().follow()
            'index_preload'
        """
        costs = self._costs
        best = int(np.argmin(costs))
        usual, plain = costs[CANDIDATES.index(DEFAULT)], costs[CANDIDATES.index(LRU)]
        is_better = costs[best] < (1 - _EDGE) * usual or plain < usual
        return CANDIDATES[best] if is_better else DEFAULT

    def learn(self, costs: Floats) -> None:
        """Take in what the last piece of a day cost each candidate, shape (C,)."""
        self._costs = self._costs * _FADE + costs


class Contest:
    """Play every policy with one size of memory, day after day."""

    def __init__(self, uses: UseTimes, room: Room | int, objective: Objective = Objective.COLD_STARTS) -> None:
        self.objective = objective
        self._choice = Choice()
        self._plain: dict[str, Policy] = {
            LRU: LeastRecentlyUsed(uses, room),
            "lfu": LeastFrequentlyUsed(uses, room),
            "greedy_dual": GreedyDual(uses, room),
            "keep_alive_10m": KeepAlive(uses, room, _KEEP_ALIVE_SECONDS),
            "hybrid_histogram": HybridHistogram(uses, room),
        }
        self._planned = {name: PlannedResidents(uses, room) for name in ("threshold", "seasonal")}
        self._scored = {name: ScoredPolicy(uses, room, objective) for name in (*CANDIDATES[1:], AUTO)}
        self._seeing: dict[str, Policy] = {
            "clairvoyant_demand": FarthestNextUse(uses, room),
            "clairvoyant_hour": NextHourKnown(uses, room),
        }
        self.followed: list[tuple[str, ...]] = []

    @property
    def tallies(self) -> dict[str, Tally]:
        """Return what each policy cost so far, by its name."""
        memories = {name: policy.memory for name, policy in (self._plain | self._seeing).items()}
        memories |= {name: policy.memory for name, policy in self._planned.items()}
        memories |= {name: policy.memory for name, policy in self._scored.items()}
        return {name: memory.tally for name, memory in memories.items()}

    def play(self, day: Day, scores: DayScores, hourly: Mapping[str, Floats]) -> None:
        """Play one day.

        Args:
            day: its uses and ticks.
            scores: of the policies that look at scores.
            hourly: the scores (24, N) of those that plan by the hour, ``threshold`` and ``seasonal``.
        """
        for policy in (*self._plain.values(), *self._seeing.values()):
            policy.play(day)
        for name, planned in self._planned.items():
            planned.scores = hourly[name]
            planned.play(day)
        rows = slice(day.first, day.first + len(day.time))
        tokens = self._plain[LRU].memory.tally.is_load[rows].astype(np.float64) * TOKENS_PER_LOAD
        for name in CANDIDATES[1:]:
            self._scored[name].play(day, scores, [name], tokens)
        costs = self._costs(day)
        rules = []
        for piece in range(PIECES):
            rules.append(self._choice.follow())
            self._choice.learn(costs[:, piece])
        self._scored[AUTO].play(day, scores, rules, tokens)
        self.followed.append(tuple(rules))

    def _costs(self, day: Day) -> Floats:
        """Return what each piece of the day cost each candidate, shape (C, PIECES)."""
        tallies = self.tallies
        rows = slice(day.first, day.first + len(day.time))
        edges = day.number * DAY + np.arange(PIECES + 1) * (SECONDS_PER_DAY / PIECES)
        costs = np.zeros((len(CANDIDATES), PIECES))
        each = float(day.load_seconds.mean()) if self.objective is Objective.LOAD_SECONDS else 1.0
        for index, name in enumerate(CANDIDATES):
            tally = tallies[name]
            cold, _ = np.histogram(day.time, edges, weights=lost(self.objective, tally)[rows])
            ahead, _ = np.histogram([moment for moment in tally.preloads if moment >= edges[0]], edges)
            costs[index] = cold + _PRELOAD_PRICE * each * ahead
        return costs


def lost(objective: Objective, tally: Tally) -> Floats:
    """Return what each use lost, shape (K,): 1 for a cold start, or the seconds that it waited."""
    return tally.waited if objective is Objective.LOAD_SECONDS else tally.is_cold.astype(np.float64)
