"""Models that would make their items faster at a batch size that they are already used with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from genotel.history.hourly import HOURS_PER_DAY
from genotel.history.usage import BatchUse
from genotel.recommenders.performance_findings.finding import KIND, Recent, day_interval, interval
from genotel.recommenders.recommendation import Reason, Recommendation, Saving, priority
from genotel.settings import AdviceSettings

# A size that was tried less often is not known.
LEAST_CALLS = 10
LEAST_DAYS = 3
# Less than a tenth is not worth a change.
LEAST_SHARE = 0.1
SURE = 0.95


class BatchSize:
    """Report a model whose items take certainly a tenth less at one of the batch sizes in use.

    Only sizes that were used on three days or more are compared; nothing is said of sizes that nobody tried.
    """

    reason: ClassVar[Reason] = Reason.BATCH_SIZE
    supersedes: ClassVar[frozenset[Reason]] = frozenset()

    def find(self, recent: Recent, settings: AdviceSettings) -> Iterator[Recommendation]:
        """Yield the models that are asked for too few items at once, or too many."""
        by_model: defaultdict[str, list[BatchUse]] = defaultdict(list)
        for use in recent.history.batches:
            if (use.day + 1) * HOURS_PER_DAY > recent.first_hour:
                by_model[use.model].append(use)
        for model, uses in sorted(by_model.items()):
            advice = self._compare(model, _known(uses), recent)
            if advice is not None:
                yield advice

    def _compare(self, model: str, uses: list[BatchUse], recent: Recent) -> Recommendation | None:
        sizes = sorted({use.size for use in uses})
        if len(sizes) < 2:
            return None
        days = np.array([use.day for use in uses])
        seconds = np.array([use.seconds for use in uses])
        items = np.array([use.calls * use.size for use in uses])
        at = {size: np.array([use.size == size for use in uses]) for size in sizes}
        each = {size: float(seconds[at[size]].sum() / items[at[size]].sum()) for size in sizes}
        best = min(sizes, key=lambda size: (each[size], size))
        # Each draw of days compares all that was made with what it would have taken at the best size.
        spent, made, best_spent, best_made = day_interval(days, seconds, items, seconds * at[best], items * at[best])
        can_tell = best_made > 0
        saved = spent[can_tell] - made[can_tell] * best_spent[can_tell] / best_made[can_tell]
        confidence = float(np.mean(saved > LEAST_SHARE * spent[can_tell])) if can_tell.any() else 0.0
        rank = priority(confidence, is_history_long_enough=True)
        if confidence < SURE or rank is None:
            return None
        usual = max((size for size in sizes if size != best), key=lambda size: float(items[at[size]].sum()))
        lost = float(seconds.sum() - items.sum() * each[best]) / recent.days
        low, high = interval(saved / recent.days)
        return Recommendation(
            model=model,
            kind=KIND,
            priority=rank,
            confidence=confidence,
            reason_code=self.reason,
            reason=f"An item takes {each[best]:.3g} s at a batch size of {best:g} and {each[usual]:.3g} s at "
            f"{usual:g}; the sizes in use take {lost:.3g} s a day more. Ask for {best:g} at once where so many wait.",
            evidence={
                "best_batch_size": best,
                "best_seconds_per_item": round(each[best], 6),
                "usual_batch_size": usual,
                "usual_seconds_per_item": round(each[usual], 6),
                "items": round(float(items.sum())),
                "seconds_per_day_low": round(low, 6),
                "seconds_per_day_high": round(high, 6),
                "window_days": round(recent.days, 3),
            },
            saving=Saving(seconds_per_day=lost),
        )


def _known(uses: list[BatchUse]) -> list[BatchUse]:
    """Return the uses of sizes that were tried often enough."""
    calls: defaultdict[float, int] = defaultdict(int)
    days: defaultdict[float, set[int]] = defaultdict(set)
    for use in uses:
        calls[use.size] += use.calls
        days[use.size].add(use.day)
    return [use for use in uses if calls[use.size] >= LEAST_CALLS and len(days[use.size]) >= LEAST_DAYS]
