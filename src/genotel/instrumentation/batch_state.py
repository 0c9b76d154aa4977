"""A window as a plain value: what is pickled, cut to a span of time, and merged with another.

For reading and carrying only; updates go into :class:`~genotel.instrumentation.batch_window.BatchWindow`.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from itertools import compress
from math import inf
from typing import Any, NamedTuple, cast

from genotel.instrumentation.batch_window import BatchWindow, Snapshot


class Interval(NamedTuple):
    """Bound a window in time, in seconds of the monotonic clock; None where it has no bound.

    Batches that ended before ``since`` are left out; wall time reaches to ``until``.
    """

    since: float | None = None
    until: float | None = None

    def shifted(self, seconds: float) -> Interval:
        """Return the same interval on a clock that shows ``seconds`` more."""
        return Interval(*(None if bound is None else bound + seconds for bound in self))


EVERYTHING = Interval()


@dataclass(frozen=True, slots=True)
class WindowState:
    """Hold everything that a window knows.

    Moments are seconds of the monotonic clock of the process that took the state.
    """

    snapshot: Snapshot
    batches: int
    items: int
    errors: int
    first_start: float | None
    dropped: dict[str, int] = field(default_factory=dict)


def state_of(window: BatchWindow) -> WindowState:
    """Return what a window holds now; the work under its lock is copying."""
    with window.settled():
        return WindowState(
            window.rings.copy(),
            window.total_batches,
            window.total_items,
            window.total_errors,
            window.first_start,
            dict(window.dropped),
        )


def restore(window: BatchWindow, state: WindowState) -> None:
    """Let a window hold a state, and nothing else, but for what waits to enter it."""
    with window.lock:
        window.rings.clear()
        window.rings.write(state.snapshot, len(state.snapshot.moments))
        window.total_batches, window.total_items, window.total_errors = state.batches, state.items, state.errors
        window.first_start = state.first_start
        window.dropped = dict(state.dropped)


def inside(state: WindowState, interval: Interval) -> WindowState:
    """Return the batches that ended in the interval, with totals of just these."""
    since = -inf if interval.since is None else interval.since
    until = inf if interval.until is None else interval.until
    marks = bytes(since < moment <= until for moment in state.snapshot.moments)
    snapshot = _picked(state.snapshot, marks)
    sizes, errors = snapshot.sizes, snapshot.errors
    return replace(
        state,
        snapshot=snapshot,
        batches=len(snapshot.moments),
        items=sum(size for size in sizes if size > 0),
        errors=sum(errors),
        dropped={},
    )


def merged(one: WindowState, other: WindowState) -> WindowState:
    """Return the batches of both, in the order in which they ended, and the sums of their totals.

    Example:
        >>> from genotel.instrumentation.batch_figures import columns_of
        >>> windows = [BatchWindow(4), BatchWindow(4)]
        >>> for window, moment in zip(windows, (2.0, 1.0)):
        ...     window.enter(columns_of([(0.5, 8, 0.0, None, None, False, moment)]))
        >>> both = merged(*(state_of(window) for window in windows))
        >>> [*both.snapshot.moments], both.items, both.first_start
        ([1.0, 2.0], 16, 0.5)
    """
    first, second = cast("tuple[Any, ...]", one.snapshot), cast("tuple[Any, ...]", other.snapshot)
    columns = [mine + theirs for mine, theirs in zip(first, second, strict=True)]
    moments = columns[0]
    order = sorted(range(len(moments)), key=moments.__getitem__)
    ordered: list[Any] = [array(column.typecode, map(column.__getitem__, order)) for column in columns]
    return WindowState(
        Snapshot(*ordered),
        one.batches + other.batches,
        one.items + other.items,
        one.errors + other.errors,
        min((start for start in (one.first_start, other.first_start) if start is not None), default=None),
        {name: one.dropped.get(name, 0) + other.dropped.get(name, 0) for name in {**one.dropped, **other.dropped}},
    )


def shifted(state: WindowState, seconds: float) -> WindowState:
    """Return a state on a clock that shows ``seconds`` more."""
    moments = array("d", (moment + seconds for moment in state.snapshot.moments))
    return replace(
        state,
        snapshot=state.snapshot._replace(moments=moments),
        first_start=None if state.first_start is None else state.first_start + seconds,
    )


def _picked(snapshot: Snapshot, marks: bytes) -> Snapshot:
    columns: list[Any] = [array(column.typecode, compress(column, marks)) for column in snapshot]
    return Snapshot(*columns)
