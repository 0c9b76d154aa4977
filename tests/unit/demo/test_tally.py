"""The program's own count."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genotel.demo.tally import Tally, quantile


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_quantile_is_one_of_the_values(values, ratio):
    """The same as numpy's by the inverted distribution function."""
    assert quantile(values, ratio) == np.quantile(values, ratio, method="inverted_cdf")


def test_calls_are_counted_by_model_and_in_all():
    """A refused and a failed call are calls too, without a picture."""
    tally = Tally(["a", "b"])
    assert (tally.p95(), tally.p95("a")) == (None, None)
    for name in ("a", "a", "a", "b"):
        tally.begin(name, waited=0.5)
    assert tally.running == 4
    tally.end("a", seconds=1.0, steps=10)
    tally.end("a", seconds=2.0, steps=10, refused=True)
    tally.end("a", seconds=0.1, steps=0, failed=True)
    assert (tally.calls, tally.failures, tally.running) == (3, 2, 1)
    tally.end("b", seconds=9.0, steps=5)
    assert (tally.p95("a"), tally.p95("b"), tally.p95()) == (2.0, 9.0, 9.0)
    assert [model.steps for model in tally.models.values()] == [20, 5]
    assert tally.models["a"].waited == [0.5, 0.5, 0.5]
