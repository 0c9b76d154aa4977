"""What a window of batches holds: snapshots, totals, parts of it, and how it travels.

Statistics are made of it in :mod:`genotel.instrumentation.batch_stats`.
"""

from __future__ import annotations

from array import array
from typing import Any, Self

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.instrumentation import batch_state
from genotel.instrumentation.batch_arguments import number, text, whole
from genotel.instrumentation.batch_figures import latencies_of
from genotel.instrumentation.batch_intake import BatchIntake
from genotel.instrumentation.batch_state import EVERYTHING, Interval, WindowState
from genotel.instrumentation.batch_window import Snapshot

MOST_BATCHES = 10_000_000
MOST_WORKERS = 1_000_000
# Clocks that differ by less are one clock, read twice.
_SAME_CLOCK_SECONDS = 1.0


class BatchContents(BatchIntake):
    """Hold the last batches of an engine and their totals.

    Args:
        name: label of the metrics.
        window_size: batches that are kept.
        max_age_seconds: leave out batches that ended longer ago; None for no limit.
        workers: batches that the engine works on at a time.
        clock: tells the time.

    Raises:
        SettingsError: (and ValueError) an argument is wrong; the message names it.
    """

    __slots__ = ("_bounds", "max_age_seconds")

    def __init__(self, name: str, window_size: int, max_age_seconds: float | None, workers: int, clock: Clock) -> None:
        self.max_age_seconds = (
            None if max_age_seconds is None else number("max_age_seconds", max_age_seconds, 0.0, above=True)
        )
        # The span of time that a part of another window is cut to.
        self._bounds: Interval | None = None
        super().__init__(
            text("name", name),
            whole("window_size", window_size, 1, MOST_BATCHES),
            whole("workers", workers, 1, MOST_WORKERS),
            clock,
        )

    def _state(self) -> WindowState:
        return batch_state.state_of(self._window)

    def _interval(self) -> Interval:
        if self._bounds is not None:
            return self._bounds
        if self.max_age_seconds is None:
            return EVERYTHING
        now = self._now()
        return Interval(now - self.max_age_seconds, now)

    @property
    def processing_times(self) -> tuple[float, ...]:
        """Return the known seconds of work, oldest first; a snapshot."""
        return self._known("processing")

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Return the known sizes, oldest first; a snapshot."""
        return self._known("sizes")

    @property
    def queue_times(self) -> tuple[float, ...]:
        """Return the known seconds in the queue, oldest first; a snapshot."""
        return self._known("waits")

    @property
    def latencies(self) -> tuple[float, ...]:
        """Return the known seconds of wait and work, oldest first; a snapshot."""
        snapshot = self._snapshot()
        seconds = latencies_of(snapshot.latencies, snapshot.processing, snapshot.waits)
        return tuple(latency for latency in seconds if latency >= 0)

    @property
    def queue_lengths(self) -> tuple[float, ...]:
        """Return the known lengths of the queue, oldest first; a snapshot."""
        return self._known("lengths")

    def _known(self, column: str) -> tuple[Any, ...]:
        values: array[Any] = getattr(self._snapshot(), column)
        return tuple(value for value in values if value >= 0)

    def _snapshot(self) -> Snapshot:
        interval = self._interval()
        state = self._state()
        return state.snapshot if interval is EVERYTHING else batch_state.inside(state, interval).snapshot

    @property
    def total_processed(self) -> int:
        """Return the items of all batches since the last reset."""
        return self._state_of_totals("total_items")

    @property
    def batch_counts(self) -> int:
        """Return the number of batches since the last reset."""
        return self._state_of_totals("total_batches")

    def _state_of_totals(self, field: str) -> int:
        with self._window.settled():
            return int(getattr(self._window, field))

    @property
    def dropped_figures(self) -> dict[str, int]:
        """Return the figures that were left out since the last reset, by name."""
        with self._window.settled():
            return dict(self._window.dropped)

    def window(self, seconds: float) -> Self:
        """Return the part of the window of the last seconds, as statistics of its own.

        It is a copy: it is not exported and takes no part in later updates.

        Raises:
            SettingsError: ``seconds`` is no number above 0.
        """
        now = self._now()
        since = now - number("seconds", seconds, 0.0, above=True)
        part = self._copy()
        part._bounds = Interval(since, now)
        batch_state.restore(part._window, batch_state.inside(self._state(), part._bounds))
        return part

    def merge(self, other: BatchContents) -> Self:
        """Take the batches and totals of another window in; return this one.

        The last ``window_size`` batches of both stay, in the order in which they ended. What the other
        window had to export it has exported, so no exported counter grows by this.
        """
        theirs = other._state()
        window = self._window
        with window.settled():
            batch_state.restore(window, batch_state.merged(batch_state.state_of(window), theirs))
        self.forget_statistics()
        return self

    def _copy(self) -> Self:
        copy = type(self).__new__(type(self))
        copy.__setstate__({**self._settings(), "clock": self._clock})
        return copy

    def _settings(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "window_size": self.window_size,
            "max_age_seconds": self.max_age_seconds,
            "workers": self.workers,
            "bounds": self._bounds,
        }

    def __getstate__(self) -> dict[str, Any]:
        return {**self._settings(), "state": self._state(), "epoch": self._clock.wall() - self._now()}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        BatchContents.__init__(
            self,
            saved["name"],
            saved["window_size"],
            saved["max_age_seconds"],
            saved["workers"],
            saved.get("clock", SYSTEM_CLOCK),
        )
        self._bounds = saved["bounds"]
        state = saved.get("state")
        if state is not None:
            # The monotonic clock of another machine, or of before a restart, counts from elsewhere.
            apart = saved["epoch"] - (self._clock.wall() - self._now())
            if abs(apart) > _SAME_CLOCK_SECONDS:
                state = batch_state.shifted(state, apart)
                if self._bounds is not None:
                    self._bounds = self._bounds.shifted(apart)
            batch_state.restore(self._window, state)

    def forget_statistics(self) -> None:
        """Forget what was made of other contents; who makes statistics has something to forget."""
