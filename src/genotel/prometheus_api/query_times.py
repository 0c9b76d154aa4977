"""How long questions to a server took, for whoever publishes it."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.semconv.advice_metrics import QUERY_DURATION
from genotel.semconv.attributes import RESULT_ERROR, RESULT_OK


@dataclass(slots=True)
class Times:
    """Hold the times of questions with one result.

    Attributes:
        counts: questions in each bucket of the metric and above the last, not cumulative.
        seconds: their sum.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(QUERY_DURATION.buckets) + 1))
    seconds: float = 0.0


@dataclass(slots=True)
class QueryTimes:
    """Count the questions of this process by result and duration; several threads may ask at once.

    Attributes:
        clock: tells the time that goes by.
        by_result: times of what was answered and of what was not.
    """

    clock: Clock = SYSTEM_CLOCK
    by_result: dict[str, Times] = field(default_factory=lambda: {RESULT_OK: Times(), RESULT_ERROR: Times()})
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Time the block: an error if it raises.

        Example:
            >>> times = QueryTimes()
            >>> with times.measured():
            ...     pass
            >>> sum(times.by_result["ok"].counts)
            1
        """
        begin = self.clock.monotonic()
        result = RESULT_ERROR
        try:
            yield
            result = RESULT_OK
        finally:
            took = self.clock.monotonic() - begin
            with self._lock:
                times = self.by_result[result]
                times.counts[bisect_left(QUERY_DURATION.buckets, took)] += 1
                times.seconds += took

    def snapshot(self) -> list[tuple[str, tuple[int, ...], float]]:
        """Return result, counts by bucket, and sum of seconds, as they are now."""
        with self._lock:
            return [(result, tuple(times.counts), times.seconds) for result, times in self.by_result.items()]


QUERY_TIMES = QueryTimes()
