"""Policies that load ahead by the clock: the classic threshold, the rhythm of the week, histograms of gaps."""

from __future__ import annotations

import heapq
from typing import Protocol

import numpy as np

from genotel.analysis.rhythm import WeeklyRhythm
from genotel.analysis.use_times import UseTimes
from genotel.history.hourly import HOURS_PER_DAY, SECONDS_PER_DAY, SECONDS_PER_HOUR, Floats
from genotel.recommenders.replay import TICKS_PER_HOUR, Day, Memory, Room, steps

_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0


class HourlyScores(Protocol):
    """Score models at the hours of a day."""

    def scores(self, day: int) -> Floats:
        """Return the score of each model at each full hour, shape (24, N); 0 for those not to be loaded."""
        ...


def _hours(day: int) -> Floats:
    """Return the 25 full hours from the midnight of a day to the next, seconds."""
    return (np.arange(HOURS_PER_DAY + 1, dtype=np.float64) + day * HOURS_PER_DAY) * SECONDS_PER_HOUR


class ThresholdScores:
    """Score by the classic rule: uses a day above a limit, more if they rise, less outside the peak hours."""

    def __init__(self, uses: UseTimes, *, uses_per_day: float) -> None:
        self._uses, self._limit = uses, uses_per_day
        self._by_hour = np.zeros((len(uses.names), HOURS_PER_DAY))

    def scores(self, day: int) -> Floats:
        """Return the scores of a day, shape (24, N)."""
        hours = _hours(day)
        models = len(self._uses.names)
        now = self._uses.counts(hours, models)
        month, week, weeks = (self._uses.counts(hours - days * SECONDS_PER_DAY, models) for days in (30, 7, 14))
        days = np.clip(hours / SECONDS_PER_DAY, 1.0, 30.0)[:, np.newaxis]
        rate = (now - month) / days
        is_rising = (now - week) > (week - weeks)
        found = np.zeros((HOURS_PER_DAY, models))
        for hour in range(HOURS_PER_DAY):
            is_peak = (self._by_hour > self._by_hour[:, [hour]]).sum(axis=1) < 8
            score = rate[hour] * (1 + 0.5 * is_rising[hour]) * np.where(is_peak, 1.0, 0.5)
            found[hour] = np.where(rate[hour] > self._limit, score, 0.0)
            self._by_hour[:, hour] += now[hour + 1] - now[hour]
        return found


class SeasonalScores:
    """Score by the chance of a use in the hour, from the rhythm of the week."""

    def __init__(self, uses: UseTimes, *, least: float = 0.02) -> None:
        self._uses, self._least = uses, least
        self._rhythm = WeeklyRhythm(len(uses.names))
        self._first_weekday = (int(uses.midnight // SECONDS_PER_DAY) + _EPOCH_WEEKDAY) % 7

    def scores(self, day: int) -> Floats:
        """Return the scores of a day, shape (24, N)."""
        hours = _hours(day)
        is_used = np.diff(self._uses.counts(hours, len(self._uses.names)), axis=0) > 0
        found = np.zeros(is_used.shape)
        for hour in range(HOURS_PER_DAY):
            hour_of_week = (self._first_weekday + day) % 7 * HOURS_PER_DAY + hour
            chance = -np.expm1(-self._rhythm.expected(hour_of_week))
            found[hour] = np.where(chance > self._least, chance, 0.0)
            self._rhythm.learn(hour_of_week, is_used[hour])
        return found


class PlannedResidents:
    """Load the models of the highest scores at each full hour; of the others the lowest leaves first."""

    def __init__(self, uses: UseTimes, room: Room | int) -> None:
        self.memory = Memory(uses, room)
        self._last = [-np.inf] * len(uses.names)
        self.scores = np.zeros((HOURS_PER_DAY, len(uses.names)))

    def play(self, day: Day) -> None:
        """Play one day by ``scores``, which are of this day."""
        memory, last = self.memory, self._last
        memory.load_seconds = day.load_seconds.tolist()
        models = day.model.tolist()
        score: list[float] = self.scores[0].tolist()
        hour_began = day.number * float(SECONDS_PER_DAY)
        for now, tick, use in steps(day):
            if tick >= 0:
                if tick % TICKS_PER_HOUR == 0:
                    score, hour_began = self.scores[tick // TICKS_PER_HOUR].tolist(), now
                    self._plan(self.scores[tick // TICKS_PER_HOUR], now)
                continue
            model = models[use]
            if not memory.use(day.first + use, model, now):
                while memory.lacks_room(model):
                    since, rank = hour_began, score
                    memory.evict(
                        min(memory.resident, key=lambda m: (last[m] >= since, last[m] if last[m] >= since else rank[m]))
                    )
                memory.load(day.first + use, model, now)
            last[model] = now

    def _plan(self, scores: Floats, now: float) -> None:
        memory = self.memory
        density = scores / memory.room.sizes
        wanted, left = [], memory.room.limit * (1 + 1e-9)
        for model in np.argsort(-density, kind="stable").tolist():
            size = float(memory.room.sizes[model])
            if scores[model] <= 0 or left < memory.room.sizes.min():
                break
            if size <= left:
                wanted.append(model)
                left -= size
        spare = sorted(set(memory.resident).difference(wanted), key=lambda model: (-density[model], -model))
        for model in wanted:
            if model not in memory.resident:
                while memory.lacks_room(model):
                    memory.evict(spare.pop())
                memory.preload(model, now)


class NextHourKnown(PlannedResidents):
    """Load each hour what is used in it, and evict the farthest next use: it sees the future, others must not."""

    def __init__(self, uses: UseTimes, room: Room | int) -> None:
        super().__init__(uses, room)
        self._uses = uses
        self._following = uses.following.tolist()
        self._next = uses.by_model[uses.starts[:-1]].tolist()

    def play(self, day: Day) -> None:
        """Play one day."""
        memory = self.memory
        memory.load_seconds = day.load_seconds.tolist()
        models = day.model.tolist()
        hours = _hours(day.number)
        coming = np.diff(self._uses.counts(hours, len(self._uses.names)), axis=0).astype(np.float64)
        for now, tick, use in steps(day):
            if tick >= 0:
                if tick % TICKS_PER_HOUR == 0:
                    self._plan(coming[tick // TICKS_PER_HOUR], now)
                continue
            model = models[use]
            if not memory.use(day.first + use, model, now):
                while memory.lacks_room(model):
                    memory.evict(max(memory.resident, key=self._next.__getitem__))
                memory.load(day.first + use, model, now)
            self._next[model] = self._following[day.first + use]


class HybridHistogram:
    """Keep and load each model by the histogram of its gaps, in minutes up to four hours.

    Loaded ahead before the 5th percentile of gaps (less 10 %), kept to the 99th (and 10 %); four hours
    where the histogram is too flat to tell; around the median (± 15 %) where most gaps are longer.

    Source: Shahrad et al., Serverless in the Wild, ATC 2020, with the median in place of ARIMA.
    """

    _MINUTES = 240
    _LEAST_VARIATION = 2.0
    _LEAST_GAPS = 5

    def __init__(self, uses: UseTimes, room: Room | int) -> None:
        self.memory = Memory(uses, room)
        count = len(uses.names)
        self._gaps = np.zeros((count, self._MINUTES))
        self._longer: list[list[float]] = [[] for _ in range(count)]
        self._last, self._version = [-np.inf] * count, [0] * count
        self._plans: list[tuple[float, bool, int, int]] = []

    def play(self, day: Day) -> None:
        """Play one day."""
        memory = self.memory
        memory.load_seconds = day.load_seconds.tolist()
        for place, (now, model) in enumerate(zip(day.time.tolist(), day.model.tolist(), strict=True), day.first):
            self._follow_plans(now)
            if not memory.use(place, model, now):
                self._make_room(model)
                memory.load(place, model, now)
            gap = (now - self._last[model]) / 60
            if gap < self._MINUTES:
                self._gaps[model, int(gap)] += 1
            elif gap < np.inf:
                self._longer[model].append(gap)
            self._last[model] = now
            self._version[model] += 1
            self._schedule(model, now)
        self._follow_plans((day.number + 1) * float(SECONDS_PER_DAY))

    def _follow_plans(self, now: float) -> None:
        memory = self.memory
        while self._plans and self._plans[0][0] <= now:
            moment, is_end, model, version = heapq.heappop(self._plans)
            if version != self._version[model]:
                continue
            if is_end and model in memory.resident:
                memory.evict(model)
            elif not is_end and model not in memory.resident and memory.can_hold(model):
                self._make_room(model)
                memory.preload(model, moment)

    def _make_room(self, model: int) -> None:
        while self.memory.lacks_room(model):
            self.memory.evict(min(self.memory.resident, key=self._last.__getitem__))

    def _schedule(self, model: int, now: float) -> None:
        gaps, longer = self._gaps[model], self._longer[model]
        total = gaps.sum()
        ahead, kept = 0.0, float(self._MINUTES)
        if total + len(longer) >= self._LEAST_GAPS and len(longer) > 0.5 * (total + len(longer)):
            middle = float(np.median(longer))
            ahead, kept = middle * 0.85, middle * 0.30
        elif total >= self._LEAST_GAPS and gaps.std() / gaps.mean() >= self._LEAST_VARIATION:
            share = np.cumsum(gaps) / total
            ahead = float(np.searchsorted(share, 0.05)) * 0.9
            kept = (float(np.searchsorted(share, 0.99)) + 1) * 1.1 - ahead
        if ahead >= 1 and model in self.memory.resident:
            self.memory.evict(model)
            heapq.heappush(self._plans, (now + ahead * 60, False, model, self._version[model]))
        heapq.heappush(self._plans, (now + (ahead + kept) * 60, True, model, self._version[model]))
