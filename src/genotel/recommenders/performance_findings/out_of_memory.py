"""Models that do not fit: calls that ran out of memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from genotel.analysis.success import probability_below, wilson_interval
from genotel.recommenders.performance_findings.finding import KIND, Recent
from genotel.recommenders.recommendation import Reason, Recommendation, Saving, priority
from genotel.settings import AdviceSettings

# Fewer may be one large picture.
LEAST_FAILURES = 3
# A share that nobody would look into.
TOLERABLE_SHARE = 0.01


class OutOfMemory:
    """Report a model of which certainly more than one call in a hundred ran out of memory."""

    reason: ClassVar[Reason] = Reason.OUT_OF_MEMORY
    supersedes: ClassVar[frozenset[Reason]] = frozenset()

    def find(self, recent: Recent, settings: AdviceSettings) -> Iterator[Recommendation]:
        """Yield the models that are short of memory."""
        failures: Counter[str] = Counter()
        for told in recent.history.out_of_memory:
            if told.hour >= recent.first_hour:
                failures[told.model] += told.calls
        requests, seconds, timed = (recent.total(column) for column in ("requests", "duration_seconds", "timed"))
        for index, model in enumerate(recent.history.models):
            failed, calls = failures[model], max(float(requests[index]), float(failures[model]))
            if failed < LEAST_FAILURES:
                continue
            low, high = wilson_interval(np.array([float(failed)]), np.array([calls]))
            confidence = 1 - probability_below(TOLERABLE_SHARE, float(failed), calls)
            rank = priority(confidence, is_history_long_enough=True)
            if low[0] <= TOLERABLE_SHARE or rank is None:
                continue
            # What a call took on average is what one that failed took for nothing.
            each = float(seconds[index] / timed[index]) if timed[index] else None
            lost, lost_low, lost_high = (
                None if each is None else round(share * calls * each / recent.days, 6)
                for share in (failed / calls, float(low[0]), float(high[0]))
            )
            yield Recommendation(
                model=model,
                kind=KIND,
                priority=rank,
                confidence=confidence,
                reason_code=self.reason,
                reason=f"{failed} of {calls:.0f} calls in the last {recent.length} ran out of memory (95 %: "
                f"{low[0]:.1%} to {high[0]:.1%}). Offload parts that rest to the machine's memory, decode in tiles, "
                "ask for fewer pixels or frames or items at once, use fewer bits, or keep fewer models beside it.",
                evidence={
                    "out_of_memory": failed,
                    "calls": int(calls),
                    "share_low": round(float(low[0]), 6),
                    "share_high": round(float(high[0]), 6),
                    "average_duration_seconds": None if each is None else round(each, 6),
                    "seconds_per_day_low": lost_low,
                    "seconds_per_day_high": lost_high,
                    "window_days": round(recent.days, 3),
                },
                saving=Saving(seconds_per_day=lost),
            )
