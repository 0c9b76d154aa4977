"""Single uses in the order of time, and what can be looked up in them."""

from __future__ import annotations

import numpy as np

from genotel.analysis.use_times import NEVER, use_times

DAY = 86_400.0


def test_uses_are_sorted_and_models_numbered_by_their_first_use() -> None:
    """Second 0 is the midnight before the first use."""
    uses = use_times(["b", "a", "b"], np.array([3 * DAY + 20, 3 * DAY + 10, 4 * DAY + 5]))
    assert uses.names == ("a", "b")
    assert uses.midnight == 3 * DAY
    assert uses.time.round(3).tolist() == [10.0, 20.0, DAY + 5]
    assert uses.model.tolist() == [0, 1, 1]
    assert uses.order.tolist() == [1, 0, 2]
    assert uses.days == 2
    assert [uses.slice_of(day) for day in (0, 1)] == [slice(0, 2), slice(2, 3)]


def test_lookups_see_what_was_before_a_moment() -> None:
    """Counts, the last and the next use, and who is known."""
    uses = use_times(["a", "b", "a"], np.array([10.0, 20.0, 30.0]))
    counts = uses.counts(np.array([5.0, 15.0, 40.0]), 2)
    assert counts.tolist() == [[0, 0], [1, 0], [2, 1]]
    assert uses.last(counts).tolist() == [[-1, -1], [0, -1], [1, 2]]
    assert uses.next(counts).round(3).tolist() == [[10.0, 20.0], [30.0, 20.0], [np.inf, np.inf]]
    assert [uses.known_before(moment) for moment in (0.0, 15.0, 25.0)] == [0, 1, 2]
    assert uses.following.round(3).tolist() == [30.0, NEVER, NEVER]


def test_uses_of_one_moment_keep_their_order_and_their_day() -> None:
    """Ties are broken, but nothing is pushed over midnight."""
    uses = use_times(["a", "b"] * 3, np.full(6, DAY - 1e-9))
    assert uses.days == 1
    assert uses.model.tolist() == [0, 1] * 3


def test_no_use_at_all_is_no_day() -> None:
    """An empty list of events."""
    uses = use_times([], np.zeros(0))
    assert (uses.names, uses.days) == ((), 0)
