"""Figures are checked: the clean way and the careful way agree, and nothing raises."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.clock import Clock
from genotel.instrumentation import batch_figures
from genotel.instrumentation.batch_figures import (
    EMPTY,
    UNKNOWN_SIZE,
    WAIT_AND_WORK,
    Columns,
    columns_of,
    doubles,
    latencies_of,
    moment_of,
)

CLEAN = (0.5, 8, 0.25, None, None, False, 10.0)


class Hostile:
    """Raise whatever one asks of it."""

    def __float__(self) -> float:
        raise RuntimeError("secret")

    def __bool__(self) -> bool:
        raise RuntimeError("secret")


def plain(columns: Columns) -> tuple[Any, ...]:
    """Return columns so that they can be compared: NaN equals itself."""
    return tuple([None if value != value else value for value in column] for column in columns[:7]) + columns[7:]


def test_clean_records_become_columns() -> None:
    """Every figure keeps its value; a latency that nobody gave is marked."""
    columns = columns_of([CLEAN, (1, 4, 0, 2.0, 7, True, 11.0)])
    assert plain(columns) == (
        [10.0, 11.0],
        [0.5, 1.0],
        [8, 4],
        [0.25, 0.0],
        [WAIT_AND_WORK, 2.0],
        [None, 7.0],
        [0, 1],
        12,
        1,
        4,
        {},
    )


@pytest.mark.parametrize(
    ("place", "name"),
    [*enumerate(["processing_time", "batch_size", "queue_time", "latency", "queue_length"])],
)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1, -0.5, "7", b"7", [], Hostile(), 1 + 2j])
def test_a_bad_figure_is_dropped_and_counted_and_the_rest_stays(place: int, name: str, bad: object) -> None:
    """One record of three is wrong in one figure."""
    record = [*CLEAN]
    record[place] = bad
    columns = columns_of([CLEAN, tuple(record), CLEAN])  # type: ignore[list-item]  # that is the point
    assert columns.dropped == {name: 1}
    column = columns[place + 1]
    assert column[1] != column[1] or column[1] == UNKNOWN_SIZE
    assert len({len(each) for each in columns[:7]}) == 1
    assert columns.items == (16 if name == "batch_size" else 24)


@pytest.mark.parametrize("size", [2.5, 2**53 + 2, None])
def test_a_size_is_a_whole_number_that_a_float_can_hold(size: object) -> None:
    """Half an item, or more of them than can be counted exactly, is a mistake."""
    columns = columns_of([(0.5, size, 0.0, None, None, False, 1.0)])
    assert ([*columns.sizes], columns.items, columns.dropped) == ([UNKNOWN_SIZE], 0, {"batch_size": 1})


def test_a_size_may_come_as_a_float() -> None:
    """As many libraries have it."""
    assert columns_of([(0.5, 8.0, 0.0, None, None, False, 1.0)]).items == 8


def test_a_truth_value_that_raises_is_dropped() -> None:
    """An array of several truths, as comparisons of arrays give it."""
    columns = columns_of([(0.5, 8, 0.0, None, None, Hostile(), 1.0)])
    assert (columns.failed, columns.dropped) == (0, {"error": 1})


def test_numbers_of_other_kinds_are_numbers() -> None:
    """Whatever gives a float is taken."""
    columns = columns_of([(Decimal("0.5"), 8, True, None, None, 1, 1.0)])
    assert ([*columns.processing], [*columns.waits], columns.failed) == ([0.5], [1.0], 1)


figures = st.one_of(
    st.floats(), st.integers(-3, 2**60), st.none(), st.sampled_from(["1", Hostile(), True, 8.0]), st.floats(0, 1e6)
)
records = st.tuples(figures, figures, figures, figures, figures, figures, st.floats(0, 1e9))


@given(st.lists(records, min_size=1, max_size=300))
def test_the_clean_way_and_the_careful_way_agree(chunk: list[Any]) -> None:
    """What the quick pass takes for clean, the slow one sees the same way; neither raises."""
    careful = batch_figures._checked_columns(chunk)
    assert plain(columns_of(chunk)) == plain(careful)
    assert sum(careful.sizes[index] for index in range(len(chunk)) if careful.sizes[index] > 0) == careful.items


@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 10**6), st.floats(0, 10)), min_size=1, max_size=600))
def test_clean_chunks_of_any_length_keep_every_figure(figures: list[tuple[float, int, float]]) -> None:
    """Shorter than the blank columns, as long, and longer."""
    columns = columns_of([(work, size, wait, None, None, False, 1.0) for work, size, wait in figures])
    assert [*zip(columns.processing, columns.sizes, columns.waits, strict=True)] == figures
    assert columns.items == sum(size for _, size, _ in figures)
    assert not columns.dropped


def test_a_part_has_the_figures_of_its_batches() -> None:
    """As histograms take a large chunk in pieces."""
    columns = columns_of([(float(number), number, 0.0, None, None, False, 1.0) for number in range(5)])
    part = columns.part(1, 3)
    assert ([*part.processing], [*part.sizes], len(part.moments)) == ([1.0, 2.0], [1, 2], 2)


def test_no_columns_are_empty() -> None:
    """They carry only what was dropped."""
    assert [len(column) for column in EMPTY[:7]] == [0] * 7


def test_a_latency_is_as_given_or_wait_and_work_or_unknown() -> None:
    """A sum with an unknown part is unknown."""
    found = latencies_of([WAIT_AND_WORK, 5.0, WAIT_AND_WORK], [1.0, 1.0, math.nan], [0.5, 0.5, 0.5])
    assert found[:2] == [1.5, 5.0]
    assert math.isnan(found[2])


@given(st.lists(st.floats(allow_nan=False)))
def test_doubles_keep_every_value(values: list[float]) -> None:
    """Bit for bit."""
    assert [*doubles(values)] == values


@pytest.mark.parametrize("timestamp", [math.nan, math.inf, "now", None, Hostile()])
def test_what_is_no_time_is_none(timestamp: object) -> None:
    """Nothing raises."""
    assert moment_of(timestamp, Clock(lambda: 2e9, lambda: 1.0)) is None


def test_unix_time_becomes_monotonic_time() -> None:
    """A date is told from an uptime by its size."""
    clock = Clock(wall=lambda: 1_700_000_000.0, monotonic=lambda: 500.0)
    assert moment_of(1_700_000_000.0 - 20, clock) == pytest.approx(480.0)
    assert moment_of(480, clock) == 480.0
