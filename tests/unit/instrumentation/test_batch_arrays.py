"""Many batches at once: arrays, lists, single values; clean or not, as if they had come one by one."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.instrumentation.batch_arrays import arrays_of, columns_of_arrays
from genotel.instrumentation.batch_figures import Columns, columns_of
from genotel.instrumentation.batch_state import Interval, state_of
from genotel.instrumentation.batch_window import BatchWindow

DEFAULTS: dict[str, Any] = {
    "processing_time": [0.5, 1.0],
    "batch_size": 8,
    "queue_time": 0.0,
    "latency": None,
    "queue_length": None,
    "error": False,
}


def columns(moments: Any = (1.0, 2.0), now: float = 10.0, workers: int = 1, **given: Any) -> Columns:
    """Return the columns of batches that differ from the defaults in these arguments."""
    return columns_of_arrays([*{**DEFAULTS, **given}.values()], moments, now, workers)


def plain(found: Columns) -> tuple[Any, ...]:
    """Return columns so that they can be compared: NaN equals itself."""
    return tuple([None if value != value else value for value in column] for column in found[:7]) + found[7:]


KINDS = {
    "list": list,
    "tuple": tuple,
    "float64": lambda values: np.array(values, np.float64),
    "float32": lambda values: np.array(values, np.float32),
    "array": lambda values: array("d", values),
    "strided": lambda values: np.repeat(np.array(values, np.float64), 2)[::2],
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_any_kind_of_sequence_is_read(kind: Any) -> None:
    """Sizes as floats too, if they are whole."""
    found = columns(
        processing_time=kind([0.5, 1.0]),
        batch_size=kind([8, 4]),
        queue_time=kind([0.25, 0.5]),
        latency=kind([2.0, 3.0]),
        queue_length=kind([1, 2]),
        error=kind([0, 1]),
    )
    expected = [(0.5, 8, 0.25, 2.0, 1, 0, 1.0), (1.0, 4, 0.5, 3.0, 2, 1, 2.0)]
    assert plain(found) == plain(columns_of(expected))


def test_one_value_stands_for_all_batches() -> None:
    """As the defaults do."""
    found = columns(batch_size=4, error=True)
    assert ([*found.sizes], found.items, found.failed, found.failed_items) == ([4, 4], 8, 2, 8)


figures = st.one_of(st.floats(), st.floats(0, 10), st.none(), st.text(max_size=2), st.integers(-2, 2**60))
rows = st.lists(st.tuples(figures, figures, figures, figures, figures, st.booleans()), min_size=1, max_size=50)


@given(rows)
def test_lists_of_anything_become_what_single_updates_would(batches: list[tuple[Any, ...]]) -> None:
    """Nothing raises, and the same figures are dropped."""
    moments = [float(number) for number in range(len(batches))]
    found = columns_of_arrays([[*column] for column in zip(*batches, strict=True)], moments, 0.0, 1)
    single = columns_of([(*batch, moment) for batch, moment in zip(batches, moments, strict=True)])
    assert plain(found) == plain(single)


@pytest.mark.parametrize(
    "wrong",
    [
        {"processing_time": np.array([0.5, np.nan])},
        {"processing_time": np.array([0.5, -1.0])},
        {"queue_time": [np.inf, 0.0]},
        {"queue_time": -1.0},
        {"batch_size": np.array([8, -8])},
        {"batch_size": np.array([8.5, 8.0])},
        {"batch_size": [8, -8]},
        {"batch_size": 2**60},
        {"batch_size": [8, 2**60]},
        {"queue_length": "many"},
        {"latency": np.array([None, "x"], object)},
    ],
    ids=str,
)
def test_a_wrong_figure_is_dropped_and_counted(wrong: dict[str, Any]) -> None:
    """Arrays are looked through one by one then."""
    (name,) = wrong
    found = columns(**wrong)
    assert set(found.dropped) == {name}
    assert len(found.moments) == 2


@pytest.mark.parametrize("moments", [None, (1.0, 2.0, 3.0)])
@pytest.mark.parametrize("sizes", [8, [8, 8, 8], np.array([[8, 8]])])
def test_lengths_must_agree(moments: Any, sizes: Any) -> None:
    """Two times and three sizes are no batches; a matrix is no column."""
    if moments is None and not isinstance(sizes, list):
        moments = (1.0,)
    with pytest.raises(ValueError, match="expected values of one length"):
        columns(moments, batch_size=sizes)


def test_something_must_have_a_length() -> None:
    """Of single values nobody knows how many batches they are."""
    with pytest.raises(ValueError, match="expected values with a length"):
        columns(None, processing_time=0.5)


def test_no_batches_are_none() -> None:
    """An empty list is no mistake."""
    assert len(columns(None, processing_time=[]).moments) == 0


def test_batches_without_a_time_are_laid_before_now() -> None:
    """One after the other, or as many at a time as there are workers; the unknown takes no time."""
    assert [*columns(None, processing_time=[3.0, 1.0, 2.0]).moments] == [7.0, 8.0, 10.0]
    assert [*columns(None, processing_time=[3.0, 1.0, 2.0], workers=2).moments] == [8.5, 9.0, 10.0]
    assert [*columns(None, processing_time=[3.0, -1.0, 2.0]).moments] == [8.0, 8.0, 10.0]


def test_arrays_of_a_part_are_cut() -> None:
    """Both bounds, one, or none."""
    window = BatchWindow(10)
    window.enter(columns_of([(0.5, 8, 0.25, None, None, False, float(moment)) for moment in range(5)]))
    snapshot = state_of(window).snapshot
    assert arrays_of(snapshot, Interval(1.0, 3.0)).moments.tolist() == [2.0, 3.0]
    assert arrays_of(snapshot, Interval(None, 1.0)).moments.tolist() == [0.0, 1.0]
    assert arrays_of(snapshot, Interval(-1.0, 10.0)).latencies.tolist() == [0.75] * 5
