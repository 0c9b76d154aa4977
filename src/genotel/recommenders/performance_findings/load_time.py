"""Models that spend more time being loaded than answering."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from genotel.recommenders.performance_findings.finding import KIND, Recent, day_interval, interval
from genotel.recommenders.recommendation import Reason, Recommendation, Saving, priority
from genotel.settings import AdviceSettings

# Loads of one day may be those of one bad evening.
LEAST_LOADS = 5
LEAST_DAYS = 3
DOMINATES = 0.5
SURE = 0.95


class LoadTimeDominates:
    """Report a model of which loading takes more than half of its time, for certain over its days."""

    reason: ClassVar[Reason] = Reason.LOAD_TIME_DOMINATES
    supersedes: ClassVar[frozenset[Reason]] = frozenset()

    def find(self, recent: Recent, settings: AdviceSettings) -> Iterator[Recommendation]:
        """Yield the models that wait for their weights."""
        loads, load_seconds, seconds, timed, requests = (
            recent.total(column) for column in ("timed_loads", "load_seconds", "duration_seconds", "timed", "requests")
        )
        for index in np.flatnonzero((loads >= LEAST_LOADS) & (timed > 0) & (load_seconds > DOMINATES * seconds)):
            table, rows = recent.rows_of(int(index))
            days = table.day[rows]
            if len(np.unique(days[table.loads[rows] > 0])) < LEAST_DAYS:
                continue
            # Calls without a known duration took as long as the others.
            busy = float(seconds[index] / timed[index]) * table.requests[rows].astype(np.float64)
            loading, answering = day_interval(days, table.load_seconds[rows], busy)
            share = loading / np.maximum(loading + answering, 1e-9)
            confidence = float(np.mean(share > DOMINATES))
            rank = priority(confidence, is_history_long_enough=True)
            if rank is None or confidence < SURE:
                continue
            lost = float(load_seconds[index]) / recent.days
            low, high = interval(loading / recent.days)
            share_low, share_high = interval(share)
            here = float(load_seconds[index] / (load_seconds[index] + busy.sum()))
            yield Recommendation(
                model=recent.history.models[index],
                kind=KIND,
                priority=rank,
                confidence=confidence,
                reason_code=self.reason,
                reason=f"{loads[index]:.0f} loads took {here:.0%} of its time in the last {recent.length} "
                f"(95 %: {share_low:.0%} to {share_high:.0%}), {lost:.3g} s a day. Keep it loaded, or load it faster: "
                "safetensors, a local disk, fewer bits.",
                evidence={
                    "loads": int(loads[index]),
                    "requests": int(requests[index]),
                    "load_seconds": round(float(load_seconds[index] / loads[index]), 6),
                    "average_duration_seconds": round(float(seconds[index] / timed[index]), 6),
                    "load_share": round(here, 6),
                    "load_share_low": round(share_low, 6),
                    "load_share_high": round(share_high, 6),
                    "seconds_per_day_low": round(low, 6),
                    "seconds_per_day_high": round(high, 6),
                    "window_days": round(recent.days, 3),
                },
                saving=Saving(seconds_per_day=lost),
            )
