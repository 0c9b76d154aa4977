"""Play the uses of the past to a small memory, and count what each rule of eviction would have cost.

A use of a model that is not there loads it at once, and another one leaves; nothing is refused. A load
takes the model's time: who asks meanwhile waits for the rest of it. A use that has to wait is a cold
start. Slots are alike, whatever the size of the models; or the memory holds bytes, and a model that is larger than
all of it is loaded for each use and gone after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
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


class Objective(StrEnum):
    """Name what a policy tries to have few of."""

    COLD_STARTS = "cold-starts"
    LOAD_SECONDS = "load-seconds"


def value_of_hit(objective: Objective, load_seconds: Floats) -> Floats:
    """Return what a use that need not wait is worth for each model, shape (N,); about 1.

    Args:
        objective: what is to be few.
        load_seconds: shape (N,), what a load takes as far as is known; where all are free a hit is a hit.
    """
    usual = float(load_seconds.mean()) if len(load_seconds) else 0.0
    if objective is Objective.COLD_STARTS or usual <= 0:
        return np.ones(len(load_seconds))
    # What was never measured to take time is worth a little all the same.
    return np.maximum(load_seconds / usual, 0.01)


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """Say how much of a memory each model takes, and how much there is.

    Attributes:
        sizes: shape (N,), above 0, in any unit.
        limit: how much there is, in the same unit.
        models: how many models there is room for; None where that depends on which.
    """

    sizes: Floats
    limit: float
    models: int | None = None

    @classmethod
    def of_slots(cls, models: int, slots: int) -> Room:
        """Return room for so many models, all alike."""
        return cls(np.ones(models), float(slots), slots)

    @classmethod
    def of_bytes(cls, sizes: Floats, limit: float) -> Room:
        """Return room for bytes, counted in gigabytes."""
        return cls(sizes / 1e9, limit / 1e9)


class Memory:
    """Hold models as long as there is room, and tell when each is ready.

    Attributes:
        room: how much there is, and how much each model takes.
        ready: shape (N,), when each model is ready; infinite where it is not there.
        resident: the models that are there, in the order in which they came.
        tally: what it cost so far.
    """

    def __init__(self, uses: UseTimes, room: Room | int) -> None:
        self.room = Room.of_slots(len(uses.names), room) if isinstance(room, int) else room
        self._sizes: list[float] = self.room.sizes.tolist()
        self._taken = 0.0
        self.ready = [_GONE] * len(uses.names)
        self.resident: dict[int, None] = {}
        # For searches over all models at once: 0 where a model is there, else infinite.
        self.absence = np.full(len(uses.names), _GONE)
        self.tally = Tally.of(len(uses.time))
        self.load_seconds: list[float] = []

    def lacks_room(self, model: int, freed: float = 0.0) -> bool:
        """Return whether one has to leave before a model can come, were so much freed; False if it can never come."""
        size = self._sizes[model] - freed
        # Sums of sizes are off by what sums of floats are off.
        return self.can_hold(model) and self._taken + size > self.room.limit * (1 + 1e-9)

    @property
    def places(self) -> int:
        """Return how many models there is room for, or for bytes how many there are."""
        return len(self.resident) if self.room.models is None else self.room.models

    def can_hold(self, model: int) -> bool:
        """Return whether a model is no larger than all of the memory."""
        return self._sizes[model] <= self.room.limit

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
        """Load a model because it is asked for; there must be room, unless it is larger than all there is."""
        if self.can_hold(model):
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
        # Of an empty memory nothing is taken, whatever the floats say.
        self._taken = self._taken - self._sizes[model] if self.resident else 0.0

    def _enter(self, model: int, now: float) -> None:
        assert not self.lacks_room(model)
        self._taken += self._sizes[model]
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
