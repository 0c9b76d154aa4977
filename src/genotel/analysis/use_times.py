"""When each model was used, to the second: what forecasts and replays of policies are made from.

Models are numbered in the order of their first use, so that models which come later change no number,
no shape and no random draw of the days before: nothing looks ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genotel.history.hourly import SECONDS_PER_DAY, Floats, Integers

# Keeps uses of one moment in their order without moving any of them by a noticeable time.
_TIE_SECONDS = 1e-7
# Stands for "never again" where infinity would make a NaN of a difference.
NEVER = 1e15


@dataclass(frozen=True, slots=True, eq=False)
class UseTimes:
    """Hold K uses of N models; times are seconds since midnight (UTC) of the day of the first use.

    Attributes:
        names: N names, in the order of the first use.
        midnight: Unix time of second 0.
        time: shape (K,), rising.
        model: shape (K,), index in ``names``.
        order: shape (K,), where each use stood in what it was made from.
        by_model: shape (K,), the times again, model after model.
        model_of: shape (K,), the model of each entry of ``by_model``.
        starts: shape (N + 1,), where each model's times begin in ``by_model``.
        following: shape (K,), time of the next use of the same model, ``NEVER`` where there is none.

    Example:
        >>> uses = use_times(["b", "a", "b"], np.array([86_400.0, 86_410.0, 86_420.0]))
        >>> uses.names, uses.time.round().tolist()
        (('b', 'a'), [0.0, 10.0, 20.0])
    """

    names: tuple[str, ...]
    midnight: float
    time: Floats
    model: Integers
    order: Integers
    by_model: Floats
    model_of: Integers
    starts: Integers
    following: Floats

    @property
    def days(self) -> int:
        """Return the number of calendar days from the first to the last use; 0 without a use."""
        return int(self.time[-1] // SECONDS_PER_DAY) + 1 if len(self.time) else 0

    def known_before(self, moment: float) -> int:
        """Return how many models were used before a moment; they are the first ones."""
        firsts = self.by_model[self.starts[:-1]]
        return int(np.searchsorted(firsts, moment))

    def counts(self, moments: Floats, models: int) -> Integers:
        """Return the uses before each moment of the first models, shape (Q, ``models``)."""
        found = np.empty((len(moments), models), dtype=np.int64)
        for index in range(models):
            own = self.by_model[self.starts[index] : self.starts[index + 1]]
            found[:, index] = np.searchsorted(own, moments)
        return found

    def last(self, counts: Integers) -> Integers:
        """Return the place in ``by_model`` of the last of ``counts`` uses; -1 where there is none."""
        return np.where(counts > 0, self.starts[: counts.shape[1]] + counts - 1, -1)

    def next(self, counts: Integers) -> Floats:
        """Return the time of the first use after ``counts`` uses; infinite where there is none."""
        starts, ends = self.starts[: counts.shape[1]], self.starts[1 : counts.shape[1] + 1]
        place = np.minimum(starts + counts, len(self.by_model) - 1)
        return np.where(starts + counts < ends, self.by_model[place], np.inf)

    def slice_of(self, day: int) -> slice:
        """Return which uses fall on a day, counted from 0."""
        first, last = np.searchsorted(self.time, [day * SECONDS_PER_DAY, (day + 1) * SECONDS_PER_DAY])
        return slice(int(first), int(last))


def use_times(models: list[str], times: npt.NDArray[np.floating]) -> UseTimes:
    """Return the uses of an event list, shape (K,) each, in any order; times are Unix seconds."""
    order = np.argsort(times, kind="stable")
    sorted_times = times[order].astype(np.float64)
    midnight = float(sorted_times[0] // SECONDS_PER_DAY * SECONDS_PER_DAY) if len(order) else 0.0
    number: dict[str, int] = {}
    model = np.array([number.setdefault(models[place], len(number)) for place in order.tolist()], dtype=np.int64)
    time = sorted_times - midnight + _TIE_SECONDS * np.arange(len(order))
    # The ties must not push a use over midnight, into another day.
    time = np.minimum(time, (sorted_times - midnight) // SECONDS_PER_DAY * SECONDS_PER_DAY + (SECONDS_PER_DAY - 1e-4))
    by_model = np.argsort(model, kind="stable")
    grouped, model_of = time[by_model], model[by_model]
    following = np.full(len(order), NEVER)
    has_next = np.flatnonzero(np.diff(model_of) == 0)
    following[by_model[has_next]] = grouped[has_next + 1]
    return UseTimes(
        names=tuple(number),
        midnight=midnight,
        time=time,
        model=model,
        order=order.astype(np.int64),
        by_model=grouped,
        model_of=model_of,
        starts=np.searchsorted(model_of, np.arange(len(number) + 1)).astype(np.int64),
        following=following,
    )
