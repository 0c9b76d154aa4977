"""Policies of residency: each by its rule on a few uses, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from genotel.analysis.use_times import UseTimes, use_times
from genotel.recommenders.clock_policies import (
    HybridHistogram,
    NextHourKnown,
    PlannedResidents,
    SeasonalScores,
    ThresholdScores,
)
from genotel.recommenders.demand_policies import (
    FarthestNextUse,
    GreedyDual,
    KeepAlive,
    LeastFrequentlyUsed,
    LeastRecentlyUsed,
)
from genotel.recommenders.policies import CANDIDATES, DEFAULT, Choice
from genotel.recommenders.replay import TICK_SECONDS, Day, Objective, Policy, Room, steps, value_of_hit
from genotel.recommenders.residency_index import PRICINGS, offers, residency_index, slot_hours

DAY = 86_400.0


def day_of(uses: UseTimes, number: int = 0, load_seconds: float = 0.0) -> Day:
    """Return one day of a trace to play."""
    rows = uses.slice_of(number)
    ticks = np.arange(144) * TICK_SECONDS + number * DAY
    return Day(number, rows.start, uses.time[rows], uses.model[rows], ticks, np.full(len(uses.names), load_seconds))


def cold(make: Callable[[UseTimes, int], Policy], names: str, *, slots: int = 2, gap: float = 60.0) -> str:
    """Return the uses of one day that were cold, in capitals, and the others."""
    uses = use_times(list(names), np.arange(len(names)) * gap)
    policy = make(uses, slots)
    policy.play(day_of(uses))
    return "".join(
        name.upper() if is_cold else name for name, is_cold in zip(names, policy.memory.tally.is_cold, strict=True)
    )


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (LeastRecentlyUsed, "AaBCAaBC"),
        (LeastFrequentlyUsed, "AaBCaaBC"),
        (GreedyDual, "AaBCaaBC"),
        (FarthestNextUse, "AaBCaaBc"),
        (lambda uses, slots: KeepAlive(uses, slots, 90.0), "AaBCAaBC"),
        (lambda uses, slots: KeepAlive(uses, slots, 30.0), "AABCAABC"),
        (HybridHistogram, "AaBCAaBC"),
    ],
)
def test_a_rule_evicts_whom_it_says(make: Callable[[UseTimes, int], Policy], expected: str) -> None:
    """Room for two of three models."""
    assert cold(make, "aabcaabc") == expected


def test_a_load_takes_its_time_and_who_asks_meanwhile_waits() -> None:
    """Three uses ten seconds apart, a load of fifteen."""
    uses = use_times(["a"] * 3, np.array([0.0, 10.0, 20.0]))
    policy = LeastRecentlyUsed(uses, 1)
    policy.play(day_of(uses, load_seconds=15.0))
    tally = policy.memory.tally
    assert tally.is_cold.tolist() == [True, True, False]
    assert tally.is_load.tolist() == [True, False, False]
    assert tally.waited.round(3).tolist() == [15.0, 5.0, 0.0]


def test_ticks_come_before_uses_of_the_same_moment() -> None:
    """And every tick of the day comes, also after the last use."""
    uses = use_times(["a", "a"], np.array([600.0, DAY - 1]))
    walked = [(tick, use) for _, tick, use in steps(day_of(uses))]
    assert walked[:3] == [(0, -1), (1, -1), (-1, 0)]
    assert walked[-1] == (-1, 1)
    assert len(walked) == 146


def test_the_hybrid_histogram_loads_ahead_of_a_regular_use() -> None:
    """A use every five hours is longer than the histogram: around the median of such gaps."""
    uses = use_times(["a"] * 20, np.arange(20) * 5 * 3600.0)
    policy = HybridHistogram(uses, 1)
    for number in range(uses.days):
        policy.play(day_of(uses, number))
    assert policy.memory.tally.is_cold[8:].sum() == 0
    assert len(policy.memory.tally.preloads) >= 12


def test_the_hybrid_histogram_follows_a_sharp_histogram() -> None:
    """A use every half hour is let go and loaded again just before."""
    uses = use_times(["a"] * 40, np.arange(40) * 1805.0)
    policy = HybridHistogram(uses, 1)
    policy.play(day_of(uses))
    assert policy.memory.tally.is_cold.sum() == 1
    assert len(policy.memory.tally.preloads) > 20


def test_plans_of_a_model_that_was_used_meanwhile_are_dropped() -> None:
    """And a full memory makes room for what is loaded ahead."""
    names = ["a", "b"] * 20
    times = np.sort(np.concatenate([np.arange(20) * 5 * 3600.0, np.arange(20) * 5 * 3600.0 + 600]))
    uses = use_times(names, times)
    policy = HybridHistogram(uses, 1)
    for number in range(uses.days):
        policy.play(day_of(uses, number))
    assert len(policy.memory.resident) <= 1


def test_the_threshold_loads_what_is_used_often_enough() -> None:
    """Once a day is more than one half; scores are zero below the limit."""
    times = np.array([day * DAY + 9 * 3600 for day in range(6)] + [3600.0])
    uses = use_times(["daily"] * 6 + ["once"], times)
    scores = ThresholdScores(uses, uses_per_day=0.5)
    found = [scores.scores(day) for day in range(6)]
    daily, once = uses.names.index("daily"), uses.names.index("once")
    assert (found[5][:, daily] > 0).all()
    assert (found[5][:, once] == 0).all()
    planned = PlannedResidents(uses, 1)
    for day in range(6):
        planned.scores = found[day]
        planned.play(day_of(uses, day))
    assert planned.memory.tally.is_cold[-1:].tolist() == [False]
    assert planned.memory.tally.preloads


def test_the_season_loads_what_is_used_at_this_hour() -> None:
    """Two models at nine and at ten take turns in one slot."""
    times = np.array([day * DAY + hour * 3600 + 60 for day in range(10) for hour in (9, 10)])
    uses = use_times(["nine", "ten"] * 10, times)
    scores, planned = SeasonalScores(uses), PlannedResidents(uses, 1)
    for day in range(10):
        planned.scores = scores.scores(day)
        planned.play(day_of(uses, day))
    assert planned.memory.tally.is_cold[-6:].sum() == 0


def test_a_model_just_used_is_not_evicted_by_a_plan() -> None:
    """Of two that are not planned, the one used within the hour stays."""
    uses = use_times(["a", "b", "c", "b", "a"], np.array([0.0, 3700.0, 3800.0, 3900.0, 4000.0]))
    planned = PlannedResidents(uses, 2)
    planned.play(day_of(uses))
    assert planned.memory.tally.is_cold.tolist() == [True, True, True, False, True]


def test_knowing_the_next_hour_loads_it() -> None:
    """Only what comes too late in a full hour is cold."""
    uses = use_times(["a", "b", "a", "c"], np.array([100.0, 4000.0, 7300.0, 7400.0]))
    policy = NextHourKnown(uses, 1)
    policy.play(day_of(uses))
    assert policy.memory.tally.is_cold.tolist() == [False, False, False, True]


def test_the_index_is_hits_per_slot_hour() -> None:
    """A sure use in the first horizon takes half of its time, by straight lines."""
    sure = np.ones((1, 7), dtype=np.float32)
    assert slot_hours(sure)[0, 0] == pytest.approx(0.025)
    assert residency_index(sure)[0] == pytest.approx(40.0)
    never = np.full((1, 7), 1e-5, dtype=np.float32)
    assert residency_index(never)[0] < 1e-3
    part = offers(never, PRICINGS[DEFAULT])
    assert part.worth[0] < 0 < part.stake[0]


def test_auto_leaves_its_default_for_what_was_clearly_cheaper_or_for_lru() -> None:
    """By three per cent; never for less, unless LRU itself was cheaper."""
    costs = np.full(len(CANDIDATES), 100.0)
    choice = Choice()
    costs[CANDIDATES.index("lrfu_2h")] = 98.0
    choice.learn(costs)
    assert choice.follow() == DEFAULT
    costs[CANDIDATES.index("lrfu_2h")] = 80.0
    choice.learn(costs)
    assert choice.follow() == "lrfu_2h"
    choice = Choice()
    costs[:] = 100.0
    costs[CANDIDATES.index("lru")] = 99.0
    choice.learn(costs)
    assert choice.follow() == "lru"


def in_bytes(make: Callable[[UseTimes, Room], Policy], names: str, sizes: dict[str, float], limit: float) -> str:
    """Return the uses of one day that were cold, in capitals, in a memory of bytes."""
    uses = use_times(list(names), np.arange(len(names)) * 60.0)
    policy = make(uses, Room.of_bytes(np.array([sizes[name] for name in uses.names]), limit))
    policy.play(day_of(uses))
    return "".join(
        name.upper() if is_cold else name for name, is_cold in zip(names, policy.memory.tally.is_cold, strict=True)
    )


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (LeastRecentlyUsed, "ABCabDAB"),
        (LeastFrequentlyUsed, "ABCabDAb"),
        (GreedyDual, "ABCabDAB"),
        (FarthestNextUse, "ABCabDaB"),
        (lambda uses, room: KeepAlive(uses, room, 3600.0), "ABCabDAB"),
        (HybridHistogram, "ABCabDAB"),
    ],
)
def test_as_many_leave_as_the_bytes_need(make: Callable[[UseTimes, Room], Policy], expected: str) -> None:
    """Three of two bytes each, then one of four, in a memory of seven."""
    assert in_bytes(make, "abcabdab", {"a": 2.0, "b": 2.0, "c": 2.0, "d": 4.0}, 7.0) == expected


@pytest.mark.parametrize(
    "make", [LeastRecentlyUsed, LeastFrequentlyUsed, GreedyDual, FarthestNextUse, HybridHistogram, NextHourKnown]
)
def test_a_model_larger_than_the_memory_never_stays_and_evicts_nobody(make: Callable[[UseTimes, Room], Policy]) -> None:
    """Each of its uses is cold, those of the small one are not."""
    told = in_bytes(make, "aXaXaXa".lower(), {"a": 2.0, "x": 9.0}, 4.0)
    assert told[1::2] == "X" * 3
    assert told[2::2] == "a" * 3


def test_seconds_of_loading_are_weighed_where_they_are_the_objective() -> None:
    """A hit of a model that loads for a minute is worth more; free loads are all alike."""
    seconds = np.array([60.0, 1.0, 0.0])
    assert value_of_hit(Objective.COLD_STARTS, seconds).tolist() == [1.0, 1.0, 1.0]
    assert value_of_hit(Objective.LOAD_SECONDS, np.zeros(3)).tolist() == [1.0, 1.0, 1.0]
    value = value_of_hit(Objective.LOAD_SECONDS, seconds)
    assert value[0] > 50 * value[1] > 50 * value[2] > 0
    assert value_of_hit(Objective.LOAD_SECONDS, np.zeros(0)).shape == (0,)
