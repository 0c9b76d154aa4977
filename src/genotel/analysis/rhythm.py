"""In which hours of the week each model is used: decayed shares, shrunk to the day's and to the mean."""

from __future__ import annotations

import numpy as np

from genotel.history.hourly import HOURS_PER_DAY, Booleans, Floats

HOURS_PER_WEEK = 7 * HOURS_PER_DAY
# What an hour was a week ago counts half.
_FADE = 0.5 ** (1 / HOURS_PER_WEEK)
# How many hours at the coarser rate each finer one begins with.
_PSEUDO_DAYS, _PSEUDO_WEEKS = 4.0, 2.0


class WeeklyRhythm:
    """Learn the share of hours with a use, by hour of the week, of N models; 0 is Monday's first hour.

    Example:
        >>> rhythm = WeeklyRhythm(1)
        >>> for hour in range(14 * 24):
        ...     rhythm.learn(hour % 168, np.array([hour % 24 == 9]))
        >>> bool(rhythm.expected(9)[0] > 0.6), bool(rhythm.expected(10)[0] < 0.02)
        (True, True)
    """

    def __init__(self, models: int) -> None:
        self._of_week, self._weeks = np.zeros((models, HOURS_PER_WEEK)), np.zeros(HOURS_PER_WEEK)
        self._of_day, self._days = np.zeros((models, HOURS_PER_DAY)), np.zeros(HOURS_PER_DAY)
        self._all, self._hours = np.zeros(models), 0.0
        # Growing weights stand for fading ones: one number to touch instead of every table;
        # they reach 1e300 after 19 years.
        self._weight = 1.0

    def expected(self, hour_of_week: int) -> Floats:
        """Return the share of such hours with a use, shape (N,), 0–1."""
        hour = hour_of_week % HOURS_PER_DAY
        weight = self._weight
        mean = self._all / max(self._hours, weight)
        daily = (self._of_day[:, hour] + _PSEUDO_DAYS * weight * mean) / (self._days[hour] + _PSEUDO_DAYS * weight)
        pseudo = _PSEUDO_WEEKS * weight
        weekly: Floats = (self._of_week[:, hour_of_week] + pseudo * daily) / (self._weeks[hour_of_week] + pseudo)
        return weekly

    def learn(self, hour_of_week: int, is_used: Booleans) -> None:
        """Take in one hour of all models, shape (N,); hours that nobody watched are left out."""
        hour = hour_of_week % HOURS_PER_DAY
        self._weight /= _FADE
        weight = self._weight
        self._of_week[is_used, hour_of_week] += weight
        self._of_day[is_used, hour] += weight
        self._all[is_used] += weight
        self._weeks[hour_of_week] += weight
        self._days[hour] += weight
        self._hours += weight
