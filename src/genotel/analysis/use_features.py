"""What the past uses of a model tell about its next one: the features of the survival forecast.

Every figure at a moment is made from uses before that moment only. Which ones they are, and what each
adds, was found on public traces: docs/accuracy.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genotel.analysis.use_times import UseTimes
from genotel.history.hourly import SECONDS_PER_DAY, SECONDS_PER_HOUR, Floats, Integers

Singles = npt.NDArray[np.float32]

DAY, HOUR, MINUTE = float(SECONDS_PER_DAY), float(SECONDS_PER_HOUR), 60.0
# Half-lives of the decayed counts.
HALF_LIVES = np.array([5, 30, 120, 480, 1440, 7200]) * MINUTE
# Models are compared with each other; of more than this only the ones known longest are.
MOST_MODELS = 400
# A longer gap than this begins a session.
SESSION_GAP = 30 * MINUTE
# Bins of the histogram of gaps: 30 s to 7 days.
GAP_EDGES = np.exp(np.linspace(np.log(30.0), np.log(7 * DAY), 47))
# How many gaps of all models together each model's own histogram begins with.
_PSEUDO_GAPS = 4.0
_AGE_HINGES = np.array([3, 10, 20, 30, 60, 120, 360, 1440, 4320]) * MINUTE
_GAP_HORIZONS = (600.0, HOUR, 4 * HOUR)
_UNSEEN_SECONDS = 1e7


def session_states(uses: UseTimes) -> Floats:
    """Return what is known right after each use, in the order of ``uses.by_model``, shape (K, 14).

    Six decayed counts; the last two log gaps, mean and deviation of log gaps; log length of the burst
    and its start; usual log length of a session, log idle time before this one.
    """
    count = len(HALF_LIVES)
    states = np.zeros((len(uses.by_model), count + 8))
    for first, end in zip(uses.starts[:-1].tolist(), uses.starts[1:].tolist(), strict=True):
        times = uses.by_model[first:end]
        gaps = np.diff(times)
        fades = np.exp2(-gaps[:, np.newaxis] / HALF_LIVES)
        log_gaps = np.log(gaps + 10.0)
        decayed = np.ones(count)
        states[first, :count] = decayed
        mean, variance = float(np.log(6 * HOUR)), 1.0
        last_gap = gap_before = idle = float(np.log(DAY))
        usual, start, run, sessions = float(np.log(SESSION_GAP)), float(times[0]), 1, 0
        rows = [(last_gap, gap_before, mean, variance, run, start, usual, idle)]
        for place, (gap, log_gap) in enumerate(zip(gaps.tolist(), log_gaps.tolist(), strict=True)):
            decayed = decayed * fades[place] + 1.0
            states[first + place + 1, :count] = decayed
            gap_before, last_gap = last_gap, log_gap
            weight = max(0.1, 1.0 / (place + 2))
            away = log_gap - mean
            mean += weight * away
            variance = (1 - weight) * (variance + weight * away * away)
            if gap > SESSION_GAP:
                sessions += 1
                length = np.log(times[place] - start + MINUTE)
                usual += (length - usual) * max(0.2, 1.0 / (sessions + 1))
                idle, start, run = log_gap, float(times[place + 1]), 0
            run += 1
            rows.append((last_gap, gap_before, mean, variance, run, start, usual, idle))
        table = np.array(rows)
        table[:, 3] = np.sqrt(table[:, 3] + 0.05)
        table[:, 4] = np.log1p(table[:, 4])
        states[first:end, count:] = table
    return states


class Excitation:
    """Say which models tend to begin soon after others did.

    A trace of each model is 1 at its start and fades; the traces of the others at the starts of a
    model are summed. A start is a use after more than ``gap`` seconds without one. Moments must rise
    from call to call.
    """

    def __init__(self, uses: UseTimes, *, half_life: float, gap: float) -> None:
        count = min(len(uses.names), MOST_MODELS)
        self._uses, self._half_life, self._gap = uses, half_life, gap
        self._trace, self._starts = np.zeros(count), np.full(count, 2.0)
        self._after = np.zeros((count, count))
        self._last = np.full(count, -1e18)
        self._now, self._done = 0.0, 0

    def at(self, moments: Floats, models: int) -> Floats:
        """Return the expected starts of the first models at rising moments, shape (Q, ``models``)."""
        found = np.empty((len(moments), models))
        times, model = self._uses.time, self._uses.model
        for row, moment in enumerate(moments.tolist()):
            while self._done < len(times) and times[self._done] < moment:
                if model[self._done] < len(self._trace):
                    self._see(float(times[self._done]), int(model[self._done]))
                self._done += 1
            fade = 2.0 ** ((self._now - moment) / self._half_life)
            share = self._trace[:models] * fade / self._starts[:models]
            found[row] = np.einsum("j,ji->i", share, self._after[:models, :models])
        return found

    def _see(self, time: float, model: int) -> None:
        if time - self._last[model] > self._gap:
            self._trace *= 2.0 ** ((self._now - time) / self._half_life)
            self._now = time
            self._trace[model] = 0.0
            self._after[:, model] += self._trace
            self._starts[model] += 1
            self._trace[model] = 1.0
        self._last[model] = time


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """Hold the features of N models at Q moments.

    Attributes:
        features: shape (Q, N, F); the first is 1.
        age: shape (Q, N), seconds since the last use, a large number where there is none.
        is_known: shape (Q, N), whether the model was used before.
        decayed: shape (Q, N, 6), uses so far, decayed by ``HALF_LIVES``.
    """

    features: Singles
    age: Floats
    is_known: npt.NDArray[np.bool_]
    decayed: Floats


class UseFeatures:
    """Work out the features of every model at any moment."""

    def __init__(self, uses: UseTimes) -> None:
        self._uses = uses
        self._states = session_states(uses)
        self._nth = np.arange(len(uses.by_model)) - uses.starts[uses.model_of]
        gaps = np.diff(uses.by_model, prepend=0.0)
        self._has_gap = self._nth > 0
        beyond = (np.searchsorted(GAP_EDGES, gaps)[:, np.newaxis] > np.arange(len(GAP_EDGES))) & self._has_gap[:, None]
        self._beyond = beyond
        # Of the gaps known after each use: how many there are, and how many were longer than each edge.
        total = np.cumsum(np.vstack([np.zeros(len(GAP_EDGES)), beyond]), axis=0, dtype=np.float32)
        self._longer = np.c_[self._nth, total[1:] - total[uses.starts[uses.model_of]]].astype(np.float32)

    def at(self, moments: Floats, excitations: tuple[Floats, ...]) -> Situation:
        """Return the features of the models that ``excitations`` speak of, at rising moments."""
        uses, models = self._uses, excitations[0].shape[1]
        counts = uses.counts(moments, models)
        last = uses.last(counts)
        is_known = last >= 0
        last = np.maximum(last, 0)
        age = np.where(is_known, moments[:, np.newaxis] - uses.by_model[last], _UNSEEN_SECONDS)
        decayed = self._states[last][..., : len(HALF_LIVES)] * np.exp2(-age[..., np.newaxis] / HALF_LIVES)
        columns = [
            np.ones_like(age),
            *self._ages(age, decayed),
            *self._sessions(age, last),
            *self._life(moments, last),
            *self._surroundings(moments),
            *self._same_time(moments, counts),
            *self._own_gaps(moments, age, last),
            *(np.log(excitation + 1e-3) for excitation in excitations),
        ]
        shape = age.shape
        features = np.stack([np.broadcast_to(column, shape) for column in columns], axis=-1).astype(np.float32)
        return Situation(features, age, is_known, decayed)

    def _ages(self, age: Floats, decayed: Floats) -> list[Floats]:
        log_age = np.log(age + 10.0)
        rates = np.log(decayed * (HOUR * np.log(2) / HALF_LIVES) + 1e-4)
        return [
            log_age,
            *(np.maximum(log_age - np.log(hinge + 10.0), 0.0) for hinge in _AGE_HINGES),
            *np.moveaxis(rates, -1, 0),
        ]

    def _sessions(self, age: Floats, last: Integers) -> list[Floats]:
        state = np.moveaxis(self._states[last][..., len(HALF_LIVES) :], -1, 0)
        gap, gap_before, mean, deviation, run, start, usual, idle = state
        length = np.log(self._uses.by_model[last] - start + MINUTE)
        away = np.clip((np.log(age + 10.0) - mean) / deviation, -3, 3)
        late = np.maximum(away, 0.0) ** 2
        return [gap, gap_before, mean, deviation, away, late, run, length, usual, idle, length - usual]

    def _life(self, moments: Floats, last: Integers) -> list[Floats]:
        firsts = self._uses.by_model[self._uses.starts[: last.shape[1]]]
        life = np.maximum(moments[:, np.newaxis] - firsts, MINUTE)
        return [np.log(life), np.log((self._nth[last] + 1) / life * HOUR)]

    def _surroundings(self, moments: Floats) -> list[Floats]:
        """Return how busy all models together are, and the time of the day, as columns (Q, 1)."""
        time = self._uses.time
        now = np.searchsorted(time, moments)
        of_hour, of_day = now - np.searchsorted(time, moments - HOUR), now - np.searchsorted(time, moments - DAY)
        load = np.log1p(of_hour) - np.log1p(of_day / 24)
        angle = moments % DAY / DAY * 2 * np.pi
        return [column[:, np.newaxis] for column in (load, np.sin(angle), np.cos(angle))]

    def _same_time(self, moments: Floats, counts: Integers) -> list[Floats]:
        """Return whether a model was used at this time of earlier days, and how long that took."""
        uses, models = self._uses, counts.shape[1]
        used_1h = np.zeros(counts.shape)
        used_4h = np.zeros(counts.shape)
        weights = np.zeros((len(moments), 1))
        for days in range(1, 8):
            weight = (moments >= days * DAY)[:, np.newaxis] * 0.8**days
            if not weight.any():
                break
            then = moments - days * DAY
            before = uses.counts(then, models)
            used_1h += weight * (uses.counts(then + HOUR, models) > before)
            used_4h += weight * (uses.counts(then + 4 * HOUR, models) > before)
            weights += weight
        columns = [np.log((used + 0.05) / (weights + 0.5)) for used in (used_1h, used_4h)]
        for days in (1, 2):
            then = moments - days * DAY
            wait = uses.next(uses.counts(then, models)) - then[:, np.newaxis]
            # Cut off before now, so that it does not tell of what comes.
            known = np.log(np.minimum(wait, days * DAY * 0.99) + 300.0)
            columns.append(np.where((moments >= days * DAY)[:, np.newaxis], known, np.log(12 * HOUR)))
        return columns

    def _own_gaps(self, moments: Floats, age: Floats, last: Integers) -> list[Floats]:
        """Return logits of a use within some times, from the model's own gaps shrunk to those of all."""
        is_past = self._has_gap & (self._uses.by_model < moments[0])
        if is_past.sum() > 50:
            pooled = np.r_[1.0, self._beyond[is_past].mean(axis=0)]
        else:
            pooled = np.exp(-np.r_[0.0, GAP_EDGES] / DAY)
        pooled = pooled + 1e-3
        now = np.searchsorted(GAP_EDGES, age)
        reached = self._longer[last, now]
        columns = []
        for horizon in _GAP_HORIZONS:
            then = np.minimum(np.maximum(np.searchsorted(GAP_EDGES, age + horizon), now + 1), len(GAP_EDGES))
            prior = np.clip(1 - pooled[then] / pooled[now], 0.001, 0.999)
            ended = (reached - self._longer[last, then] + _PSEUDO_GAPS * prior) / (reached + _PSEUDO_GAPS)
            ended = np.clip(ended, 1e-3, 0.999)
            columns.append(np.log(ended / (1 - ended)))
        return columns
