"""Models whose calls take much longer than those of other models that do the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from genotel.analysis.outliers import chance_above_peers
from genotel.recommenders.performance_findings.finding import KIND, Recent, day_interval, interval
from genotel.recommenders.recommendation import Reason, Recommendation, Saving, priority
from genotel.settings import AdviceSettings

# The mean of fewer calls is an accident.
LEAST_CALLS = 20
LEAST_DAYS = 3
# Models of one operation differ by nature: less than twice as long is no finding.
LEAST_RATIO = 2.0
LARGEST_CHANCE = 0.01


class SlowerThanPeers:
    """Report a model whose mean duration is far beyond what its peers would let expect.

    Peers are the models of the same operation (chat, generate_content, …), where the source knows it. What
    they are asked for differs, and so do their sizes: the advice names both.
    """

    reason: ClassVar[Reason] = Reason.SLOWER_THAN_PEERS
    supersedes: ClassVar[frozenset[Reason]] = frozenset()

    def find(self, recent: Recent, settings: AdviceSettings) -> Iterator[Recommendation]:
        """Yield the slow ones of each operation."""
        history = recent.history
        seconds, timed = recent.total("duration_seconds"), recent.total("timed")
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for index, operation in enumerate(history.operations):
            if operation is not None and timed[index] >= LEAST_CALLS and seconds[index] > 0:
                groups[operation].append(index)
        for operation, members in sorted(groups.items()):
            mean = seconds[members] / timed[members]
            chances = chance_above_peers(np.log(mean))
            for place, index in enumerate(members):
                peers = float(np.exp(np.median(np.log(np.delete(mean, place))))) if len(members) > 1 else 0.0
                ratio = float(mean[place]) / peers if peers else 0.0
                table, rows = recent.rows_of(index)
                rank = priority(1 - float(chances[place]), is_history_long_enough=True)
                if chances[place] > LARGEST_CHANCE or ratio < LEAST_RATIO or rank is None:
                    continue
                if len(np.unique(table.day[rows][table.timed[rows] > 0])) < LEAST_DAYS:
                    continue
                calls_by_row = table.timed[rows].astype(np.float64)
                spent, calls = day_interval(table.day[rows], table.duration_seconds[rows], calls_by_row)
                low, high = interval((spent - peers * calls) / recent.days)
                lost = float(seconds[index] - peers * timed[index]) / recent.days
                size = history.size_bytes[index]
                yield Recommendation(
                    model=history.models[index],
                    kind=KIND,
                    priority=rank,
                    confidence=1 - float(chances[place]),
                    reason_code=self.reason,
                    reason=f"Its calls take {mean[place]:.3g} s, {ratio:.3g} times as long as those of the other "
                    f"{len(members) - 1} models that do {operation} (median {peers:.3g} s): {lost:.3g} s a day more. "
                    "Compare its size, its precision, where it runs and what it is asked for with theirs.",
                    evidence={
                        "average_duration_seconds": round(float(mean[place]), 6),
                        "peers_duration_seconds": round(peers, 6),
                        "ratio": round(ratio, 6),
                        "operation": operation,
                        "peers": len(members) - 1,
                        "chance": float(chances[place]),
                        "calls": int(timed[index]),
                        "size_bytes": int(size) if np.isfinite(size) else None,
                        "seconds_per_day_low": round(low, 6),
                        "seconds_per_day_high": round(high, 6),
                        "window_days": round(recent.days, 3),
                    },
                    saving=Saving(seconds_per_day=lost),
                )
