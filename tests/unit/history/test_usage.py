"""The history that every analysis works on checks itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from genotel.history.hourly import HourTable
from genotel.history.usage import empty_history
from histories import EPOCH_DAY, history


def test_totals_and_spans_of_a_small_history() -> None:
    """Counts go by model, time by hours."""
    known = history({"flux": [0, 0, 3], "sdxl": []}, days=4, hidden=[2])
    assert known.has_data
    assert known.total("requests").tolist() == [3.0, 0.0]
    assert known.span_days == pytest.approx(4.0, abs=1e-4)
    assert known.observed_ratio == 0.75
    assert known.hidden_days.tolist() == [EPOCH_DAY + 2]
    assert known.index("sdxl") == 1
    assert known.index("absent") is None
    assert known.index("zzz") is None


def test_an_empty_history_has_no_data() -> None:
    """Nothing known is a value that can be asked like any other."""
    nothing = empty_history("nowhere")
    assert not nothing.has_data
    assert nothing.observed_ratio == 0.0
    assert nothing.hidden_days.tolist() == []
    assert nothing.total("requests").tolist() == []
    assert nothing.index("sdxl") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": ("b", "a")}, "distinct and sorted"),
        ({"models": ("a", "a")}, "distinct and sorted"),
        ({"models": ("a",)}, "first_seen must have the shape"),
        ({"size_bytes": np.zeros(3)}, "size_bytes must have the shape"),
        ({"observed": np.ones(5, dtype=bool)}, "observed must have the shape"),
        ({"hourly": HourTable.gather(np.array([2]), np.array([EPOCH_DAY * 24]))}, "a model that is not there"),
        ({"hourly": HourTable.gather(np.array([0]), np.array([1]))}, "outside of start and end"),
        ({"operations": ("chat",) * 9}, "operations must be"),
    ],
)
def test_a_history_that_contradicts_itself_is_refused(change: dict[str, object], message: str) -> None:
    """Shapes and ranges are checked once, here."""
    good = history({"a": [0], "b": [1]}, days=3)
    with pytest.raises(ValueError, match=message):
        replace(good, **change)
