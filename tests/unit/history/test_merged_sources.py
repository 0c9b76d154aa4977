"""Several sources tell of the same models: nothing is lost, nothing is counted twice."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genotel.history.merged_sources import Told, merge_sources
from genotel.history.server_counts import Counts
from genotel.history.server_seconds import Spent

HOURS = 48


def counts(rows: list[tuple[str, int, int]], outcome: str = "ok", *, is_part: bool = False) -> Counts:
    """Return counts of (model, hour, calls)."""
    models = tuple(sorted({model for model, _, _ in rows}))
    return Counts(
        series=np.array([models.index(model) for model, _, _ in rows], dtype=np.int64),
        time=np.array([(hour + 1) * 3600.0 for _, hour, _ in rows]),
        calls=np.array([float(calls) for _, _, calls in rows]),
        models=models,
        outcomes=(outcome,) * len(models),
        is_part=is_part,
        tables=(),
    )


def spent(rows: list[tuple[str, int, float, int]], *, is_daily: bool = False) -> Spent:
    """Return seconds and counts of (model, hour, seconds, count)."""
    models = tuple(sorted({model for model, *_ in rows}))
    return Spent(
        series=np.array([models.index(model) for model, *_ in rows], dtype=np.int64),
        time=np.array([(hour + 1) * 3600.0 for _, hour, _, _ in rows]),
        seconds=np.array([seconds for _, _, seconds, _ in rows]),
        count=np.array([count for *_, count in rows], dtype=np.int64),
        models=models,
        is_daily=is_daily,
        tables=(),
    )


def told(name: str, *rows: tuple[str, int, int], knows: tuple[str, ...] = (), **more: tuple[Spent, ...]) -> Told:
    """Return what a source tells."""
    return Told(name, frozenset({*knows, *(model for model, _, _ in rows)}), (counts(list(rows)),), **more)


def test_an_hour_that_two_saw_is_told_by_the_first() -> None:
    """Each tells of the hours that it saw alone."""
    names, table, measured_by = merge_sources(
        [told("ours", ("a", 1, 5), ("b", 2, 1)), told("vllm", ("a", 1, 7), ("a", 9, 2), ("c", 3, 4))], 0, HOURS
    )
    assert names == ("a", "b", "c")
    rows = list(zip(table.model.tolist(), table.hour.tolist(), table.requests.tolist(), strict=True))
    assert rows == [(0, 1, 5), (0, 9, 2), (1, 2, 1), (2, 3, 4)]
    assert measured_by == ("ours, vllm", "ours", "vllm")


def test_a_model_that_was_never_used_is_told_by_who_knows_it() -> None:
    """And a series without a model is nobody's."""
    names, table, measured_by = merge_sources([told("ours", ("", 1, 3)), told("tgi", knows=("idle",))], 0, HOURS)
    assert names == ("idle",)
    assert measured_by == ("tgi",)
    assert len(table.model) == 0


def test_failures_that_are_counted_apart_are_part_of_the_calls() -> None:
    """What did not fail succeeded; more failures than calls are none below zero."""
    own = Told(
        "own",
        frozenset({"a"}),
        (counts([("a", 1, 5), ("a", 2, 1)], ""), counts([("a", 1, 2), ("a", 2, 3)], "error", is_part=True)),
    )
    _, table, _ = merge_sources([own], 0, HOURS)
    assert table.requests.tolist() == [5, 1]
    assert table.failed.tolist() == [2, 3]
    assert table.succeeded.tolist() == [3, 0]


def test_times_are_told_by_who_tells_the_calls() -> None:
    """Loads in hours without a call by the first who knows the model."""
    ours = told("ours", ("a", 1, 1), knows=("a",), durations=(spent([("a", 1, 2.0, 1)]),))
    theirs = told(
        "vllm",
        ("a", 1, 1),
        ("a", 4, 1),
        durations=(spent([("a", 1, 9.0, 1), ("a", 4, 3.0, 1), ("x", 5, 1.0, 1)]),),
        loads=(spent([("a", 7, 30.0, 1)]),),
    )
    _, table, _ = merge_sources([ours, theirs], 0, HOURS)
    assert table.duration_seconds.tolist() == [2.0, 3.0]
    assert table.loads.sum() == 0
    _, table, _ = merge_sources([theirs], 0, HOURS)
    assert table.load_seconds.tolist() == [0.0, 0.0, 30.0]


def test_times_of_a_day_are_put_into_its_last_hour_with_a_call() -> None:
    """Where there is none, they stay at its end."""
    daily = spent([("a", 23, 10.0, 2), ("a", 47, 5.0, 1)], is_daily=True)
    _, table, _ = merge_sources([told("ours", ("a", 3, 1), ("a", 20, 1), durations=(daily,))], 0, HOURS)
    assert table.hour.tolist() == [3, 20, 47]
    assert table.duration_seconds.tolist() == [0.0, 10.0, 5.0]


@given(
    rows=st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, HOURS - 1), st.integers(1, 9)), max_size=20),
        min_size=1,
        max_size=4,
    )
)
def test_no_use_is_lost_and_none_is_counted_twice(rows: list[list[tuple[str, int, int]]]) -> None:
    """In each hour the calls are those of one source that saw it, the first."""
    names, table, _ = merge_sources([told(str(rank), *some) for rank, some in enumerate(rows)], 0, HOURS)
    got = {
        (names[model], hour): calls
        for model, hour, calls in zip(table.model, table.hour, table.requests.tolist(), strict=True)
    }
    expected: dict[tuple[str, int], int] = {}
    for some in reversed(rows):
        mine: dict[tuple[str, int], int] = {}
        for model, hour, calls in some:
            mine[model, hour] = mine.get((model, hour), 0) + calls
        expected |= mine
    assert got == expected
