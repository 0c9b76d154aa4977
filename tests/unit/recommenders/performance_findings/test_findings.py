"""What is planted is found with its figures, and what is not there is not."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from genotel.history.hourly import SECONDS_PER_HOUR
from genotel.history.usage import BatchUse, MemoryFailures, UsageHistory
from genotel.recommenders.performance import Performance
from genotel.recommenders.recommendation import Priority, Reason, Recommendation
from genotel.settings import AdviceSettings
from histories import EPOCH
from tests.made_up_work import Work, at_work


def told(history: UsageHistory, reason: Reason, **settings: float) -> list[Recommendation]:
    """Return what is said with a reason code."""
    found = Performance().recommend(history, AdviceSettings(**settings)).recommendations
    return [advice for advice in found if advice.reason_code is reason]


def within(advice: Recommendation, value: float) -> bool:
    """Return whether a number of seconds a day lies in the advice's interval."""
    low, high = advice.evidence["seconds_per_day_low"], advice.evidence["seconds_per_day_high"]
    assert isinstance(low, float)
    assert isinstance(high, float)
    return low <= value <= high


def test_a_model_that_became_slower_is_found() -> None:
    """When, how much, and what it costs a day; the others did not."""
    models = {f"m{k}": Work() for k in range(5)} | {"slow": Work(slower=(24.5, 1.8))}
    history = at_work(models, seed=1)
    (advice,) = told(history, Reason.SLOWER_THAN_BEFORE)
    assert advice.model == "slow"
    assert advice.priority is Priority.HIGH
    evidence = advice.evidence
    assert evidence["ratio_low"] <= 1.8 <= evidence["ratio_high"]
    assert evidence["changed_at_low"] <= EPOCH + 24.5 * 86_400 <= evidence["changed_at_high"] + 2 * SECONDS_PER_HOUR
    # About ten hours of six calls a day that take ten seconds and eight more.
    assert advice.saving.seconds_per_day is not None
    assert within(advice, advice.saving.seconds_per_day)
    assert advice.saving.seconds_per_day == pytest.approx(0.4 * 24 * 6 * 8.0, rel=0.35)


def test_a_change_of_long_ago_is_how_it_is() -> None:
    """Unless the window reaches back to it."""
    history = at_work({"slow": Work(slower=(15.0, 2.0))})
    assert told(history, Reason.SLOWER_THAN_BEFORE) == []
    assert len(told(history, Reason.SLOWER_THAN_BEFORE, performance_window_days=14.0)) == 1


def test_nothing_that_became_faster_or_is_untimed_is_slow() -> None:
    """And a model of a few days has no past to be held against."""
    assert told(at_work({"fast": Work(slower=(24.0, 0.5))}), Reason.SLOWER_THAN_BEFORE) == []
    assert told(at_work({"new": Work(slower=(3.0, 2.0))}, days=4), Reason.SLOWER_THAN_BEFORE) == []
    history = at_work({"a": Work(slower=(24.0, 2.0))})
    untimed = replace(history, hourly=dataclasses.replace(history.hourly, timed=history.hourly.timed * 0))
    assert told(untimed, Reason.SLOWER_THAN_BEFORE) == []


def test_a_model_that_is_slower_than_its_peers_is_found() -> None:
    """Those of its operation; of another one such seconds are usual."""
    models = {f"chat{k}": Work(seconds=2.0 + 0.2 * k) for k in range(6)}
    models |= {f"video{k}": Work(seconds=60.0 + 10 * k, operation="video") for k in range(6)}
    models |= {"snail": Work(seconds=30.0), "unknown": Work(seconds=500.0, operation=None)}
    (advice,) = told(at_work(models), Reason.SLOWER_THAN_PEERS)
    assert advice.model == "snail"
    assert advice.evidence["peers"] == 6
    assert 8 < advice.evidence["ratio"] < 16
    saved = advice.saving.seconds_per_day
    assert saved is not None
    assert within(advice, saved)


def test_too_few_calls_or_days_or_peers_are_no_comparison() -> None:
    """And twice as long is the least."""
    peers = {f"m{k}": Work(seconds=2.0) for k in range(6)}
    assert told(at_work({"a": Work(), "b": Work(seconds=90.0)}), Reason.SLOWER_THAN_PEERS) == []
    assert told(at_work({"only": Work()}), Reason.SLOWER_THAN_PEERS) == []
    assert told(at_work(peers | {"x": Work(seconds=3.6, rhythm=0.0)}), Reason.SLOWER_THAN_PEERS) == []
    assert told(at_work(peers | {"x": Work(seconds=90.0)}, days=2), Reason.SLOWER_THAN_PEERS) == []
    rare = at_work(peers | {"x": Work(seconds=90.0)}, active=0.01)
    assert told(rare, Reason.SLOWER_THAN_PEERS) == []


def test_a_model_that_mostly_loads_is_found() -> None:
    """With its share, and what the loads take a day."""
    history = at_work({"heavy": Work(seconds=1.0, load_every=2, load_seconds=30.0), "light": Work(load_every=20)})
    (advice,) = told(history, Reason.LOAD_TIME_DOMINATES)
    assert advice.model == "heavy"
    assert advice.evidence["load_share_low"] > 0.5
    assert within(advice, 0.4 * 24 / 2 * 30.0)
    assert advice.evidence["load_seconds"] == 30.0


def test_few_loads_dominate_nothing() -> None:
    """One long evening, four loads, or loads that take about as long as the calls."""
    history = at_work({"a": Work(seconds=0.1, load_every=2, load_seconds=30.0)}, days=2, active=0.9)
    assert told(history, Reason.LOAD_TIME_DOMINATES) == []
    few = at_work({"a": Work(seconds=0.1, load_every=20, load_seconds=900.0)})
    assert told(few, Reason.LOAD_TIME_DOMINATES) == []
    even = at_work({"a": Work(seconds=1.0, load_every=1, load_seconds=5.5)})
    assert told(even, Reason.LOAD_TIME_DOMINATES) == []


def test_a_model_that_is_let_go_without_need_is_found() -> None:
    """Nobody else was loaded between its uses; how long a load takes need not be known."""
    history = at_work({"alone": Work(load_every=1, load_seconds=4.0), "resident": Work()})
    (advice,) = told(history, Reason.KEEP_ALIVE_TOO_SHORT)
    assert advice.model == "alone"
    assert advice.evidence["needless_share_low"] > 0.9
    assert advice.saving.seconds_per_day == pytest.approx(0.4 * 24 * 4.0, rel=0.25)
    assert within(advice, advice.saving.seconds_per_day)
    table = dataclasses.replace(
        history.hourly, timed_loads=history.hourly.timed_loads * 0, load_seconds=history.hourly.load_seconds * 0
    )
    (unknown,) = told(replace(history, hourly=table), Reason.KEEP_ALIVE_TOO_SHORT)
    assert unknown.saving.seconds_per_day is None
    assert unknown.evidence["seconds_per_day_low"] is None


def test_models_that_take_each_other_s_room_are_not() -> None:
    """Another was loaded in between: there was need."""
    assert told(at_work({f"m{k}": Work(load_every=1) for k in range(4)}), Reason.KEEP_ALIVE_TOO_SHORT) == []


def test_a_model_of_one_use_a_week_is_rightly_let_go() -> None:
    """A day is the longest that is worth holding room for."""
    history = at_work({"rare": Work(load_every=1)}, days=200, active=0.008)
    assert told(history, Reason.KEEP_ALIVE_TOO_SHORT, performance_window_days=200.0) == []


def test_several_loads_in_an_hour_without_another_model_are_needless() -> None:
    """But the first of them."""
    history = at_work({"rare": Work(load_every=1)}, days=200, active=0.008)
    table = dataclasses.replace(history.hourly, loads=history.hourly.loads * 4)
    (advice,) = told(replace(history, hourly=table), Reason.KEEP_ALIVE_TOO_SHORT, performance_window_days=200.0)
    assert advice.evidence["needless_loads"] >= 0.75 * advice.evidence["loads"]


def test_a_model_that_broke_is_found() -> None:
    """All calls since then fail, whatever the share of the whole window; that is said once, not twice."""
    history = at_work({"broken": Work(broken_from=27.5), "shaky": Work(failing=0.3), "fine": Work()})
    (advice,) = told(history, Reason.FAILING_SINCE)
    assert advice.model == "broken"
    assert advice.evidence["failing_since"] >= EPOCH + 27.5 * 86_400
    assert advice.evidence["failed"] >= 5
    assert "checksums" in advice.reason
    long_ago = at_work({"broken": Work(broken_from=22.0)})
    assert [entry.reason_code for entry in Performance().recommend(long_ago, AdviceSettings()).recommendations] == [
        Reason.FAILING_SINCE
    ]


def test_failures_in_a_row_that_were_to_be_expected_are_no_break() -> None:
    """A model that fails nine times of ten is low in success, and one that stopped being used is not looked at."""
    history = at_work({"bad": Work(failing=0.9, broken_from=27.8)})
    reasons = {entry.reason_code for entry in Performance().recommend(history, AdviceSettings()).recommendations}
    assert reasons == {Reason.LOW_SUCCESS}
    gone = at_work({"gone": Work(broken_from=10.0)}, days=28)
    keep = gone.hourly.hour < gone.first_hour + 12 * 24
    table = dataclasses.replace(
        gone.hourly, **{field.name: getattr(gone.hourly, field.name)[keep] for field in dataclasses.fields(gone.hourly)}
    )
    assert Performance().recommend(replace(gone, hourly=table), AdviceSettings()).recommendations == ()


def test_models_that_are_well_are_seldom_reported() -> None:
    """At most one in twenty, of any finding; benchmarks/performance_advice.py measures it over many seeds."""
    wrong: list[Recommendation] = []
    for seed in range(12):
        random = np.random.default_rng(seed)
        models = {f"m{k:02d}": Work(seconds=float(random.lognormal(1, 0.5)), load_every=12) for k in range(20)}
        wrong += Performance().recommend(at_work(models, seed=seed), AdviceSettings()).recommendations
    assert len({(id(advice), advice.model) for advice in wrong}) <= 0.05 * 12 * 20


def test_what_costs_more_comes_first() -> None:
    """Among those that are as sure."""
    models = {"a": Work(slower=(24.0, 2.0)), "b": Work(seconds=100.0, slower=(24.0, 2.0))}
    found = told(at_work(models), Reason.SLOWER_THAN_BEFORE)
    assert [advice.model for advice in found] == ["b", "a"]


def short_of_memory(calls: int, *, days_ago: int = 0) -> UsageHistory:
    """Return a history in which one model ran out of memory in its last hours."""
    history = at_work({"large": Work(), "small": Work()})
    hour = history.first_hour + len(history.observed) - 1 - 24 * days_ago
    return replace(history, out_of_memory=(MemoryFailures("large", hour, calls),))


def test_a_model_that_runs_out_of_memory_is_found() -> None:
    """With what the failed calls took for nothing."""
    (advice,) = told(short_of_memory(30), Reason.OUT_OF_MEMORY)
    assert advice.model == "large"
    assert 0.01 < advice.evidence["share_low"] < advice.evidence["share_high"] < 0.2
    saved = advice.saving.seconds_per_day
    assert saved is not None
    assert within(advice, saved)
    assert "Offload" in advice.reason


def test_few_failures_of_memory_or_old_ones_are_not() -> None:
    """Two of some hundreds, a share of a hundredth, or eight days ago; without durations nothing is said of seconds."""
    assert told(short_of_memory(2), Reason.OUT_OF_MEMORY) == []
    assert told(short_of_memory(4), Reason.OUT_OF_MEMORY) == []
    assert told(short_of_memory(30, days_ago=8), Reason.OUT_OF_MEMORY) == []
    history = short_of_memory(30)
    untimed = replace(history, hourly=dataclasses.replace(history.hourly, timed=history.hourly.timed * 0))
    (advice,) = told(untimed, Reason.OUT_OF_MEMORY)
    assert advice.saving.seconds_per_day is None


def batched(*uses: tuple[float, int, float], days: int = 6) -> UsageHistory:
    """Return a history of (batch size, calls a day, seconds a call), each on its last days."""
    history = at_work({"m": Work()})
    last = int(history.end // 86_400)
    sums = [BatchUse("m", size, last - day, calls, calls * each) for size, calls, each in uses for day in range(days)]
    return replace(history, batches=tuple(sums))


def test_a_better_batch_size_that_is_in_use_is_found() -> None:
    """Four at once take twice as long as one: half the time of an item."""
    (advice,) = told(batched((1.0, 40, 2.0), (4.0, 5, 4.0)), Reason.BATCH_SIZE)
    assert (advice.evidence["best_batch_size"], advice.evidence["usual_batch_size"]) == (4.0, 1.0)
    assert advice.saving.seconds_per_day == pytest.approx(6 / 7 * 40 * 1.0)
    # Every day is alike, so that chance has nothing to vary.
    assert advice.evidence["seconds_per_day_low"] == pytest.approx(6 / 7 * 40)
    assert advice.evidence["seconds_per_day_high"] == pytest.approx(6 / 7 * 40)


def test_batch_sizes_that_are_alike_or_hardly_tried_are_not() -> None:
    """As long an item, one size, few calls, few days, and a gain for hardly any item."""
    assert told(batched((1.0, 40, 2.0), (4.0, 5, 8.0)), Reason.BATCH_SIZE) == []
    assert told(batched((1.0, 40, 2.0)), Reason.BATCH_SIZE) == []
    assert told(batched((1.0, 40, 2.0), (4.0, 1, 4.0)), Reason.BATCH_SIZE) == []
    assert told(batched((1.0, 40, 2.0), (4.0, 9, 4.0), days=2), Reason.BATCH_SIZE) == []
    assert told(batched((1.0, 1, 2.0), (4.0, 90, 4.0)), Reason.BATCH_SIZE) == []
