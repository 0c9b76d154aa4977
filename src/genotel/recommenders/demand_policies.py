"""Rules of eviction that load nothing ahead, and two of the clock: what model servers ship today."""

from __future__ import annotations

from collections import deque

import numpy as np

from genotel.analysis.use_times import UseTimes
from genotel.recommenders.replay import Day, Memory


class LeastRecentlyUsed:
    """Evict the model that was not used for longest."""

    def __init__(self, uses: UseTimes, slots: int) -> None:
        self.memory = Memory(uses, slots)

    def play(self, day: Day) -> None:
        """Play one day."""
        memory = self.memory
        memory.load_seconds = day.load_seconds.tolist()
        for place, (now, model) in enumerate(zip(day.time.tolist(), day.model.tolist(), strict=True), day.first):
            if memory.use(place, model, now):
                # The order in which they came is the order of last use.
                memory.resident[model] = memory.resident.pop(model)
                continue
            if memory.is_full:
                memory.evict(next(iter(memory.resident)))
            memory.load(place, model, now)


class LeastFrequentlyUsed:
    """Evict the model that was used least often so far."""

    def __init__(self, uses: UseTimes, slots: int) -> None:
        self.memory = Memory(uses, slots)
        self._rank = [(0, 0.0)] * len(uses.names)

    def play(self, day: Day) -> None:
        """Play one day."""
        memory, rank = self.memory, self._rank
        memory.load_seconds = day.load_seconds.tolist()
        for place, (now, model) in enumerate(zip(day.time.tolist(), day.model.tolist(), strict=True), day.first):
            if not memory.use(place, model, now):
                if memory.is_full:
                    memory.evict(min(memory.resident, key=rank.__getitem__))
                memory.load(place, model, now)
            rank[model] = (rank[model][0] + 1, now)


class GreedyDual:
    """Evict by clock + uses × seconds of a load, the clock being the rank of the last evicted.

    Source: Fuerst and Sharma, FaasCache, ASPLOS 2021; all sizes are 1. Free loads cost 1 second each.
    """

    def __init__(self, uses: UseTimes, slots: int) -> None:
        self.memory = Memory(uses, slots)
        self._uses, self._rank = [0] * len(uses.names), [0.0] * len(uses.names)
        self._clock = 0.0

    def play(self, day: Day) -> None:
        """Play one day."""
        memory, rank = self.memory, self._rank
        memory.load_seconds = day.load_seconds.tolist()
        for place, (now, model) in enumerate(zip(day.time.tolist(), day.model.tolist(), strict=True), day.first):
            if not memory.use(place, model, now):
                self._uses[model] = 0
                if memory.is_full:
                    leaving = min(memory.resident, key=rank.__getitem__)
                    self._clock = rank[leaving]
                    memory.evict(leaving)
                memory.load(place, model, now)
            self._uses[model] += 1
            rank[model] = self._clock + self._uses[model] * (memory.load_seconds[model] or 1.0)


class KeepAlive:
    """Let a model go ``seconds`` after its last use, as servers with a fixed keep-alive do."""

    def __init__(self, uses: UseTimes, slots: int, seconds: float) -> None:
        self.memory = Memory(uses, slots)
        self._seconds = seconds
        self._last = [-np.inf] * len(uses.names)
        self._due: deque[tuple[float, int]] = deque()

    def play(self, day: Day) -> None:
        """Play one day."""
        memory = self.memory
        memory.load_seconds = day.load_seconds.tolist()
        for place, (now, model) in enumerate(zip(day.time.tolist(), day.model.tolist(), strict=True), day.first):
            while self._due and self._due[0][0] < now:
                _, idle = self._due.popleft()
                if idle in memory.resident and now - self._last[idle] > self._seconds:
                    memory.evict(idle)
            if memory.use(place, model, now):
                memory.resident[model] = memory.resident.pop(model)
            else:
                if memory.is_full:
                    memory.evict(next(iter(memory.resident)))
                memory.load(place, model, now)
            self._last[model] = now
            self._due.append((now + self._seconds, model))


class FarthestNextUse:
    """Evict the model whose next use is farthest: the best that any rule without loading ahead can do.

    Source: Belady, A study of replacement algorithms, 1966. It sees the future, others must not.
    """

    def __init__(self, uses: UseTimes, slots: int) -> None:
        self.memory = Memory(uses, slots)
        self._following = uses.following.tolist()
        self._next = uses.by_model[uses.starts[:-1]].tolist()

    def play(self, day: Day) -> None:
        """Play one day."""
        memory = self.memory
        memory.load_seconds = day.load_seconds.tolist()
        for place, (now, model) in enumerate(zip(day.time.tolist(), day.model.tolist(), strict=True), day.first):
            if not memory.use(place, model, now):
                if memory.is_full:
                    memory.evict(max(memory.resident, key=self._next.__getitem__))
                memory.load(place, model, now)
            self._next[model] = self._following[place]
