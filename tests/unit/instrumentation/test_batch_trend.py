"""A trend is told where there is one, and only there."""

from __future__ import annotations

import random
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.instrumentation.batch_trend import LEAST_POINTS, MOST_POINTS, group_means, group_rates, trend_of

SECONDS = [float(number) for number in range(60)]


def noise(seed: int, count: int = 60) -> list[float]:
    """Return independent values without a trend."""
    numbers = random.Random(seed)
    return [numbers.lognormvariate(0, 1) for _ in range(count)]


def test_a_line_is_a_trend_with_its_slope() -> None:
    """Per hour, with an interval that is a point."""
    trend = trend_of(SECONDS, [3.0 - second / 3600 for second in SECONDS])
    assert trend.direction == "decreasing"
    assert trend.slope_per_hour == pytest.approx(-1.0)
    assert trend.interval == pytest.approx((-1.0, -1.0))
    assert trend.p_value < 1e-9


def test_noise_is_no_trend() -> None:
    """Of 300 windows some three are allowed to look like one: that is what the test promises."""
    found = [trend_of(SECONDS, noise(seed)).direction != "no trend" for seed in range(300)]
    assert sum(found) <= 8


def test_a_trend_under_noise_is_found_and_its_interval_holds_it() -> None:
    """Nearly always: 95 % is what the interval promises."""
    held = found = 0
    for seed in range(100):
        values = [0.05 * second + value for second, value in zip(SECONDS, noise(seed), strict=True)]
        trend = trend_of(SECONDS, values)
        low, high = trend.interval
        held += low <= 180.0 <= high
        found += trend.direction == "increasing"
    assert found >= 95
    assert held >= 90


def test_an_outlier_changes_little() -> None:
    """Where a least-squares line would be carried away."""
    values = [second / 3600 for second in SECONDS]
    values[50] = 1e6
    assert trend_of(SECONDS, values).slope_per_hour == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize(
    ("moments", "values"),
    [(SECONDS[: LEAST_POINTS - 1], SECONDS[: LEAST_POINTS - 1]), ([], []), ([5.0] * 20, SECONDS[:20])],
)
def test_too_little_says_nothing(moments: list[float], values: list[float]) -> None:
    """Too few points, or all of them at one moment."""
    trend = trend_of(moments, values)
    assert (trend.direction, trend.slope_per_hour, trend.interval, trend.p_value) == ("no trend", None, None, None)


def test_equal_values_are_no_trend() -> None:
    """The test has no spread then; the slope is known all the same."""
    trend = trend_of(SECONDS, [4.0] * 60)
    assert (trend.direction, trend.slope_per_hour, trend.p_value) == ("no trend", 0.0, 1.0)
    assert trend.as_dict()["points"] == 60


@given(st.lists(st.floats(0, 100), min_size=LEAST_POINTS, max_size=40), st.floats(0.01, 100))
def test_turning_the_values_round_turns_the_trend_round(values: list[float], factor: float) -> None:
    """And scaling them scales the slope; the chance stays what it was."""
    moments = SECONDS[: len(values)]
    trend = trend_of(moments, values)
    turned = trend_of(moments, [-value for value in values])
    opposite = {"increasing": "decreasing", "decreasing": "increasing", "no trend": "no trend"}
    assert turned.direction == opposite[trend.direction]
    assert turned.p_value == trend.p_value
    assert turned.slope_per_hour == pytest.approx(-trend.slope_per_hour)
    assert 0 <= trend.p_value <= 1
    assert trend.interval[0] <= trend.slope_per_hour <= trend.interval[1]


@given(st.lists(st.floats(0, 1e3), max_size=500))
def test_groups_are_few_and_keep_the_mean(values: list[float]) -> None:
    """Equal parts of the window, as long as they divide it."""
    moments = [float(number) for number in range(len(values))]
    times, means = group_means(moments, values)
    assert len(times) == min(MOST_POINTS, len(values))
    assert times == sorted(times)
    if values and len(values) % MOST_POINTS == 0:
        assert sum(means) / len(means) == pytest.approx(sum(values) / len(values))


def test_groups_leave_the_unknown_out() -> None:
    """A window of unknown figures has no groups."""
    assert group_means([1.0, 2.0], [nan, nan]) == ([], [])


@given(st.lists(st.tuples(st.floats(0.001, 10), st.integers(0, 50)), min_size=1, max_size=400))
def test_rates_account_for_everything(steps: list[tuple[float, int]]) -> None:
    """Rate times time, over all groups, is what was done."""
    moments, moment = [], 0.0
    for step, _ in steps:
        moment += step
        moments.append(moment)
    times, rates = group_rates(moments, [amount for _, amount in steps], 0.0)
    done = sum(rate * (end - begin) for rate, begin, end in zip(rates, [0.0, *times], times, strict=False))
    assert done == pytest.approx(sum(amount for _, amount in steps))


def test_batches_that_end_at_one_moment_have_no_infinite_rate() -> None:
    """They count with the group after them."""
    assert group_rates([1.0, 1.0, 2.0], [5, 5, 5], begin=0.0) == ([1.0, 2.0], [5.0, 10.0])
    assert group_rates([1.0], [5], begin=1.0) == ([], [])
