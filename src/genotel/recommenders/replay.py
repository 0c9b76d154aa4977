"""Play the uses of the past to a memory of few slots, and count what each rule of eviction would have cost.

A use of a model that is not there loads it at once, and another one leaves; nothing is refused. A load
takes the model's time: who asks meanwhile waits for the rest of it. A use that has to wait is a cold
start. Slots are alike, whatever the size of the models.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from genotel.analysis.use_times import UseTimes
from genotel.history.hourly import Booleans, Floats, Integers

# Policies that load ahead do so every ten minutes, those of the clock every hour.
TICK_SECONDS = 600.0
TICKS_PER_HOUR = 6
_GONE = np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """Hold what is played on one day.

    Attributes:
        number: days since the first use.
        first: index in the trace of the first of the day's uses.
        time: shape (K,), seconds since midnight of the first day.
        model: shape (K,).
        ticks: shape (144,), the moments at which models may be loaded ahead.
        load_seconds: shape (N,), what a load of each model takes, as far as is known by now.
    """

    number: int
    first: int
    time: Floats
    model: Integers
    ticks: Floats
    load_seconds: Floats


@dataclass(slots=True, eq=False)
class Tally:
    """Count what a policy cost; arrays have the shape (K,), one entry for each use of the trace.

    Attributes:
        is_cold: whether the use had to wait for a load.
        is_load: whether the use began a load.
        waited: seconds it had to wait.
        preloads: when a model was loaded ahead, seconds since midnight of the first day.
    """

    is_cold: Booleans
    is_load: Booleans
    waited: Floats
    preloads: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, uses: int) -> Tally:
        """Return a tally of nothing yet."""
        return cls(np.zeros(uses, dtype=bool), np.zeros(uses, dtype=bool), np.zeros(uses))


class Memory:
    """Hold at most ``slots`` models and tell when each is ready.

    Attributes:
        slots: how many models there is room for.
        ready: shape (N,), when each model is ready; infinite where it is not there.
        resident: the models that are there, in the order in which they came.
        tally: what it cost so far.
    """

    def __init__(self, uses: UseTimes, slots: int) -> None:
        self.slots = slots
        self.ready = [_GONE] * len(uses.names)
        self.resident: dict[int, None] = {}
        # For searches over all models at once: 0 where a model is there, else infinite.
        self.absence = np.full(len(uses.names), _GONE)
        self.tally = Tally.of(len(uses.time))
        self.load_seconds: list[float] = []

    @property
    def is_full(self) -> bool:
        """Return whether one has to leave before another can come."""
        return len(self.resident) >= self.slots

    def use(self, place: int, model: int, now: float) -> bool:
        """Serve one use and count it; return False where the model has to be loaded first."""
        ready = self.ready[model]
        if ready <= now:
            return True
        if ready < _GONE:
            self.tally.is_cold[place] = True
            self.tally.waited[place] = ready - now
            return True
        return False

    def load(self, place: int, model: int, now: float) -> None:
        """Load a model because it is asked for; there must be room."""
        self._enter(model, now)
        self.tally.is_cold[place] = self.tally.is_load[place] = True
        self.tally.waited[place] = self.load_seconds[model]

    def preload(self, model: int, now: float) -> None:
        """Load a model ahead; there must be room."""
        self._enter(model, now)
        self.tally.preloads.append(now)

    def evict(self, model: int) -> None:
        """Let a model go."""
        self.ready[model] = _GONE
        self.absence[model] = _GONE
        del self.resident[model]

    def _enter(self, model: int, now: float) -> None:
        assert not self.is_full
        self.ready[model] = now + self.load_seconds[model]
        self.absence[model] = 0.0
        self.resident[model] = None


class Policy(Protocol):
    """Decide who leaves and who is loaded ahead, day after day."""

    @property
    def memory(self) -> Memory:
        """Return the memory that it decides about."""
        ...

    def play(self, day: Day) -> None:
        """Play one day; days come in their order."""
        ...


def steps(day: Day) -> Iterator[tuple[float, int, int]]:
    """Yield (moment, tick or -1, use or -1) of a day in the order of time.

    Ticks and uses are counted within the day; a tick comes before a use of the same moment.
    """
    times, ticks = day.time.tolist(), day.ticks.tolist()
    use = 0
    for tick, before in enumerate(np.searchsorted(day.time, day.ticks, side="left").tolist()):
        while use < before:
            yield times[use], -1, use
            use += 1
        yield ticks[tick], tick, -1
    while use < len(times):
        yield times[use], -1, use
        use += 1
