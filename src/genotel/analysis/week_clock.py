"""A clock that runs as fast as there is use: slower at weekends, where fewer models are used.

Being idle over a weekend says less than being idle over working days, and a horizon that is a weekend leaves less
room for a use. Both are measured by this clock; over a whole week it runs as others do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genotel.history.hourly import Floats

DAYS_PER_WEEK = 7
# Before a weekday has come again there is no week to be seen.
_LEAST_DAYS = 8
# What weekdays usually differ by, a day by chance, and a level in a day: deviations of logarithms.
_WEEKDAY, _CHANCE, _TREND = 0.4, 0.05, 0.02
# No day stands still or counts for weeks.
_SLOWEST, _FASTEST = 0.2, 3.0


@dataclass(frozen=True, slots=True, eq=False)
class WeekClock:
    """Turn days into days of use.

    Attributes:
        pace: shape (7,), how fast it runs on each day of the week, counted from ``origin``; the mean is 1.
    """

    pace: Floats

    def at(self, days: Floats) -> Floats:
        """Return what the clock shows at some times.

        Args:
            days: since the day that ``pace`` begins with; any shape.

        Example:
            >>> clock = WeekClock(np.array([1.3, 1.2, 1.2, 1.2, 1.1, 0.5, 0.5]))
            >>> clock.at(np.array([0.0, 0.5, 5.0, 7.0, 14.0])).round(2).tolist()
            [0.0, 0.65, 6.0, 7.0, 14.0]
        """
        shown = np.concatenate([[0.0], np.cumsum(self.pace)])
        weeks, day = np.divmod(days, DAYS_PER_WEEK)
        told: Floats = weeks * shown[-1] + np.interp(day, np.arange(DAYS_PER_WEEK + 1), shown)
        return told


def week_clock(models_in_use: Floats, is_known: np.ndarray) -> WeekClock:
    """Return the clock of a history.

    The logarithm of how many models are used on a day is a level, a trend and the weekday's own difference, each held
    near none by what is usual (a ridge).

    Args:
        models_in_use: shape (D,), how many models were used on each whole day.
        is_known: shape (D,), whether all of the day was observed.

    Example:
        >>> week = [100, 100, 100, 100, 100, 50, 50]
        >>> clock = week_clock(np.array(week * 8) * 1.0, np.ones(56, dtype=bool))
        >>> float((clock.pace[5] / clock.pace[0]).round(1))
        0.5
    """
    days = np.flatnonzero(is_known)
    if len(days) < _LEAST_DAYS or days[-1] - days[0] < DAYS_PER_WEEK or not np.any(models_in_use[days] > 0):
        return WeekClock(np.ones(DAYS_PER_WEEK))
    # A day without any use has no logarithm, and is a day all the same.
    count = models_in_use[days] + 0.5
    level = np.log(count)
    columns = np.zeros((len(days), 2 + DAYS_PER_WEEK))
    columns[:, 0], columns[:, 1] = 1.0, days - days.mean()
    columns[np.arange(len(days)), 2 + days % DAYS_PER_WEEK] = 1.0
    weight = 1 / (1 / count + _CHANCE**2)
    ridge = np.diag([1e-9, 1 / _TREND**2, *[1 / _WEEKDAY**2] * DAYS_PER_WEEK])
    found = np.linalg.solve(columns.T @ (columns * weight[:, None]) + ridge, columns.T @ (weight * level))
    pace = np.clip(np.exp(found[2:]), _SLOWEST, _FASTEST)
    return WeekClock(pace / pace.mean())
