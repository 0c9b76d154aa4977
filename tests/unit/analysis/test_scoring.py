"""How good probabilities were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.analysis.scoring import (
    area_under_curve,
    brier_score,
    recall_at_precision,
    reliability_bins,
    reliability_error,
)

CASES = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=30)


@given(cases=CASES)
def test_the_area_is_the_share_of_pairs_in_the_right_order(cases: list[tuple[float, bool]]) -> None:
    """By counting every pair; ties count half."""
    said, came = np.array([case[0] for case in cases]), np.array([case[1] for case in cases])
    pairs = [(yes > no) + 0.5 * (yes == no) for yes in said[came] for no in said[~came]]
    area = area_under_curve(said, came)
    assert (area is None) == (not pairs)
    if area is not None:
        assert area == pytest.approx(np.mean(pairs))


@given(cases=CASES)
def test_bins_hold_every_case_once(cases: list[tuple[float, bool]]) -> None:
    """And the error lies between 0 and 1."""
    said, came = np.array([case[0] for case in cases]), np.array([case[1] for case in cases])
    bins = reliability_bins(said, came)
    assert sum(part.n for part in bins) == len(cases)
    assert 0.0 <= reliability_error(bins) <= 1.0
    assert 0.0 <= brier_score(said, came) <= 1.0
    assert 0.0 <= recall_at_precision(said, came, 0.95) <= 1.0


def test_recall_counts_equal_probabilities_together() -> None:
    """A flag cannot tell the right one of two that look alike."""
    said, came = np.array([0.9, 0.9, 0.5]), np.array([True, False, True])
    assert recall_at_precision(said, came, 0.95) == 0.0
    assert recall_at_precision(said, came, 0.6) == 1.0
    assert recall_at_precision(said, np.zeros(3, dtype=bool), 0.5) == 0.0
