"""One value against the others of its kind."""

from __future__ import annotations

import numpy as np

from genotel.analysis.outliers import chance_above_peers, upper_tail


def test_the_tail_is_student_s() -> None:
    """Quantiles of the printed tables."""
    for degrees, t, chance in ((2, 2.920, 0.05), (5, 3.365, 0.01), (30, 1.697, 0.05), (5, -2.015, 0.95)):
        assert abs(float(upper_tail(np.array([t]), degrees)[0]) - chance) < 2e-4


def test_chances_are_even_where_all_are_alike() -> None:
    """One in a hundred values has a chance below a hundredth."""
    random = np.random.default_rng(0)
    chances = np.concatenate([chance_above_peers(random.standard_normal(6)) for _ in range(3000)])
    assert 0.007 < np.mean(chances < 0.01) < 0.013
    assert 0.46 < np.mean(chances < 0.5) < 0.54


def test_few_others_say_nothing() -> None:
    """Two others have no spread to speak of."""
    assert chance_above_peers(np.array([0.0, 0.1, 99.0])).tolist() == [1.0, 1.0, 1.0]
    assert chance_above_peers(np.zeros(0)).shape == (0,)


def test_equal_others_are_no_error() -> None:
    """What is equal to them is even, what is not stands out."""
    assert chance_above_peers(np.array([1.0, 1.0, 1.0, 1.0, 2.0])).round(6).tolist()[-1] == 0.0
