"""What a finding has to do, and the figures of the last days that most of them look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from genotel.history.hourly import HOURS_PER_DAY, Booleans, Floats, HourTable, Integers
from genotel.history.usage import UsageHistory
from genotel.recommenders.recommendation import Reason, Recommendation
from genotel.settings import AdviceSettings

KIND = "performance"
_RESAMPLES = 999


@dataclass(frozen=True, slots=True, eq=False)
class Recent:
    """Hold the last ``performance_window_days`` of a history.

    Attributes:
        history: the whole of it.
        days: how many days are looked at; never more than there are.
        first_hour: the first hour of them.
        rows: which rows of ``history.hourly`` lie in them, shape (R,).
        starts: where the rows of each model begin in ``history.hourly``, shape (N + 1,).
    """

    history: UsageHistory
    days: float
    first_hour: float
    rows: Booleans
    starts: Integers

    @classmethod
    def of(cls, history: UsageHistory, days: float) -> Recent:
        """Return the last days of a history that has data."""
        first = history.first_hour + len(history.observed) - days * HOURS_PER_DAY
        table = history.hourly
        return cls(
            history=history,
            days=max(min(days, history.span_days), 1 / HOURS_PER_DAY),
            first_hour=first,
            rows=table.hour >= first,
            starts=np.searchsorted(table.model, np.arange(len(history.models) + 1)).astype(np.int64),
        )

    @property
    def length(self) -> str:
        """Return how long they are, in words: in hours where they are fewer than two days."""
        if self.days >= 2:
            return f"{self.days:.3g} days"
        hours = round(self.days * HOURS_PER_DAY)
        return "hour" if hours <= 1 else f"{hours} hours"

    def total(self, column: str) -> Floats:
        """Return the sum of a column over the last days for each model, shape (N,)."""
        table = self.history.hourly
        weights = getattr(table, column)[self.rows].astype(np.float64)
        count = len(self.history.models)
        return np.bincount(table.model[self.rows], weights=weights, minlength=count).astype(np.float64)

    def rows_of(self, index: int) -> tuple[HourTable, Integers]:
        """Return the table, and which of its rows are a model's in the last days."""
        places = np.arange(self.starts[index], self.starts[index + 1])
        return self.history.hourly, places[self.rows[places]]


class Finding(Protocol):
    """Look for one thing that is wrong."""

    @property
    def reason(self) -> Reason:
        """Return its reason code."""
        ...

    @property
    def supersedes(self) -> frozenset[Reason]:
        """Return what need not be said of a model beside it."""
        ...

    def find(self, recent: Recent, settings: AdviceSettings) -> Iterator[Recommendation]:
        """Yield a recommendation for each model of which it is true, in any order."""
        ...


def day_interval(days: Integers, *columns: Floats) -> tuple[Floats, ...]:
    """Return sums of columns over resampled days: what chance makes of the days that there were.

    Args:
        days: shape (R,), the day of each row.
        columns: shape (R,) each.

    Returns:
        For each column shape (999,): its sum, days drawn with replacement.
    """
    known, day = np.unique(days, return_inverse=True)
    # The same days are drawn for every column and in every run.
    drawn = np.random.default_rng(0).multinomial(len(known), np.full(len(known), 1 / len(known)), _RESAMPLES)
    times = drawn.astype(np.float64)
    return tuple(times @ np.bincount(day, weights=column, minlength=len(known)) for column in columns)


def interval(values: Floats) -> tuple[float, float]:
    """Return the middle 95 % of some values."""
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
