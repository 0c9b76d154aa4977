"""Idle is a model only while somebody was looking."""

from __future__ import annotations

import numpy as np
import pytest

from genotel.analysis import idleness
from histories import EPOCH_DAY, history


def test_idle_time_counts_from_the_last_use_or_from_being_seen_first() -> None:
    """A model that was never used is idle since it is known."""
    known = history({"new": [], "used": [0, 3]}, days=10, first_seen={"new": 4})
    assert idleness.days_since_last_use(known) == pytest.approx([6.0, 6.5], abs=1e-4)
    assert idleness.days_certainly_idle(known) == pytest.approx([6.0, 6.5], abs=1e-4)


def test_a_day_that_nobody_watched_ends_what_is_certain() -> None:
    """After the hidden day 8 there is one day left."""
    known = history({"busy": [9], "idle": [0]}, days=10, hidden=[2, 8])
    assert idleness.days_since_last_use(known) == pytest.approx([0.5, 9.5], abs=1e-4)
    assert idleness.days_certainly_idle(known) == pytest.approx([0.5, 1.0], abs=1e-4)
    today = history({"idle": [0]}, days=10, hidden=[9])
    assert idleness.days_certainly_idle(today).tolist() == [0.0]


def test_use_days_are_counted_once() -> None:
    """Ten calls on a day are one day of use."""
    model, day = idleness.use_days(history({"a": [1, 1, 1, 4], "b": [4]}, days=6))
    assert model.tolist() == [0, 0, 1]
    assert (day - EPOCH_DAY).tolist() == [1, 4, 4]


def test_shares_and_rates_count_from_the_day_that_a_model_was_seen_first() -> None:
    """A model that came late is not called rare; hidden days may hold a use."""
    known = history({"late": [8, 9], "old": [0, 0, 5]}, days=10, hidden=[6])
    assert idleness.active_share(known).tolist() == [1.0, 0.2]
    assert idleness.days_known(known) == pytest.approx([2.0, 10.0], abs=1e-4)
    assert idleness.possible_uses_per_day(known) == pytest.approx([1.0, 0.4], abs=1e-4)


def test_peak_hours_hold_twice_their_share() -> None:
    """A flat day has none; office hours are found in any week."""
    assert idleness.peak_hours(np.ones(24, dtype=np.int64), np.arange(24)) == ()
    assert idleness.peak_hours(np.ones(14, dtype=np.int64), np.arange(14) // 2 * 24 + 9 + np.arange(14) % 2) == (9, 10)
    assert idleness.peak_hours(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)) == ()
