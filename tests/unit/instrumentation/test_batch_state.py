"""A window as a value: cut, merged, moved to another clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genotel.instrumentation.batch_figures import columns_of
from genotel.instrumentation.batch_state import (
    EVERYTHING,
    Interval,
    WindowState,
    inside,
    merged,
    restore,
    shifted,
    state_of,
)
from genotel.instrumentation.batch_window import BatchWindow


def window_of(*moments: float, size: int = 100) -> BatchWindow:
    """Return a window whose batches ended at these moments; each has two items and the second of two failed."""
    window = BatchWindow(size)
    for number, moment in enumerate(moments):
        window.enter(columns_of([(0.5, 2, 0.0, None, None, number % 2, moment)]))
    return window


def totals(state: WindowState) -> tuple[int, int, int]:
    """Return batches, items and errors."""
    return state.batches, state.items, state.errors


def test_a_state_holds_what_waits_too() -> None:
    """It is what a reader sees."""
    window = window_of(1.0)
    window.waiting.append((0.5, 2, 0.0, None, None, False, 2.0))
    assert totals(state_of(window)) == (2, 4, 0)


def test_a_part_has_the_totals_of_its_own_batches() -> None:
    """After the beginning, until the end."""
    state = state_of(window_of(1.0, 2.0, 3.0, 4.0))
    part = inside(state, Interval(1.0, 3.0))
    assert [*part.snapshot.moments] == [2.0, 3.0]
    assert totals(part) == (2, 4, 1)
    assert totals(inside(state, EVERYTHING)) == (4, 8, 2)


def test_a_part_may_be_empty() -> None:
    """Nothing ended then."""
    assert totals(inside(state_of(window_of(1.0)), Interval(5.0, 6.0))) == (0, 0, 0)


def test_a_restored_window_is_what_it_was() -> None:
    """The ring goes on from there; a smaller window keeps the last."""
    state = state_of(window_of(1.0, 2.0, 3.0))
    copy = BatchWindow(2)
    restore(copy, state)
    assert [*state_of(copy).snapshot.moments] == [2.0, 3.0]
    copy.enter(columns_of([(0.5, 2, 0.0, None, None, False, 4.0)]))
    assert [*state_of(copy).snapshot.moments] == [3.0, 4.0]
    assert totals(state_of(copy)) == (4, 8, 1)


moments = st.lists(st.floats(0, 1e6), max_size=20)


@given(moments, moments)
def test_merging_keeps_every_batch_and_the_order_of_time(one: list[float], other: list[float]) -> None:
    """Totals are sums, whichever comes first."""
    states = state_of(window_of(*one)), state_of(window_of(*other))
    both, turned = merged(*states), merged(*reversed(states))
    assert [*both.snapshot.moments] == sorted(one + other) == [*turned.snapshot.moments]
    assert totals(both) == totals(turned)
    assert totals(both)[0] == len(one + other)


def test_merging_adds_what_was_dropped() -> None:
    """By name."""
    windows = window_of(), window_of()
    windows[0].drop("latency")
    windows[1].drop("latency")
    windows[1].drop("error")
    assert merged(*map(state_of, windows)).dropped == {"latency": 2, "error": 1}


def test_a_state_moves_to_another_clock() -> None:
    """All of its moments by the same time."""
    state = shifted(state_of(window_of(1.0, 2.0)), 10.0)
    assert ([*state.snapshot.moments], state.first_start) == ([11.0, 12.0], 10.5)
    assert shifted(state_of(window_of()), 10.0).first_start is None
    assert Interval(1.0).shifted(2.0) == Interval(3.0, None)
