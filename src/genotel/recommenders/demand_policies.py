"""Rules of eviction that load nothing ahead, and two of the clock: what model servers ship today."""

from __future__ import annotations

from collections import deque

import numpy as np

from genotel.analysis.use_times import UseTimes
from genotel.recommenders.replay import Day, Memory, Room


class LeastRecentlyUsed:
    """Evict the model that was not used for longest."""

    def __init__(self, uses: UseTimes, room: Room | int) -> None:
        self.memory = Memory(uses, room)

    def play(self, day: Day) -> None:
        """Play one day."""
        memory = self.memory
        memory.load_seconds = day.load_seconds.tolist()
        for place, (now, model) in enumerate(zip(day.time.tolist(), day.model.tolist(), strict=True), day.first):
            if memory.use(place, model, now):
                # The order in which they came is the order of last use.
                memory.resident[model] = memory.resident.pop(model)
                continue
            while memory.lacks_room(model):
                memory.evict(next(iter(memory.resident)))
            memory.load(place, model, now)


class LeastFrequentlyUsed:
    """Evict the model that was used least often so far."""

    def __init__(self, uses: UseTimes, room: Room | int) -> None:
        self.memory = Memory(uses, room)
        self._rank = [(0, 0.0)] * len(uses.names)

    def play(self, day: Day) -> None:
        """Play one day."""
        memory, rank = self.memory, self._rank
        memory.load_seconds = day.load_seconds.tolist()
        for place, (now, model) in enumerate(zip(day.time.tolist(), day.model.tolist(), strict=True), day.first):
            if not memory.use(place, model, now):
                while memory.lacks_room(model):
                    memory.evict(min(memory.resident, key=rank.__getitem__))
                memory.load(place, model, now)
            rank[model] = (rank[model][0] + 1, now)


class GreedyDual:
    """Evict by clock + uses × seconds of a load / size, the clock being the rank of the last evicted.

    Source: Fuerst and Sharma, FaasCache, ASPLOS 2021. Free loads cost 1 second each.
    """

    def __init__(self, uses: UseTimes, room: Room | int) -> None:
        self.memory = Memory(uses, room)
        self._uses, self._rank = [0] * len(uses.names), [0.0] * len(uses.names)
        self._clock = 0.0

    def play(self, day: Day) -> None:
        """Play one day."""
        memory, rank = self.memory, self._rank
        memory.load_seconds = day.load_seconds.tolist()
        for place, (now, model) in enumerate(zip(day.time.tolist(), day.model.tolist(), strict=True), day.first):
            if not memory.use(place, model, now):
                self._uses[model] = 0
                while memory.lacks_room(model):
                    leaving = min(memory.resident, key=rank.__getitem__)
                    self._clock = rank[leaving]
                    memory.evict(leaving)
                memory.load(place, model, now)
            self._uses[model] += 1
            worth = (memory.load_seconds[model] or 1.0) / memory.room.sizes[model]
            rank[model] = self._clock + self._uses[model] * worth


class KeepAlive:
    """Let a model go ``seconds`` after its last use, as servers with a fixed keep-alive do."""

    def __init__(self, uses: UseTimes, room: Room | int, seconds: float) -> None:
        self.memory = Memory(uses, room)
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
                while memory.lacks_room(model):
                    memory.evict(next(iter(memory.resident)))
                memory.load(place, model, now)
            self._last[model] = now
            self._due.append((now + self._seconds, model))


class FarthestNextUse:
    """Evict the model whose next use is farthest: the best that any rule without loading ahead can do with slots.

    Source: Belady, A study of replacement algorithms, 1966. It sees the future, others must not.
    """

    def __init__(self, uses: UseTimes, room: Room | int) -> None:
        self.memory = Memory(uses, room)
        self._following = uses.following.tolist()
        self._next = uses.by_model[uses.starts[:-1]].tolist()

    def play(self, day: Day) -> None:
        """Play one day."""
        memory = self.memory
        memory.load_seconds = day.load_seconds.tolist()
        for place, (now, model) in enumerate(zip(day.time.tolist(), day.model.tolist(), strict=True), day.first):
            if not memory.use(place, model, now):
                while memory.lacks_room(model):
                    memory.evict(max(memory.resident, key=self._next.__getitem__))
                memory.load(place, model, now)
            self._next[model] = self._following[place]
