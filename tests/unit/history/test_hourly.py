"""The table of hours: sorted, distinct, summed."""

from __future__ import annotations

import numpy as np
import pytest

from genotel.history.hourly import HourTable


def test_gather_sums_the_rows_of_one_model_and_hour() -> None:
    """Rows come in any order; one row for a pair goes out."""
    table = HourTable.gather(
        np.array([1, 0, 1, 1]),
        np.array([7, 7, 5, 7]),
        requests=np.array([1, 2, 3, 4]),
        duration_seconds=np.array([0.5, 1.0, 2.0, 0.25]),
    )
    assert table.model.tolist() == [0, 1, 1]
    assert table.hour.tolist() == [7, 5, 7]
    assert table.requests.tolist() == [2, 3, 5]
    assert table.duration_seconds.tolist() == [1.0, 2.0, 0.75]
    assert table.failed.tolist() == [0, 0, 0]


def test_gather_takes_no_rows() -> None:
    """Nothing gathered is an empty table of the right types."""
    table = HourTable.gather(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), requests=np.zeros(0))
    assert table.requests.dtype == np.int64
    assert table.day.shape == (0,)


def test_gather_refuses_a_column_that_does_not_exist() -> None:
    """A misspelt column is a mistake, not a lost column."""
    with pytest.raises(ValueError, match="unknown columns \\['request'\\]"):
        HourTable.gather(np.array([0]), np.array([0]), request=np.array([1]))


def test_a_column_of_another_shape_or_type_is_refused() -> None:
    """The message names the column and what it must be."""
    good = HourTable.gather(np.array([0]), np.array([0]))
    columns = {name: getattr(good, name) for name in HourTable.__slots__}
    with pytest.raises(ValueError, match="loads must be i8 of shape"):
        HourTable(**columns | {"loads": np.zeros(2, dtype=np.int64)})
    with pytest.raises(ValueError, match="load_seconds must be f8 of shape"):
        HourTable(**columns | {"load_seconds": np.zeros(1, dtype=np.int64)})


def test_rows_out_of_order_are_refused() -> None:
    """Everything above searches in sorted rows."""
    good = HourTable.gather(np.array([0, 1]), np.array([0, 0]))
    columns = {name: getattr(good, name) for name in HourTable.__slots__}
    with pytest.raises(ValueError, match="sorted by model and hour"):
        HourTable(**columns | {"model": np.array([1, 0])})
    with pytest.raises(ValueError, match="sorted by model and hour"):
        HourTable(**columns | {"model": np.array([0, 0])})
