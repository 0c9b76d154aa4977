"""Rolling statistics of a batch engine: thread-safe, live, of fixed memory.

An update takes no lock and costs about as much as five appends under one; statistics are made when
somebody asks. Updates come in by :mod:`genotel.instrumentation.batch_intake`, what they leave is held by
:mod:`genotel.instrumentation.batch_contents`; every formula stands in ``docs/batch-statistics.md``.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.instrumentation import batch_export
from genotel.instrumentation.atomic_count import AtomicCount
from genotel.instrumentation.batch_alerts import DEFAULT_THRESHOLDS, Thresholds
from genotel.instrumentation.batch_arguments import number, one_of
from genotel.instrumentation.batch_capacity import TARGET_WAIT_SECONDS
from genotel.instrumentation.batch_contents import BatchContents
from genotel.instrumentation.batch_intake import PATIENCE_SECONDS
from genotel.semconv import attributes as a

Number = float | int | None

# An engine that has been idle for so long has no throughput of now; Prometheus lets series go then too.
_STALE_SECONDS = 300.0


class BatchStats(BatchContents):
    """Keep the last batches of an engine and tell their statistics.

    Args:
        window_size: batches that are kept, 1 to 10,000,000; each takes 49 bytes, from the beginning.
        cache_valid_time: seconds for which statistics are kept; 0 makes them anew at every request.
        max_age_seconds: leave out batches that ended longer ago; None for no limit.
        name: label of the metrics; several windows of one name add up to one series.
        workers: batches that the engine works on at a time; may be changed later.
        target_wait_seconds: the 95th percentile of the wait that ``recommended_capacity`` aims at.
        clock: tells the time.

    Raises:
        SettingsError: (and ValueError) an argument is wrong; the message names it.

    Example:
        >>> stats = BatchStats(window_size=100)
        >>> for moment in (1.0, 2.0, 3.0):
        ...     stats.update(0.5, batch_size=8, queue_time=0.25, timestamp=moment)
        >>> stats.get_stats()["throughput"], stats.get_stats()["avg_latency"]
        (9.6, 0.75)
    """

    __slots__ = (
        "_comprehended",
        "_hits",
        "_misses",
        "_summarized",
        "cache_valid_time",
        "target_wait_seconds",
    )

    def __init__(
        self,
        window_size: int = 1000,
        cache_valid_time: float = 1.0,
        max_age_seconds: float | None = None,
        *,
        name: str = "default",
        workers: int = 1,
        target_wait_seconds: float = TARGET_WAIT_SECONDS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.cache_valid_time = number("cache_valid_time", cache_valid_time, 0.0)
        self.target_wait_seconds = number("target_wait_seconds", target_wait_seconds, 0.0, above=True)
        super().__init__(name, window_size, max_age_seconds, workers, clock)
        self.forget_statistics()
        self._export()

    def forget_statistics(self) -> None:
        """Forget the statistics that are kept, and how often they were asked for."""
        # Until when they are valid, and the statistics.
        self._summarized: tuple[float, dict[str, Number]] | None = None
        self._comprehended: tuple[float, dict[str, Any]] | None = None
        self._hits, self._misses = AtomicCount(), AtomicCount()

    def get_stats(self) -> dict[str, Number]:
        """Return the statistics of the window, kept for ``cache_valid_time`` seconds.

        The keys are ``avg_``, ``median_``, ``p95_``, ``p99_``, ``min_``, ``max_`` and ``std_`` of each of
        ``processing_time``, ``queue_time`` and ``latency`` (seconds); ``throughput`` and
        ``peak_throughput`` (items per second of wall time); ``avg_queue_length``, ``max_queue_length``,
        ``avg_batch_size``, ``error_rate`` (0 to 1), ``total_errors``, ``total_processed`` (items) and
        ``total_batches``. What is unknown is None. ``docs/batch-statistics.md`` has every formula.
        """
        kept = self._summarized
        if kept is not None and self._now() < kept[0]:
            self._hits.add()
            if self._totals is not None:
                self._totals.caching[a.CACHE_HIT].add()
            return kept[1].copy()
        self._misses.add()
        if self._totals is not None:
            self._totals.caching[a.CACHE_MISS].add()
        stats = self._summary()
        self._summarized = (self._now() + self.cache_valid_time, stats)
        return stats.copy()

    def get_comprehensive_stats(self) -> dict[str, Any]:
        """Return the statistics and what they mean, kept for ``cache_valid_time`` seconds.

        To the keys of :meth:`get_stats` come ``avg_throughput`` (items per second since the last
        reset), ``efficiency_score``, ``stability_index``, ``utilization`` (0 to 1),
        ``load_distribution``, ``performance_trend``, ``throughput_trend``, ``error_trend``,
        ``recommended_capacity`` and ``bottlenecks``. ``docs/batch-statistics.md`` has every formula.
        """
        kept = self._comprehended
        if kept is not None and self._now() < kept[0]:
            self._hits.add()
            if self._totals is not None:
                self._totals.caching[a.CACHE_HIT].add()
            return deepcopy(kept[1])
        # Late, since it needs numpy.
        from genotel.instrumentation.batch_insight import comprehend

        self._misses.add()
        if self._totals is not None:
            self._totals.caching[a.CACHE_MISS].add()
        state = self._state()
        stats = comprehend(state, self._interval(), workers=self.workers, target_wait_seconds=self.target_wait_seconds)
        self._comprehended = (self._now() + self.cache_valid_time, stats)
        return deepcopy(stats)

    def _summary(self) -> dict[str, Number]:
        # Late, since it needs numpy.
        from genotel.instrumentation.batch_summary import summarize

        return summarize(self._state(), self._interval())

    @property
    def cache_hits(self) -> int:
        """Return how often statistics were kept ones since the last reset."""
        return self._hits.value

    @property
    def cache_misses(self) -> int:
        """Return how often statistics were made anew since the last reset."""
        return self._misses.value

    def reset(self) -> None:
        """Empty the window, its totals and what is kept; exported counters go on, as counters must."""
        super().reset()
        self.forget_statistics()

    def begin_again(self) -> None:
        """Start from zero in a forked child: what was counted so far is the parent's to report."""
        super().begin_again()
        self.forget_statistics()

    def _settings(self) -> dict[str, Any]:
        own = {"cache_valid_time": self.cache_valid_time, "target_wait_seconds": self.target_wait_seconds}
        return {**super()._settings(), **own}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.cache_valid_time = saved["cache_valid_time"]
        self.target_wait_seconds = saved["target_wait_seconds"]
        self.forget_statistics()
        super().__setstate__(saved)

    def window_figures(self) -> dict[str, float]:
        """Return the figures of the exported gauges that are known; none of an idle engine."""
        # A user may hold the lock for long, and a scrape does not wait for it.
        if not self._window.lock.acquire(timeout=PATIENCE_SECONDS):
            return {}
        try:
            # Late, since it needs numpy.
            from genotel.instrumentation.batch_insight import gauge_figures

            state = self._state()
            moments = state.snapshot.moments
            if not moments or self._now() - moments[-1] > _STALE_SECONDS:
                return {}
            return gauge_figures(state, self._interval(), workers=self.workers)
        except Exception as error:
            guard.report("batch_stats.gauges", error)
            return {}
        finally:
            self._window.lock.release()

    def dashboard_data(self, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> dict[str, Any]:
        """Return ``timestamp`` (Unix seconds), ``metrics`` and ``status``: healthy, warning or critical.

        The status is that of the worst alert that the thresholds raise.
        """
        return batch_export.dashboard_data(self.get_comprehensive_stats(), thresholds, self._clock.wall())

    def export_metrics(self, format: str = "json", *others: BatchStats) -> str:
        """Return the statistics as text for people without OpenTelemetry.

        Args:
            format: ``json``, or ``prometheus`` for a page in the text format 0.0.4.
            others: further windows on the same page, told apart by their names.

        Raises:
            SettingsError: the format is neither.
        """
        one_of("format", format, batch_export.FORMATS)
        stats = [(each.name, each.get_comprehensive_stats()) for each in (self, *others)]
        return batch_export.export(format, stats, self._clock.wall())

    def __repr__(self) -> str:
        return f"BatchStats(name={self.name!r}, window_size={self.window_size}, batches={self.batch_counts})"
