"""How likely it is that a model will not be used within a horizon, by how long it has been idle.

A first and plain engine. The hazard of use (uses a day that would end an idle time) is learned by age
of the idle time from all models of the history together, and never rises with age. Each class of age
starts from half a made-up use at the rate of Lindy's law, ``1 / (1 + age)`` a day: what has been idle
for ``a`` days would by that alone stay so for ``H`` more with a probability of (1 + a) / (1 + a + H).

These hold exactly and are tested as laws:

- of two models, the one that has been idle for longer is not less likely to stay unused;
- taking the last uses of a model away does not make it less likely to stay unused;
- a history that goes on without any use makes nothing less likely to stay unused;
- hiding a day from observation makes nothing more likely to stay unused, as long as the models stay
  known: a hidden day counts as a possible use at every age that it could have ended, and only the
  time whose age is certain counts as idle.

What it does not do: it knows no rhythm of the week and does not tell often from rarely used models
apart; all models that have been idle equally long get the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from genotel.analysis.idleness import days_certainly_idle, use_days
from genotel.history.hourly import SECONDS_PER_DAY, Booleans, Floats, Integers
from genotel.history.usage import UsageHistory

# Ages in days. They grow by about 1.6, since a day matters at the age of one and not at that of fifty.
AGE_EDGES = np.array([0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987], dtype=np.float64)
# Made-up uses in each class of age: strong enough to carry a history of one model, gone after a few.
PRIOR_USES = 0.5

_WIDTHS = np.diff(AGE_EDGES, append=np.inf)
_CLASSES = len(AGE_EDGES)


class NoUseLikelihood(Protocol):
    """Be the engine behind cleanup: replaceable as a whole, see ``recommenders/cleanup.py``."""

    def __call__(self, history: UsageHistory, horizon_days: float) -> Floats:
        """Return P(no use within the horizon after the end) of each model, shape (N,)."""
        ...


def probability_of_no_use(history: UsageHistory, horizon_days: float) -> Floats:
    """Return the probability that each model is not used within ``horizon_days``, shape (N,).

    Example:
        >>> from genotel.history.usage import empty_history
        >>> probability_of_no_use(empty_history("nothing"), 30.0)
        array([], dtype=float64)
    """
    uses, exposure = _idle_times(history)
    hazard = _falling(uses + PRIOR_USES, exposure + PRIOR_USES * _prior_exposure())
    idle = days_certainly_idle(history)
    within = _time_by_age(idle + horizon_days) - _time_by_age(idle)
    # Rounded, so that equal answers are equal: a sum may differ in its last digit.
    probability: Floats = np.exp(-within @ hazard)
    return probability.round(12)


@dataclass(frozen=True, slots=True, eq=False)
class _Points:
    """The days at which idle times end, of all models: uses, and hidden days that may hold one.

    Shape (P,) each, sorted by model and day.
    """

    model: Integers
    day: Integers
    is_use: Booleans


def _points(history: UsageHistory) -> _Points:
    model, day = use_days(history)
    hidden = history.hidden_days
    count = len(history.models)
    first_day = (np.clip(history.first_seen, history.start, history.end) // SECONDS_PER_DAY).astype(np.int64)
    hidden_model, hidden_day = np.repeat(np.arange(count), len(hidden)), np.tile(hidden, count)
    is_known = hidden_day >= first_day[hidden_model]
    hidden_model, hidden_day = hidden_model[is_known], hidden_day[is_known]
    all_models, all_days = np.concatenate([model, hidden_model]), np.concatenate([day, hidden_day])
    # A use on a hidden day is still a use: of the two points of that day the use comes first and stays.
    order = np.lexsort((np.arange(len(all_models)) >= len(model), all_days, all_models))
    all_models, all_days, is_use = all_models[order], all_days[order], (order < len(model))
    is_first = np.ones(len(all_models), dtype=bool)
    is_first[1:] = (np.diff(all_models) != 0) | (np.diff(all_days) != 0)
    return _Points(all_models[is_first], all_days[is_first], is_use[is_first])


def _idle_times(history: UsageHistory) -> tuple[Floats, Floats]:
    """Return uses that ended an idle time and days spent idle, by class of age, shape (A,) each."""
    points = _points(history)
    if not len(points.model):
        return np.zeros(_CLASSES), np.zeros(_CLASSES)
    is_last = np.append(np.diff(points.model) != 0, True)
    following = np.append(points.day[1:], 0)
    following[is_last] = history.end // SECONDS_PER_DAY
    # Idle for at least the time since the point before, at most that since the last certain use (or
    # the first day that may hold one).
    shortest = (following - points.day).astype(np.float64)
    longest = (following - points.day[_last_certain(points)]).astype(np.float64)
    low, high = (np.bincount(_age_class(age[~is_last]), minlength=_CLASSES) for age in (shortest, longest))
    uses = np.cumsum(low) - np.cumsum(high) + high
    return uses.astype(np.float64), _time_by_age(shortest[points.is_use]).sum(axis=0)


def _last_certain(points: _Points) -> Integers:
    """Return for each point the position of the last use at or before it, or of its model's first point."""
    position = np.arange(len(points.model))
    is_start = np.append(True, np.diff(points.model) != 0)
    return np.maximum.accumulate(np.where(points.is_use | is_start, position, 0))


def _age_class(days: Floats) -> Integers:
    return np.searchsorted(AGE_EDGES, days, side="right") - 1


def _time_by_age(days: Floats) -> Floats:
    """Return how an idle time of each length is spread over the classes of age, shape (…, A)."""
    return np.clip(days[:, np.newaxis] - AGE_EDGES, 0.0, _WIDTHS)


def _prior_exposure() -> Floats:
    """Return the days that one made-up use of each class is spread over, shape (A,)."""
    middle = np.append((AGE_EDGES[:-1] + AGE_EDGES[1:]) / 2, AGE_EDGES[-1] * 1.3)
    return 1.0 + middle


def _falling(uses: Floats, exposure: Floats) -> Floats:
    """Return the hazard of each class of age such that it never rises with age, shape (A,).

    The least-squares fit by the min-max formula of isotonic regression (Robertson, Wright and
    Dykstra, Order Restricted Statistical Inference, 1988, theorem 1.4.4): every value only rises with
    ``uses`` and falls with ``exposure``, which is what the laws above rest on.
    """
    used, spent = np.append(0.0, np.cumsum(uses)), np.append(0.0, np.cumsum(exposure))
    hazard = np.full(_CLASSES, np.inf)
    for start in range(_CLASSES):
        means = (used[start + 1 :] - used[start]) / (spent[start + 1 :] - spent[start])
        hazard[start:] = np.minimum(hazard[start:], np.maximum.accumulate(means[::-1])[::-1])
    return hazard
