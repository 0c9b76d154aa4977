"""Models whose calls fail more often than ``min_success`` allows, for certain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from genotel.analysis.success import probability_below, wilson_interval
from genotel.recommenders.performance_findings.finding import KIND, Recent
from genotel.recommenders.recommendation import Reason, Recommendation, priority
from genotel.settings import AdviceSettings


class LowSuccess:
    """Report a rate when the whole of its 95 % Wilson interval lies below the limit."""

    reason: ClassVar[Reason] = Reason.LOW_SUCCESS
    supersedes: ClassVar[frozenset[Reason]] = frozenset()

    def find(self, recent: Recent, settings: AdviceSettings) -> Iterator[Recommendation]:
        """Yield the failing models."""
        succeeded, failed, requests = (recent.total(column) for column in ("succeeded", "failed", "requests"))
        known = succeeded + failed
        low, high = wilson_interval(succeeded, known)
        limit = settings.min_success
        for index, model in enumerate(recent.history.models):
            if not known[index] or high[index] >= limit:
                continue
            probability = probability_below(limit, float(succeeded[index]), float(known[index]))
            rank = priority(probability, is_history_long_enough=True)
            assert rank is not None, "the whole interval lies below the limit"
            yield Recommendation(
                model=model,
                kind=KIND,
                priority=rank,
                confidence=probability,
                reason_code=self.reason,
                reason=f"{failed[index]:.0f} of {known[index]:.0f} calls in the last {recent.length} failed; the true "
                f"success rate lies between {low[index]:.2f} and {high[index]:.2f}, the limit is {limit:g}. Check the "
                "model's files, its memory need and its parameters.",
                evidence={
                    "requests": int(requests[index]),
                    "failed": int(failed[index]),
                    "success_rate": round(float(succeeded[index] / known[index]), 6),
                    "success_rate_low": round(float(low[index]), 6),
                    "success_rate_high": round(float(high[index]), 6),
                    "window_days": round(recent.days, 3),
                },
            )
