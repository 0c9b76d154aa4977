"""Steps and phases of a running call.

A step's time is the time since the step before it (or since the phase or call began). On an
asynchronous device this is the time to launch a step, not to run it; the auto-instrumentation reads
device events instead.
"""

from __future__ import annotations

from math import isfinite
from time import perf_counter
from typing import TYPE_CHECKING

from opentelemetry.context import Context

from genotel import guard

if TYPE_CHECKING:
    from genotel.instrumentation.accumulators import CallTotals
    from genotel.instrumentation.instruments import Instruments

# A histogram takes one value at a time; a mistaken count must not hold the program up.
MAX_RECORDS = 1_000


class Progress:
    """Follow the steps and phases of one call; used by one thread at a time, as the call is."""

    __slots__ = ("_context", "_instruments", "_mark", "_phase", "_phase_start", "_totals", "steps")

    def __init__(self, instruments: Instruments, totals: CallTotals, context: Context | None, start: float) -> None:
        self._instruments = instruments
        self._totals = totals
        self._context = context
        self._mark = start
        self._phase: str | None = None
        self._phase_start = start
        self.steps = 0

    def step(self, count: int, seconds: float | None) -> None:
        """End ``count`` steps; each took ``seconds``, or its share of the time since the last mark."""
        now = perf_counter()
        count = int(count)
        if count < 1:
            return
        each = (now - self._mark) / count if seconds is None else float(seconds)
        if not isfinite(each) or each < 0:
            raise ValueError("seconds must be finite and not negative")
        self._mark = now
        self.steps += count
        with self._totals.lock:
            self._totals.steps += count
        for _ in range(min(count, MAX_RECORDS)):
            self._instruments.step_duration.record(each, self._totals.attributes, self._context)

    def begin_phase(self, name: str) -> Phase:
        """End the phase that is running, if any, and begin another one."""
        self.end_phase()
        self._phase = name
        self._phase_start = self._mark = perf_counter()
        return Phase(self, name)

    def end_phase(self, name: str | None = None) -> None:
        """End the running phase; with a name only if it is that one."""
        # In a forked child the call is its parent's, and a lock may be held by a thread that is not there.
        if self._phase is None or self._totals.stale or (name is not None and name != self._phase):
            return
        now = perf_counter()
        attributes = self._totals.phase_attributes(self._phase)
        self._instruments.phase_duration.record(now - self._phase_start, attributes, self._context)
        self._phase = None
        self._mark = now


class Phase:
    """Let a phase end with a ``with`` block; without one it ends with the next phase or the call."""

    __slots__ = ("_name", "_progress")

    def __init__(self, progress: Progress | None, name: str) -> None:
        self._progress = progress
        self._name = name

    def __enter__(self) -> Phase:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            try:
                self._progress.end_phase(self._name)
            except Exception as error:
                guard.report("steps.end_phase", error)
