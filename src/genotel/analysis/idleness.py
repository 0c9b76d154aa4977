"""How long each model has not been used, as far as anybody was looking.

Time that was not observed speaks for a model, never against it: a day on which a use could have gone
unseen counts as a day of use.
"""

from __future__ import annotations

import numpy as np

from genotel.history.hourly import HOURS_PER_DAY, SECONDS_PER_DAY, Booleans, Floats, Integers
from genotel.history.usage import UsageHistory


def days_since_last_use(history: UsageHistory) -> Floats:
    """Return the days from the last known use to the end of the history, shape (N,).

    A model without a use counts from the moment that it was first seen; nothing counts from before
    the history began.

    Example:
        >>> from genotel.history.usage import empty_history
        >>> days_since_last_use(empty_history("nothing"))
        array([], dtype=float64)
    """
    last = np.where(np.isfinite(history.last_used), history.last_used, history.first_seen)
    return (history.end - np.clip(last, history.start, history.end)) / SECONDS_PER_DAY


def days_certainly_idle(history: UsageHistory) -> Floats:
    """Return the days for which it is certain that a model was not used, shape (N,).

    That is :func:`days_since_last_use`, but from the end of the last day that was not wholly observed
    where that came later.
    """
    idle = days_since_last_use(history)
    hidden = history.hidden_days
    if not len(hidden):
        return idle
    seen_since = (history.end - (hidden[-1] + 1) * SECONDS_PER_DAY) / SECONDS_PER_DAY
    return np.minimum(idle, max(seen_since, 0.0))


def use_days(history: UsageHistory) -> tuple[Integers, Integers]:
    """Return (model, day) of every day on which a model was used, sorted, each pair once.

    Days are counted from the Unix epoch (UTC); both arrays have the shape (K,).
    """
    is_used = history.hourly.requests > 0
    model, day = history.hourly.model[is_used], history.hourly.day[is_used]
    is_first = np.ones(len(model), dtype=bool)
    is_first[1:] = (np.diff(model) != 0) | (np.diff(day) != 0)
    return model[is_first], day[is_first]


def active_share(history: UsageHistory) -> Floats:
    """Return the share of days with a use, of the days since a model was first seen, shape (N,)."""
    model, _ = use_days(history)
    used = np.bincount(model, minlength=len(history.models))
    first = np.clip(history.first_seen, history.start, history.end) // SECONDS_PER_DAY
    share: Floats = used / (history.end // SECONDS_PER_DAY - first + 1)
    return share


def days_known(history: UsageHistory) -> Floats:
    """Return the days of the history for which each model was known, shape (N,)."""
    return (history.end - np.clip(history.first_seen, history.start, history.end)) / SECONDS_PER_DAY


def possible_uses_per_day(history: UsageHistory) -> Floats:
    """Return the uses a day since each model was first seen, shape (N,); of one day at least.

    A day that was not wholly observed adds one possible use to each model.
    """
    first = np.clip(history.first_seen, history.start, history.end) // SECONDS_PER_DAY
    hidden_since = len(history.hidden_days) - np.searchsorted(history.hidden_days, first)
    return (history.total("requests") + hidden_since) / np.maximum(days_known(history), 1.0)


def peak_hours(requests: Integers, hour: Integers) -> tuple[int, ...]:
    """Return the hours of the day (UTC, 0–23) that hold twice their share of the requests or more.

    Args:
        requests: shape (R,), counts.
        hour: shape (R,), hours since the Unix epoch.

    Example:
        >>> peak_hours(np.array([27, 1, 1]), np.array([14, 15, 24 + 16]))
        (14,)
    """
    by_hour = np.bincount(hour % HOURS_PER_DAY, weights=requests, minlength=HOURS_PER_DAY)
    is_peak: Booleans = by_hour >= 2 * by_hour.sum() / HOURS_PER_DAY
    return tuple(int(hour) for hour in np.flatnonzero(is_peak & (by_hour > 0)))
