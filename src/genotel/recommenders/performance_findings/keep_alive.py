"""Models that are let go although nobody needs their room, and loaded again soon after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from genotel.analysis.success import wilson_interval
from genotel.history.hourly import HOURS_PER_DAY, Integers
from genotel.recommenders.performance_findings.finding import KIND, Recent
from genotel.recommenders.recommendation import Reason, Recommendation, Saving, priority
from genotel.settings import AdviceSettings

# Later than this a server may well have been restarted, or its keep-alive be meant so.
SOON_HOURS = HOURS_PER_DAY
LEAST_LOADS = 5
# So many of its loads must have been needless, for certain.
MOSTLY = 0.5
_DRAWS = 999


class KeepAliveTooShort:
    """Report a model that is loaded again within a day while no other model was loaded in between.

    Whoever unloads only when room is needed would have kept it. A process that was started anew looks
    the same: the advice says so.
    """

    reason: ClassVar[Reason] = Reason.KEEP_ALIVE_TOO_SHORT
    supersedes: ClassVar[frozenset[Reason]] = frozenset()

    def find(self, recent: Recent, settings: AdviceSettings) -> Iterator[Recommendation]:
        """Yield the models that could have stayed."""
        history = recent.history
        loads_by_hour = _loads_by_hour(recent)
        loads, timed, seconds = (recent.total(column) for column in ("loads", "timed_loads", "load_seconds"))
        for index in np.flatnonzero(loads >= LEAST_LOADS):
            needless, counted = _needless(recent, int(index), loads_by_hour), float(loads[index])
            low, high = wilson_interval(np.array([needless]), np.array([counted]))
            if low[0] <= MOSTLY:
                continue
            # The posterior of the share, under Jeffreys' prior.
            share = np.random.default_rng(0).beta(needless + 0.5, counted - needless + 0.5, _DRAWS)
            confidence = float(np.mean(share > MOSTLY))
            rank = priority(confidence, is_history_long_enough=True)
            assert rank is not None, "the whole interval lies above one half"
            each = float(seconds[index] / timed[index]) if timed[index] else None
            # The loads are known; what is not is how many of the next ones are needless.
            lost, lost_low, lost_high = (
                None if each is None else round(part * counted / recent.days * each, 6)
                for part in (needless / counted, float(low[0]), float(high[0]))
            )
            yield Recommendation(
                model=history.models[index],
                kind=KIND,
                priority=rank,
                confidence=confidence,
                reason_code=self.reason,
                reason=f"{needless:.0f} of {counted:.0f} loads in the last {recent.length} came within a day of "
                "its last use, and no other model had been loaded meanwhile: it was let go without need, unless its "
                "process was started anew. Unload only when room is needed: a longer keep-alive, or none.",
                evidence={
                    "loads": int(counted),
                    "needless_loads": int(needless),
                    "needless_share_low": round(float(low[0]), 6),
                    "needless_share_high": round(float(high[0]), 6),
                    "load_seconds": None if each is None else round(each, 6),
                    "seconds_per_day_low": lost_low,
                    "seconds_per_day_high": lost_high,
                    "window_days": round(recent.days, 3),
                },
                saving=Saving(seconds_per_day=lost),
            )


def _loads_by_hour(recent: Recent) -> Integers:
    """Return how many loads of any model there were before each hour of the history, shape (T + 1,)."""
    history, table = recent.history, recent.history.hourly
    counts = np.bincount(table.hour - history.first_hour, weights=table.loads, minlength=len(history.observed))
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _needless(recent: Recent, index: int, loads_before: Integers) -> float:
    """Return how many loads of a model in its recent hours were needless."""
    history, table = recent.history, recent.history.hourly
    rows = slice(int(recent.starts[index]), int(recent.starts[index + 1]))
    hours, used, loads = table.hour[rows].tolist(), table.requests[rows] > 0, table.loads[rows].tolist()
    own_before = np.concatenate([[0], np.cumsum(loads)])
    needless, last_used = 0, None
    for place, hour in enumerate(hours):
        count = loads[place]
        if count and hour >= recent.first_hour:
            has_use = last_used is not None and hour - hours[last_used] <= SOON_HOURS
            # Without a use shortly before, the first load had nothing to keep; further ones of its hour had.
            first = last_used if has_use and last_used is not None else place
            begin, end = hours[first] - history.first_hour, hour - history.first_hour + 1
            others = loads_before[end] - loads_before[begin] - (own_before[place + 1] - own_before[first])
            if not others:
                needless += count if has_use else count - 1
        if used[place]:
            last_used = place
    return float(needless)
