"""How many calls are expected, and the band around it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genotel.analysis.count_bands import next_day_bands, next_hour_bands
from genotel.analysis.forecast import UseForecast, forecast_use
from histories import history


def sure(chance: float, count: int = 1) -> UseForecast:
    """Return a forecast of the same chance for the hour and the day."""
    chances = np.full(count, chance)
    return UseForecast(chances, chances, np.full(count, np.nan))


def test_a_model_used_every_day_alike_is_expected_to_go_on() -> None:
    """Three calls a day at noon: three in the next 24 hours, none in the next one at midnight."""
    known = history({"sdxl": list(range(30)) * 3}, days=30)
    day = next_day_bands(known, sure(1.0), [0])
    assert (day.level[0], day.lower[0], day.upper[0], day.naive[0]) == (3.0, 3.0, 3.0, 3.0)
    hour = next_hour_bands(known, sure(0.01), [0])
    assert hour.level[0] == pytest.approx(0.03)
    assert (hour.lower[0], hour.upper[0], hour.naive[0]) == (0.0, 0.0, 0.0)


def test_a_use_that_is_not_sure_widens_the_band_to_nothing() -> None:
    """One in five chances of none reaches below, one in twenty does not."""
    known = history({"sdxl": list(range(30)) * 3}, days=30)
    assert next_day_bands(known, sure(0.8), [0]).lower[0] == 0.0
    assert next_day_bands(known, sure(0.97), [0]).lower[0] == 3.0


def test_a_model_without_a_use_is_expected_to_be_used_once_if_at_all() -> None:
    """There is nothing else to go by."""
    known = history({"new": [], "sdxl": [0]}, days=3)
    bands = next_day_bands(known, sure(0.5, 2), [0])
    assert (bands.level[0], bands.lower[0], bands.upper[0]) == (0.5, 0.0, 1.0)


def test_a_history_shorter_than_a_day_has_no_day_before() -> None:
    """What cannot be compared is 0, and nothing fails."""
    known = history({"a": [0]}, days=1)
    assert next_hour_bands(known, sure(0.5), [0]).naive[0] == 0.0
    assert next_day_bands(known, sure(0.5), [0]).level[0] > 0


@given(
    uses=st.lists(st.integers(0, 19), max_size=60),
    chance=st.floats(0.0001, 0.9999),
    days=st.integers(1, 20),
)
@settings(max_examples=60, deadline=None)
def test_a_band_holds_its_order_and_whole_numbers(uses: list[int], chance: float, days: int) -> None:
    """Nothing below nothing; the ends are counts."""
    known = history({"a": [day for day in uses if day < days]}, days=days)
    for bands in (next_hour_bands(known, sure(chance), [0]), next_day_bands(known, sure(chance), [0])):
        assert 0.0 <= bands.lower[0] <= bands.upper[0]
        assert bands.level[0] >= 0.0
        assert bands.lower[0] == int(bands.lower[0])
        assert bands.upper[0] == int(bands.upper[0])


def test_four_in_five_outcomes_fall_into_the_band() -> None:
    """Of Poisson counts, as was meant; more of them, since counts are whole."""
    random = np.random.default_rng(5)
    inside = total = 0
    for _ in range(40):
        counts = random.poisson(4.0, 31)
        uses = [day for day in range(30) for _ in range(counts[day])]
        known = history({"a": uses, "b": list(range(30))}, days=30)
        bands = next_day_bands(known, forecast_use(known), [0])
        inside += int(bands.lower[0] <= counts[30] <= bands.upper[0])
        total += 1
    assert inside / total >= 0.8
