"""The backtest counts what it should, is the same every time, and never looks ahead."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from genotel.errors import InputError
from genotel.recommenders import preload_backtest
from genotel.recommenders.backtest import Backtest, backtest
from genotel.recommenders.replay import Objective
from genotel.recommenders.trace import Trace
from genotel.report.backtest_html import backtest_html
from genotel.report.backtest_json import backtest_json
from genotel.report.backtest_text import backtest_text
from traces import bursts, until


@cache
def result(days: int = 6) -> Backtest:
    """Return the backtest of a trace of six days, or of its beginning."""
    return backtest(until(bursts(days=6), days - 1), slots=[2, 4], horizons=[1, 2, 30], evaluate_from_day=3)


def test_every_policy_is_played_for_every_number_of_slots() -> None:
    """With a fraction of cold starts each; more room never makes LRU worse."""
    small, large = result().preload.capacities
    assert (small.slots, large.slots) == (2, 4)
    for capacity in (small, large):
        assert set(capacity.policies) >= {
            *("lru", "lfu", "greedy_dual", "keep_alive_10m", "threshold", "hybrid_histogram", "seasonal", "index"),
            *("auto", "clairvoyant"),
        }
        assert not [name for name in capacity.policies if name.startswith("clairvoyant_")]
        clairvoyant = capacity.policies["clairvoyant"].cold_start_fraction
        for cost in capacity.policies.values():
            assert clairvoyant <= cost.cold_start_fraction + 0.05
    assert large.policies["lru"].cold_start_fraction <= small.policies["lru"].cold_start_fraction


def test_days_add_up_to_the_whole() -> None:
    """Requests, cold starts and preloads of auto, day by day."""
    for capacity in result().preload.capacities:
        auto = capacity.policies["auto"]
        requests = sum(day.requests for day in capacity.daily)
        assert sum(day.cold_starts for day in capacity.daily) / requests == pytest.approx(auto.cold_start_fraction)
        assert sum(day.preloads for day in capacity.daily) / 3 == pytest.approx(auto.preloads_per_day)
        assert [day.date for day in capacity.daily] == ["2025-01-02", "2025-01-03", "2025-01-04"]


def test_preloads_stay_below_half_of_the_loads_of_lru() -> None:
    """The purse pays for no more, apart from what it held before the judging."""
    for capacity in result().preload.capacities:
        lru, auto = capacity.policies["lru"], capacity.policies["auto"]
        assert auto.preloads_per_day <= 0.48 * lru.demand_loads_per_day + 2 * capacity.slots


def test_a_longer_history_changes_no_day_that_was_there() -> None:
    """Neither later uses nor a model that comes on the last day."""
    for whole, cut in zip(result().preload.capacities, result(5).preload.capacities, strict=True):
        assert whole.daily[:2] == cut.daily
    asked = {
        (entry.horizon_days, said.model, said.cut): said.probability
        for entry in result().cleanup
        for said in entry.predictions
    }
    for entry in result(5).cleanup:
        for said in entry.predictions:
            assert asked[entry.horizon_days, said.model, said.cut] == said.probability


def test_the_same_past_gives_the_same_bytes() -> None:
    """In every format."""
    again = backtest(bursts(days=6), slots=[2, 4], horizons=[1, 2, 30], evaluate_from_day=3)
    for write in (backtest_json, backtest_text, backtest_html):
        assert write(again) == write(result())


def test_measured_loads_cost_seconds_and_free_ones_none() -> None:
    """Nothing else changes much."""
    trace = until(bursts(days=6), 3)
    free = backtest(trace, slots=[3], horizons=[1], evaluate_from_day=2, load_seconds=0.0)
    slow = backtest(trace, slots=[3], horizons=[1], evaluate_from_day=2)
    assert {cost.load_seconds for cost in free.preload.capacities[0].policies.values()} == {0.0}
    lru = slow.preload.capacities[0].policies["lru"]
    assert 10.0 < lru.load_seconds / (lru.demand_loads_per_day * 2) <= 30.0
    assert slow.has_measured_loads
    assert not backtest(bursts(days=3, load_seconds=None), slots=[3], evaluate_from_day=2).has_measured_loads


def test_cleanup_is_judged_only_where_the_outcome_is_known() -> None:
    """One and two days, but not thirty; the flags are counted."""
    assert [entry.horizon_days for entry in result().cleanup] == [1.0, 2.0]
    one = result().cleanup[0]
    assert one.n == len(one.predictions)
    assert one.high_wrong <= one.high_flags <= one.n
    assert sum(part.n for part in one.bins) == one.n
    assert one.base_rate == pytest.approx(np.mean([said.was_unused for said in one.predictions]))


def test_the_next_hour_is_judged_for_every_model_at_every_tick() -> None:
    """Of the judged days whose outcome is known."""
    known = result().preload.next_hour
    assert known is not None
    assert 2 * 144 * 10 < known.n <= 3 * 144 * 10
    assert known.auc is not None
    assert known.auc > 0.7


def test_without_slots_shares_of_the_models_are_taken() -> None:
    """Five, ten and twenty per cent of ten models are one and two."""
    short = backtest(until(bursts(), 1), evaluate_from_day=1, horizons=[30])
    assert [capacity.slots for capacity in short.preload.capacities] == [1, 2]
    assert short.cleanup == ()


def test_a_history_that_ends_before_the_judging_is_refused() -> None:
    """One line that says what to do."""
    with pytest.raises(InputError, match="holds 5 days and the judging begins after 7; give a longer history"):
        backtest(bursts())


def test_very_many_uses_of_a_day_look_at_the_forecast_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every use has a row that is not later than itself."""
    monkeypatch.setattr(preload_backtest, "_MOST_ROWS_A_DAY", 5)
    few = backtest(until(bursts(), 2), slots=[3], evaluate_from_day=1)
    assert few.preload.capacities[0].policies["auto"].cold_start_fraction < 1


def test_one_model_is_always_there() -> None:
    """No gap to close: one load at the very first use."""
    one = Trace(
        "one model",
        ["a"] * 400,
        np.arange(400) * 900.0,
        np.ones(400, dtype=bool),
        np.zeros(400, dtype=bool),
        [],
        np.zeros(0),
        np.zeros(0),
    )
    found = backtest(one, evaluate_from_day=1, horizons=[1])
    (capacity,) = found.preload.capacities
    assert capacity.gap_closed is None
    assert capacity.interval is None
    assert capacity.policies["lru"].cold_start_fraction == 0.0
    assert "no gap between LRU and clairvoyance" in backtest_text(found)
    assert '"gap_closed": null' in backtest_json(found)


def test_a_second_day_without_forecast_has_no_next_hour() -> None:
    """Two days, judged from the second on, nothing learned in time for one use only."""
    empty = np.zeros(2, dtype=bool)
    two = Trace("two uses", ["a", "b"], np.array([0.0, 86_400.0]), empty, empty, [], np.zeros(0), np.zeros(0))
    found = backtest(two, evaluate_from_day=1, horizons=[1])
    assert found.preload.next_hour is None
    assert "too little history" in backtest_text(found)
    assert '"next_hour": null' in backtest_json(found)
    assert "too little history" in backtest_html(found)


def test_text_lines_are_short_and_html_is_whole() -> None:
    """A page of its own that loads nothing, with a plot for each number of slots."""
    assert max(map(len, backtest_text(result()).splitlines())) <= 110
    page = backtest_html(result())
    assert page.startswith("<!doctype html>")
    assert "http" not in page
    assert page.count("<svg") == 2 + 1 + 2
    for before, after in pairwise(["<h1>", "<h2>Room for 2", "<h2>Room for 4", "<h2>Use in the next hour", "</html>"]):
        assert page.index(before) < page.index(after)


def sized() -> Trace:
    """Return five days of a trace with models of one to ten gigabytes; larger ones take longer to load."""
    trace = bursts(days=5, load_seconds=20.0)
    sizes = {name: 1e9 * (1 + place) for place, name in enumerate(sorted(set(trace.model)))}
    seconds = np.array([5.0 * sizes[name] / 1e9 for name in trace.load_model])
    return replace(trace, size_bytes=sizes, load_seconds=seconds)


@cache
def in_bytes(objective: Objective = Objective.COLD_STARTS, days: int = 5) -> Backtest:
    """Return a backtest with room for so many bytes."""
    trace = replace(until(sized(), days - 1), size_bytes=sized().size_bytes)
    return backtest(
        trace,
        memory_bytes=[8_000_000_000, 20_000_000_000],
        objective=objective,
        horizons=[],
        evaluate_from_day=2,
    )


def test_memory_may_be_bytes() -> None:
    """Every policy is played for each size, more room never makes LRU worse, and the reports say bytes."""
    small, large = in_bytes().preload.capacities
    assert (small.slots, small.memory_bytes) == (None, 8_000_000_000)
    assert large.policies["lru"].cold_start_fraction <= small.policies["lru"].cold_start_fraction
    for capacity in (small, large):
        clairvoyant = capacity.policies["clairvoyant"].cold_start_fraction
        assert all(clairvoyant <= cost.cold_start_fraction + 0.05 for cost in capacity.policies.values())
    assert "Room for 8.00 GB of models" in backtest_text(in_bytes())
    assert "Room for 8.00 GB of models" in backtest_html(in_bytes())
    assert '"memory_bytes": 8000000000' in backtest_json(in_bytes())


def test_the_objective_may_be_seconds() -> None:
    """Then auto is judged by what uses waited, and says so."""
    result = in_bytes(Objective.LOAD_SECONDS)
    for capacity in result.preload.capacities:
        lru, auto, best = (capacity.policies[name].load_seconds for name in ("lru", "auto", "clairvoyant"))
        assert capacity.gap_closed == pytest.approx((lru - auto) / (lru - best))
    assert "judged by seconds waited" in backtest_text(result)
    assert '"objective": "load-seconds"' in backtest_json(result)


def test_with_bytes_a_longer_history_changes_no_day_either() -> None:
    """Nothing looks ahead."""
    longer, shorter = in_bytes().preload.capacities, in_bytes(days=4).preload.capacities
    for long, short in zip(longer, shorter, strict=True):
        assert long.daily[: len(short.daily) - 1] == short.daily[:-1]


def test_bytes_need_sizes_and_seconds_need_loads() -> None:
    """One line says what to give instead."""
    with pytest.raises(InputError, match="knows no size of any model; give --slots"):
        backtest(bursts(days=6), memory_bytes=[10**9], evaluate_from_day=3)
    with pytest.raises(InputError, match="knows no load that takes time"):
        backtest(bursts(days=6, load_seconds=None), slots=[2], objective=Objective.LOAD_SECONDS, evaluate_from_day=3)


def test_a_model_of_unknown_size_counts_as_the_median() -> None:
    """It is said of how many the size is known."""
    trace = until(sized(), 1)
    few = replace(trace, size_bytes=dict(list(sized().size_bytes.items())[:3]))
    assert backtest(few, memory_bytes=[10**10], horizons=[], evaluate_from_day=1).sizes_known == 3
