"""Models that worked and then failed every time: their files are the first thing to look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from math import exp, lgamma
from typing import ClassVar

import numpy as np

from genotel.history.hourly import SECONDS_PER_HOUR
from genotel.recommenders.performance_findings.finding import KIND, Recent
from genotel.recommenders.recommendation import Reason, Recommendation, priority
from genotel.settings import AdviceSettings

# Fewer failures in a row are a bad moment.
LEAST_FAILURES = 5
# A run of failures may begin after any call, so chance has that many tries.
LARGEST_CHANCE = 0.01


class FailingSince:
    """Report a model that failed at every call since an hour, where its former failures do not explain it."""

    reason: ClassVar[Reason] = Reason.FAILING_SINCE
    supersedes: ClassVar[frozenset[Reason]] = frozenset({Reason.LOW_SUCCESS})

    def find(self, recent: Recent, settings: AdviceSettings) -> Iterator[Recommendation]:
        """Yield the models that broke."""
        table, history = recent.history.hourly, recent.history
        for index, model in enumerate(history.models):
            rows = slice(int(recent.starts[index]), int(recent.starts[index + 1]))
            succeeded, failed, hours = table.succeeded[rows], table.failed[rows], table.hour[rows]
            worked = np.flatnonzero(succeeded)
            if not len(worked):
                continue
            after = np.flatnonzero((np.arange(len(hours)) > worked[-1]) & (failed > 0))
            run = int(failed[after].sum())
            if run < LEAST_FAILURES or hours[after[-1]] < recent.first_hour:
                continue
            good, bad = int(succeeded.sum()), int(failed.sum()) - run
            by_chance = min(1.0, chance_of_run(good, bad, run) * (good + bad + 1))
            rank = priority(1 - by_chance, is_history_long_enough=True)
            if by_chance > LARGEST_CHANCE or rank is None:
                continue
            since = float(hours[after[0]]) * SECONDS_PER_HOUR
            when = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%d %H:00 UTC")
            yield Recommendation(
                model=model,
                kind=KIND,
                priority=rank,
                confidence=1 - by_chance,
                reason_code=self.reason,
                reason=f"All {run} calls since {when} failed, after {good} that succeeded and {bad} that failed. Check "
                "that its files are whole (compare their checksums, or fetch them anew) and what was changed then.",
                evidence={
                    "failed": run,
                    "failing_since": since,
                    "succeeded_before": good,
                    "failed_before": bad,
                    "chance_of_run": by_chance,
                },
            )


def chance_of_run(good: int, bad: int, run: int) -> float:
    """Return the chance that so many calls fail in a row, after these, if nothing changed.

    Calls of one unknown rate under Jeffreys' prior: B(bad + run + 1/2, good + 1/2) / B(bad + 1/2, good + 1/2).

    Example:
        >>> round(chance_of_run(0, 0, 1), 5), round(chance_of_run(99, 0, 2), 5)
        (0.5, 7e-05)
    """

    def log_beta(first: float, second: float) -> float:
        return lgamma(first) + lgamma(second) - lgamma(first + second)

    return exp(log_beta(bad + run + 0.5, good + 0.5) - log_beta(bad + 0.5, good + 0.5))
