"""Success rates at small numbers."""

from __future__ import annotations

import numpy as np
import pytest

from genotel.analysis.success import probability_below, wilson_interval


def test_the_wilson_interval_agrees_with_published_values() -> None:
    """Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3."""
    low, high = wilson_interval(np.array([81.0, 15.0, 0.0, 1.0]), np.array([263.0, 148.0, 20.0, 29.0]))
    assert low == pytest.approx([0.2553, 0.0624, 0.0, 0.0061], abs=5e-5)
    assert high == pytest.approx([0.3662, 0.1605, 0.1611, 0.1718], abs=5e-5)


def test_no_calls_tell_nothing() -> None:
    """The interval of nothing is everything."""
    low, high = wilson_interval(np.array([0.0]), np.array([0.0]))
    assert (low[0], high[0]) == (0.0, 1.0)


def test_the_probability_of_a_low_rate_goes_with_the_evidence() -> None:
    """Half of the calls is even odds; ten failures in a row leave no doubt; the limits are the limits."""
    assert probability_below(0.5, 10, 20) == pytest.approx(0.5, abs=1e-6)
    assert probability_below(0.5, 0, 10) > 0.999
    assert probability_below(0.5, 10, 10) < 0.001
    # Beta(1/2, 7/2) below one half in closed form: (5/16 π/4 + 15/64 - 1/192) / (5π/32).
    assert probability_below(0.5, 0, 3) == pytest.approx(0.96685, abs=1e-4)
