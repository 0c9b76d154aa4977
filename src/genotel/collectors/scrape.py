"""Run the collectors for a page: each guarded, timed and bounded, and what became of it exported.

``genotel.collector.success`` is 1 or 0, and absent while a collector says that there is nothing to
measure here: a machine without a GPU is not a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.collectors.bounded import BoundedRunner, Call, Done, Failed, Hung, Outcome
from genotel.collectors.collector import Closable, Collector, IncompleteError, NoData, Reading
from genotel.collectors.families import FamilyTable
from genotel.exposition.series import Block
from genotel.semconv import self_metrics as m

# A tenth of Prometheus' default scrape timeout.
LIMIT_SECONDS = 1.0


class Scrape:
    """Give the blocks of all collectors; a :class:`genotel.exposition.series.Source`.

    Args:
        collectors: run in this order.
        limit_seconds: after which a collector's values are left out and its success is 0.
        clock: wall time for the last success, monotonic time for the durations.

    Example:
        >>> from genotel.collectors.registry import collectors_named
        >>> scrape = Scrape(collectors_named(["system"]))
        >>> sorted({block.family.name for block in scrape.blocks()})[1]
        'genotel_collector_last_success_timestamp_seconds'
        >>> scrape.close()
    """

    def __init__(
        self, collectors: Iterable[Collector], *, limit_seconds: float = LIMIT_SECONDS, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._members = [_Member(collector) for collector in collectors]
        self._calls = [Call(member.name, member.collect) for member in self._members]
        self._limit_seconds = limit_seconds
        self._wall = clock.wall
        self._runner: BoundedRunner[list[Block]] = BoundedRunner("scrape", limit_seconds=limit_seconds, clock=clock)
        self._own = FamilyTable()

    def blocks(self) -> list[Block]:
        """Run every collector once and return what they read, and how they fared."""
        outcomes = self._runner.run(self._calls)
        now = self._wall()
        blocks: list[Block] = []
        for member in self._members:
            outcome = outcomes[member.name]
            member.judge(outcome, now, self._limit_seconds)
            if isinstance(outcome, Done):
                blocks += outcome.value
        blocks += self._own.blocks(reading for member in self._members for reading in member.readings())
        return blocks

    def close(self) -> None:
        """End the threads and close the collectors; the page must not ask any more."""
        self._runner.close()
        for member in self._members:
            member.close()


class _Member:
    """Keep one collector, its series and how it fared."""

    def __init__(self, collector: Collector) -> None:
        self.name = collector.name
        self._collector = collector
        self._families = FamilyTable()
        self._labels = (collector.name,)
        self._success: bool | None = None
        self._seconds: float | None = None
        self._last_success: float | None = None
        self._timeouts = 0
        self._is_complete = True

    def collect(self) -> list[Block]:
        """Run the collector to its end; in the runner's thread."""
        self._is_complete = True
        try:
            readings = self._collector.collect()
        except IncompleteError:
            self._is_complete = False
            readings = ()
        # A tuple says whether it is the one of the run before, so it goes on as it is.
        return self._families.blocks(readings if isinstance(readings, tuple) else self._collected(readings))

    def _collected(self, readings: Iterable[Reading]) -> Iterator[Reading]:
        try:
            yield from readings
        except IncompleteError:
            self._is_complete = False

    def judge(self, outcome: Outcome[list[Block]], now: float, limit_seconds: float) -> None:
        """Note what became of a run; say it once in the log."""
        match outcome:
            case Done():
                self._success, self._seconds = self._is_complete, outcome.seconds
                if self._is_complete:
                    self._last_success = now
                else:
                    guard.warn_once(
                        f"collectors.{self.name}.incomplete",
                        "genotel: collector %s cannot read everything; what it can read is on the page",
                        self.name,
                    )
            case Failed(error=NoData()):
                self._success, self._seconds = None, outcome.seconds
            case Failed():
                self._success, self._seconds = False, outcome.seconds
                guard.warn_once(
                    f"collectors.{self.name}.failed",
                    "genotel: collector %s failed (%s); its values are absent until it works again",
                    self.name,
                    type(outcome.error).__name__,
                )
            case Hung():
                self._success, self._seconds = False, None
                self._timeouts += not outcome.still
                guard.warn_once(
                    f"collectors.{self.name}.hung",
                    "genotel: collector %s hangs for more than %g s; its values are absent until it comes back",
                    self.name,
                    limit_seconds,
                )

    def close(self) -> None:
        """Close the collector if it holds anything."""
        if isinstance(self._collector, Closable):
            with guard.guarded(f"collectors.{self.name}.close"):
                self._collector.close()

    def readings(self) -> Iterator[Reading]:
        """Yield the metrics of genotel about this collector."""
        if self._success is not None:
            yield m.COLLECTOR_SUCCESS, self._labels, int(self._success)
        if self._seconds is not None:
            yield m.COLLECTOR_DURATION, self._labels, self._seconds
        if self._last_success is not None:
            yield m.COLLECTOR_LAST_SUCCESS, self._labels, self._last_success
        yield m.COLLECTOR_TIMEOUTS, self._labels, self._timeouts
