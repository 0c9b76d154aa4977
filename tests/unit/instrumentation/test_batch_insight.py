"""Scores stay within their range and mean what they say."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genotel.instrumentation.batch_figures import Record, columns_of
from genotel.instrumentation.batch_insight import comprehend, gauge_figures
from genotel.instrumentation.batch_state import EVERYTHING, Interval, state_of
from genotel.instrumentation.batch_window import BatchWindow

ADDED = {
    "avg_throughput",
    "efficiency_score",
    "stability_index",
    "utilization",
    "load_distribution",
    "performance_trend",
    "throughput_trend",
    "error_trend",
    "recommended_capacity",
    "bottlenecks",
}


def window_of(*records: Record, size: int = 1000) -> BatchWindow:
    """Return a window of these batches."""
    window = BatchWindow(size)
    if records:
        window.enter(columns_of(records))
    return window


def insight(*records: Record, workers: int = 1, interval: Interval = EVERYTHING) -> dict[str, Any]:
    """Return the comprehensive statistics of these batches."""
    return comprehend(state_of(window_of(*records)), interval, workers=workers, target_wait_seconds=1.0)


def batch(work: float = 1.0, size: int = 8, wait: float = 0.0, *, error: bool = False, end: float = 1.0) -> Record:
    """Return the record of a batch."""
    return (work, size, wait, None, None, error, end)


def test_ten_keys_come_to_the_thirty() -> None:
    """With or without batches."""
    assert len(insight()) == len(insight(batch())) == 40
    assert set(insight()) >= ADDED


def test_of_nothing_nothing_is_known() -> None:
    """Absent is None; there is no load, no trend and no bottleneck."""
    found = insight()
    assert [found[key] for key in ("avg_throughput", "efficiency_score", "stability_index", "utilization")] == [
        None
    ] * 4
    assert (found["load_distribution"], found["bottlenecks"], found["recommended_capacity"]) == ({}, [], None)
    assert found["error_trend"]["direction"] == "no trend"


milliseconds = st.integers(0, 10**7).map(lambda number: number / 1000)
records = st.lists(
    st.builds(batch, milliseconds, st.integers(0, 100), milliseconds, error=st.booleans(), end=milliseconds),
    min_size=1,
    max_size=60,
)


@settings(max_examples=50)
@given(records, st.integers(1, 10))
def test_ranges(given_records: list[Record], workers: int) -> None:
    """Whatever the window."""
    found = insight(*given_records, workers=workers)
    for key in ("efficiency_score", "stability_index", "utilization"):
        assert found[key] is None or 0 <= found[key] <= 1, key
    shares = found["load_distribution"].values()
    assert sum(share["batches"] for share in shares) == pytest.approx(1)
    if found["total_processed"]:
        assert sum(share["items"] for share in shares) == pytest.approx(1)
    capacity = found["recommended_capacity"]
    if capacity is not None:
        assert capacity["workers"] >= 1
        assert capacity["expected_wait_seconds"] <= 1.0
        assert 0 < capacity["utilization"] < 1


@settings(max_examples=50)
@given(records, st.sampled_from([0.01, 0.5, 60.0]))
def test_scores_do_not_depend_on_the_unit_of_time(given_records: list[Record], factor: float) -> None:
    """Seconds or minutes: efficiency, stability and utilization are ratios."""
    scaled = [
        batch(work * factor, size, wait * factor, error=error, end=end * factor)
        for work, size, wait, _, _, error, end in given_records
    ]
    one, other = insight(*given_records), insight(*scaled)
    for key in ("efficiency_score", "stability_index", "utilization"):
        assert one[key] == (None if other[key] is None else pytest.approx(other[key], rel=1e-6)), key


def test_efficiency_is_one_without_wait_and_failure_and_falls_with_either() -> None:
    """Work over latency, times the share that did not fail."""
    assert insight(batch(), batch())["efficiency_score"] == 1.0
    assert insight(batch(1.0, wait=3.0))["efficiency_score"] == 0.25
    assert insight(batch(), batch(error=True))["efficiency_score"] == 0.5
    assert insight(batch(0.0))["efficiency_score"] is None


def test_stability_is_one_for_equal_times_and_a_half_for_random_ones() -> None:
    """As the formula of Pollaczek and Khinchine has it."""
    numbers = random.Random(2)
    assert insight(*[batch(3.0)] * 10)["stability_index"] == 1.0
    assert insight(*(batch(numbers.expovariate(1)) for _ in range(1000)))["stability_index"] == pytest.approx(
        0.5, abs=0.03
    )
    assert insight(batch())["stability_index"] is None
    assert insight(batch(0.0), batch(0.0))["stability_index"] is None


def test_utilization_counts_the_work_that_lies_in_the_window() -> None:
    """Of a long batch only the part since the beginning; of two workers each."""
    assert insight(batch(1.0, end=1.0), batch(1.0, end=4.0))["utilization"] == 0.5
    assert insight(batch(1.0, end=1.0), batch(1.0, end=4.0), workers=2)["utilization"] == 0.25
    assert insight(batch(100.0, end=4.0), interval=Interval(2.0, 6.0))["utilization"] == 0.5
    assert insight(*[batch(4.0, end=4.0)] * 3)["utilization"] == 1.0


def test_the_load_is_told_by_classes_of_size() -> None:
    """Powers of two; empty batches are a class of their own."""
    found = insight(*(batch(size=size) for size in (0, 1, 2, 3, 4, 5, 8, 9, 100)))["load_distribution"]
    assert [*found] == ["0", "1", "2", "3-4", "5-8", "9-16", "65-128"]
    assert found["3-4"] == {"batches": pytest.approx(2 / 9), "items": pytest.approx(7 / 132)}
    assert insight(batch(size=0))["load_distribution"] == {"0": {"batches": 1.0, "items": 0.0}}


def test_trends_are_seen_in_each_figure() -> None:
    """Batches that take longer and longer, come less and less often, and fail more and more."""
    worse = [
        batch(1 + number / 100, error=number > 150 and number % 2 == 0, end=float(number**2) + 2)
        for number in range(300)
    ]
    found = insight(*worse)
    assert found["performance_trend"]["direction"] == "increasing"
    assert found["throughput_trend"]["direction"] == "decreasing"
    assert found["error_trend"]["direction"] == "increasing"
    steady = insight(*(batch(end=float(number)) for number in range(300)))
    assert {steady[f"{name}_trend"]["direction"] for name in ("performance", "throughput", "error")} == {"no trend"}


def test_capacity_comes_from_arrivals_and_times_of_work() -> None:
    """Ten arrivals a second of half a second's work need at least five workers, and one more for the wait."""
    numbers = random.Random(1)
    arrival, given_records = 0.0, []
    for _ in range(1000):
        arrival += numbers.expovariate(10)
        wait = numbers.random()
        given_records.append(batch(0.5, wait=wait, end=arrival + wait + 0.5))
    capacity = insight(*given_records)["recommended_capacity"]
    assert capacity["arrival_rate"] == pytest.approx(10.0, rel=0.1)
    assert capacity["service_seconds"] == 0.5
    assert capacity["workers"] == 6
    assert capacity["target_wait_seconds"] == 1.0


@pytest.mark.parametrize(
    "given_records",
    [
        [batch(end=float(number)) for number in range(19)],
        [batch(0.0, end=float(number)) for number in range(50)],
        [batch(1.0, end=5.0)] * 50,
    ],
    ids=["few", "no work", "one moment"],
)
def test_no_capacity_without_a_rate(given_records: list[Record]) -> None:
    """Unknown is None."""
    assert insight(*given_records)["recommended_capacity"] is None


def test_average_throughput_reaches_back_to_the_beginning() -> None:
    """Also to batches that have left the window."""
    window = window_of(*(batch(1.0, 10, end=float(second)) for second in range(1, 101)), size=10)
    found = comprehend(state_of(window), EVERYTHING, workers=1, target_wait_seconds=1.0)
    assert (found["avg_throughput"], found["throughput"]) == (10.0, 10.0)
    window.enter(columns_of([batch(1.0, 10, end=200.0)]))
    found = comprehend(state_of(window), EVERYTHING, workers=1, target_wait_seconds=1.0)
    assert found["avg_throughput"] == 1010 / 200
    assert insight(batch(0.0))["avg_throughput"] is None


def test_gauges_leave_the_unknown_out() -> None:
    """One batch has no stability; none has nothing."""
    one = gauge_figures(state_of(window_of(batch())), EVERYTHING, workers=1)
    assert one == {"throughput": 8.0, "peak_throughput": 8.0, "efficiency_score": 1.0, "utilization": 1.0}
    assert gauge_figures(state_of(window_of()), EVERYTHING, workers=1) == {}
