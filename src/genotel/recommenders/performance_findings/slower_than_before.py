"""Models whose calls take longer than they did: a change point within the last days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import ClassVar

import numpy as np

from genotel.analysis.change_point import rise
from genotel.history.hourly import HOURS_PER_DAY, SECONDS_PER_HOUR
from genotel.recommenders.performance_findings.finding import KIND, Recent
from genotel.recommenders.recommendation import Reason, Recommendation, Saving, priority
from genotel.settings import AdviceSettings

# A tenth is the least that is worth a line.
LEAST_RATIO = 1.1
# One model in a hundred that did not change may be reported.
LARGEST_CHANCE = 0.01
# How much of the past the last days are held against, in windows.
WINDOWS = 4
# An hour of one call says less than one of many, but not by their number: hours differ too.
_HALF_WEIGHT_CALLS = 5.0


class SlowerThanBefore:
    """Report a rise of the mean duration of calls by a tenth or more that began within the last days.

    What is longer ago is how the model is by now. What its calls ask for (steps, tokens, size) is not
    looked at: the advice says to look there first.
    """

    reason: ClassVar[Reason] = Reason.SLOWER_THAN_BEFORE
    supersedes: ClassVar[frozenset[Reason]] = frozenset()

    def find(self, recent: Recent, settings: AdviceSettings) -> Iterator[Recommendation]:
        """Yield the models that became slower."""
        history, table = recent.history, recent.history.hourly
        from_hour = recent.first_hour - (WINDOWS - 1) * settings.performance_window_days * HOURS_PER_DAY
        is_timed = (table.timed > 0) & (table.duration_seconds > 0) & (table.hour >= from_hour)
        for index, model in enumerate(history.models):
            rows = np.arange(recent.starts[index], recent.starts[index + 1])
            rows = rows[is_timed[rows]]
            timed, hours = table.timed[rows].astype(np.float64), table.hour[rows]
            if not len(rows):
                continue
            found = rise(
                table.duration_seconds[rows] / timed,
                timed / (timed + _HALF_WEIGHT_CALLS),
                hours,
                least_ratio=LEAST_RATIO,
            )
            if found is None or found.hour < recent.first_hour or found.p_value > LARGEST_CHANCE:
                continue
            rank = priority(found.confidence, is_history_long_enough=True)
            if rank is None:
                continue
            is_after = hours >= found.hour
            days = max((history.end / SECONDS_PER_HOUR - found.hour) / HOURS_PER_DAY, 1 / HOURS_PER_DAY)
            seconds, calls = float(table.duration_seconds[rows][is_after].sum()), float(timed[is_after].sum())
            # What the same calls would have taken at the old level.
            lost, low, high = (seconds / days * (1 - 1 / ratio) for ratio in (found.ratio, *found.ratios))
            yield Recommendation(
                model=model,
                kind=KIND,
                priority=rank,
                confidence=found.confidence,
                reason_code=self.reason,
                reason=f"Its calls take {found.ratio:.2f} times as long since {_hour(found.hour)} (95 %: "
                f"{found.ratios[0]:.2f} to {found.ratios[1]:.2f} times, since {_hour(found.hours[0])} to "
                f"{_hour(found.hours[1])}): {seconds / calls:.3g} s a call, {lost:.3g} s more a day. Look at what was "
                "changed then: parameters, versions, what else runs on the machine.",
                evidence={
                    "ratio": round(found.ratio, 6),
                    "ratio_low": round(found.ratios[0], 6),
                    "ratio_high": round(found.ratios[1], 6),
                    "changed_at": float(found.hour) * SECONDS_PER_HOUR,
                    "changed_at_low": float(found.hours[0]) * SECONDS_PER_HOUR,
                    "changed_at_high": float(found.hours[1]) * SECONDS_PER_HOUR,
                    "p_value": found.p_value,
                    "average_duration_seconds": round(seconds / calls, 6),
                    "calls_since": int(calls),
                    "seconds_per_day_low": round(low, 6),
                    "seconds_per_day_high": round(high, 6),
                },
                saving=Saving(seconds_per_day=lost),
            )


def _hour(hour: int) -> str:
    return datetime.fromtimestamp(hour * SECONDS_PER_HOUR, UTC).strftime("%Y-%m-%d %H:00 UTC")
