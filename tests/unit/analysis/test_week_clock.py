"""The clock runs as fast as there is use, and as any other where that is not known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.analysis import recalibration
from genotel.analysis.recalibration import recalibrated_probability
from genotel.analysis.week_clock import DAYS_PER_WEEK, WeekClock, week_clock
from histories import history

EVEN = [1.0] * DAYS_PER_WEEK


def clock(counts: list[float], hidden: tuple[int, ...] = ()) -> WeekClock:
    """Return the clock of a history with these numbers of models in use."""
    is_known = np.ones(len(counts), dtype=bool)
    is_known[list(hidden)] = False
    return week_clock(np.array(counts), is_known)


def test_it_learns_the_week() -> None:
    """Weekends of half the use make it half as slow; a trend is no weekday."""
    pace = clock([100.0 + 2 * day if day % 7 < 5 else 50.0 + day for day in range(70)]).pace
    assert pace[5] / pace[0] == pytest.approx(0.5, abs=0.05)
    assert pace[6] / pace[4] == pytest.approx(0.5, abs=0.05)
    assert pace.mean() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ([], ()),
        ([5.0] * 7, ()),
        ([9.0] * 5 + [1.0] * 2, ()),
        ([0.0] * 30, ()),
        ([9.0, 9, 9, 9, 9, 1, 1] * 2, range(2, 14)),
    ],
)
def test_before_a_week_came_again_it_is_even(counts: list[float], hidden: tuple[int, ...]) -> None:
    """One weekend may be anything; days that nobody watched tell nothing."""
    assert clock(counts, tuple(hidden)).pace.tolist() == EVEN


def test_few_uses_move_it_little() -> None:
    """Chance is not a week."""
    assert np.abs(clock([2.0, 1, 2, 3, 1, 2, 2] * 2).pace - 1).max() < 0.5
    assert np.abs(clock([1e6] * 28).pace - 1).max() < 1e-6


@given(st.lists(st.floats(0.01, 1e5), min_size=0, max_size=40))
def test_it_never_stands_still(counts: list[float]) -> None:
    """Later is later, and a week is a week."""
    told = clock(counts)
    shown = told.at(np.linspace(0, 21, 200))
    assert np.all(np.diff(shown) > 0)
    assert told.at(np.array([14.0]))[0] == pytest.approx(14.0)


def test_before_a_weekend_more_stays_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty models of working days, on a Friday night: an even clock would expect uses."""
    weekdays = [day for day in range(54) if day % 7 < 5]
    uses = {f"m{number:02d}": [day for day in weekdays if (day + number) % 2] for number in range(40)}
    friday = recalibrated_probability(history(uses, days=54), 2.0)
    monkeypatch.setattr(recalibration, "week_clock", lambda *_figures: WeekClock(np.array(EVEN)))
    assert friday.min() > recalibrated_probability(history(uses, days=54), 2.0).max() + 0.2
