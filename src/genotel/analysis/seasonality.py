"""When a model is used: days of the week that stand out, and whether use grows or fades."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from genotel.history.hourly import HOURS_PER_DAY, Integers

_DAYS_PER_WEEK = 7
# 1970-01-01 was a Thursday; Monday is 0.
_EPOCH_WEEKDAY = 3
# A day stands out with so many times its share; a change counts from two standard errors on.
_PEAK_RATIO = 1.5
_STANDARD_ERRORS = 2.0


class Trend(StrEnum):
    """Say how the use of the last week compares to that of the week before."""

    RISING = "rising"
    STEADY = "steady"
    FALLING = "falling"


def peak_days(requests: Integers, hour: Integers) -> tuple[int, ...]:
    """Return the days of the week (0 is Monday, UTC) with one and a half times their share of the requests.

    Args:
        requests: shape (R,), counts.
        hour: shape (R,), hours since the Unix epoch.

    Example:
        >>> peak_days(np.array([9, 1]), np.array([4 * 24 + 14, 5 * 24]))
        (0,)
    """
    weekday = (hour // HOURS_PER_DAY + _EPOCH_WEEKDAY) % _DAYS_PER_WEEK
    by_day = np.bincount(weekday, weights=requests, minlength=_DAYS_PER_WEEK)
    is_peak = (by_day >= _PEAK_RATIO * by_day.sum() / _DAYS_PER_WEEK) & (by_day > 0)
    return tuple(int(day) for day in np.flatnonzero(is_peak))


def trend(last_week: float, week_before: float) -> Trend:
    """Return whether two counts differ by more than chance (Poisson; square roots have a variance of 1/4).

    Example:
        >>> trend(40, 20), trend(5, 4), trend(0, 9)
        (<Trend.RISING: 'rising'>, <Trend.STEADY: 'steady'>, <Trend.FALLING: 'falling'>)
    """
    difference = 2 * (last_week**0.5 - week_before**0.5) / 2**0.5
    if difference > _STANDARD_ERRORS:
        return Trend.RISING
    return Trend.FALLING if difference < -_STANDARD_ERRORS else Trend.STEADY
