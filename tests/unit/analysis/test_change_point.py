"""Rises are found where they are, and chance is not taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from genotel.analysis.change_point import MINIMUM_DAYS, rise


def noisy(seed: int, *, days: int = 28, at: int | None = None, ratio: float = 1.0) -> tuple[np.ndarray, ...]:
    """Return values, weights and hours with days that differ and a rhythm of the day."""
    random = np.random.default_rng(seed)
    hours = np.flatnonzero(random.random(days * 24) < 0.5)
    level = 0.2 * random.standard_normal(len(hours)) + 0.1 * random.standard_normal(days)[hours // 24]
    level += 0.3 * np.sin(2 * np.pi * (hours % 24) / 24)
    if at is not None:
        level += np.where(hours >= at, np.log(ratio), 0.0)
    return np.exp(level), np.ones(len(hours)), hours


def test_a_rise_is_found_where_it_is() -> None:
    """Its hour and its size lie in their intervals in at least nine of ten series."""
    inside = np.zeros(2)
    for seed in range(30):
        found = rise(*noisy(seed, at=24 * 24, ratio=1.6))
        assert found is not None
        assert found.p_value <= 0.01
        inside += (found.ratios[0] <= 1.6 <= found.ratios[1], found.hours[0] <= 24 * 24 + 3 <= found.hours[1] + 6)
    assert inside.min() >= 27


def test_chance_is_seldom_taken_for_a_rise() -> None:
    """One in a hundred at a hundredth; days that differ and a rhythm are no rise."""
    found = [rise(*noisy(seed)) for seed in range(200)]
    assert sum(entry is not None and entry.p_value <= 0.01 for entry in found) <= 6


def test_a_fall_is_no_rise() -> None:
    """Faster is well."""
    assert rise(*noisy(0, at=24 * 24, ratio=0.4)) is None


def test_too_little_says_nothing() -> None:
    """Few days, or few hours on many days."""
    hours = np.arange(24 * (MINIMUM_DAYS - 1))
    assert rise(1.0 + hours, np.ones(len(hours)), hours) is None
    few = np.arange(10) * 24
    assert rise(1.0 + few, np.ones(10), few) is None


def test_without_noise_it_is_certain() -> None:
    """A level that doubles in an hour, to the hour."""
    hours = np.arange(24 * 20)
    found = rise(np.where(hours < 24 * 15 + 7, 3.0, 6.0), np.ones(len(hours)), hours)
    assert found is not None
    assert (found.hour, found.hours) == (24 * 15 + 7, (24 * 15 + 7, 24 * 15 + 7))
    assert found.ratio == pytest.approx(2.0)
    assert found.ratios == (pytest.approx(2.0), pytest.approx(2.0))


def test_a_rise_below_the_least_is_none() -> None:
    """However certain it is."""
    hours = np.arange(24 * 20)
    values = np.where(hours < 24 * 15, 1.0, 1.05)
    assert rise(values, np.ones(len(hours)), hours) is None
    assert rise(values, np.ones(len(hours)), hours, least_ratio=1.01) is not None


def test_weights_count() -> None:
    """Hours of many calls outweigh those of one."""
    hours = np.arange(24 * 20)
    values = np.where(hours % 2, np.where(hours < 24 * 15, 1.0, 2.0), 1.0)
    heavy = rise(values, np.where(hours % 2, 1.0, 1e-6), hours)
    assert heavy is not None
    assert heavy.ratio == pytest.approx(2.0, rel=1e-4)


def test_the_same_series_gives_the_same_answer() -> None:
    """To the last digit."""
    assert rise(*noisy(3, at=24 * 24, ratio=1.6)) == rise(*noisy(3, at=24 * 24, ratio=1.6))
