"""Rolling statistics of a batch engine: thread-safe, live, of fixed memory.

An update takes no lock and costs about as much as five appends under one; statistics are made when
somebody asks. Updates come in by :mod:`genotel.instrumentation.batch_intake`; every formula stands in
``docs/batch-statistics.md``.
"""

from __future__ import annotations

from array import array
from copy import deepcopy
from typing import Any, Self

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.instrumentation import batch_export, batch_state
from genotel.instrumentation.atomic_count import AtomicCount
from genotel.instrumentation.batch_alerts import DEFAULT_THRESHOLDS, Thresholds
from genotel.instrumentation.batch_arguments import number, one_of, text, whole
from genotel.instrumentation.batch_capacity import TARGET_WAIT_SECONDS
from genotel.instrumentation.batch_figures import latencies_of
from genotel.instrumentation.batch_intake import PATIENCE_SECONDS, BatchIntake
from genotel.instrumentation.batch_state import EVERYTHING, Interval, WindowState
from genotel.instrumentation.batch_window import Snapshot
from genotel.semconv import attributes as a

Number = float | int | None

MOST_BATCHES = 10_000_000
MOST_WORKERS = 1_000_000
# Clocks that differ by less are one clock, read twice.
_SAME_CLOCK_SECONDS = 1.0
# An engine that has been idle for so long has no throughput of now; Prometheus lets series go then too.
_STALE_SECONDS = 300.0


class BatchStats(BatchIntake):
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
        "_bounds",
        "_comprehended",
        "_hits",
        "_misses",
        "_summarized",
        "cache_valid_time",
        "max_age_seconds",
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
        self.max_age_seconds = (
            None if max_age_seconds is None else number("max_age_seconds", max_age_seconds, 0.0, above=True)
        )
        self.target_wait_seconds = number("target_wait_seconds", target_wait_seconds, 0.0, above=True)
        # The span of time that a part of another window is cut to.
        self._bounds: Interval | None = None
        super().__init__(
            text("name", name),
            whole("window_size", window_size, 1, MOST_BATCHES),
            whole("workers", workers, 1, MOST_WORKERS),
            clock,
        )
        self._forget_statistics()
        self._export()

    def _forget_statistics(self) -> None:
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

    def _state(self) -> WindowState:
        return batch_state.state_of(self._window)

    def _interval(self) -> Interval:
        if self._bounds is not None:
            return self._bounds
        if self.max_age_seconds is None:
            return EVERYTHING
        now = self._now()
        return Interval(now - self.max_age_seconds, now)

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
        self._forget_statistics()

    def begin_again(self) -> None:
        """Start from zero in a forked child: what was counted so far is the parent's to report."""
        super().begin_again()
        self._forget_statistics()

    @property
    def processing_times(self) -> tuple[float, ...]:
        """Return the known seconds of work, oldest first; a snapshot."""
        return self._known("processing")

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Return the known sizes, oldest first; a snapshot."""
        return self._known("sizes")

    @property
    def queue_times(self) -> tuple[float, ...]:
        """Return the known seconds in the queue, oldest first; a snapshot."""
        return self._known("waits")

    @property
    def latencies(self) -> tuple[float, ...]:
        """Return the known seconds of wait and work, oldest first; a snapshot."""
        snapshot = self._snapshot()
        seconds = latencies_of(snapshot.latencies, snapshot.processing, snapshot.waits)
        return tuple(latency for latency in seconds if latency >= 0)

    @property
    def queue_lengths(self) -> tuple[float, ...]:
        """Return the known lengths of the queue, oldest first; a snapshot."""
        return self._known("lengths")

    def _known(self, column: str) -> tuple[Any, ...]:
        values: array[Any] = getattr(self._snapshot(), column)
        return tuple(value for value in values if value >= 0)

    def _snapshot(self) -> Snapshot:
        interval = self._interval()
        state = self._state()
        return state.snapshot if interval is EVERYTHING else batch_state.inside(state, interval).snapshot

    @property
    def total_processed(self) -> int:
        """Return the items of all batches since the last reset."""
        return self._state_of_totals("total_items")

    @property
    def batch_counts(self) -> int:
        """Return the number of batches since the last reset."""
        return self._state_of_totals("total_batches")

    def _state_of_totals(self, field: str) -> int:
        with self._window.settled():
            return int(getattr(self._window, field))

    @property
    def dropped_figures(self) -> dict[str, int]:
        """Return the figures that were left out since the last reset, by name."""
        with self._window.settled():
            return dict(self._window.dropped)

    def window(self, seconds: float) -> Self:
        """Return the part of the window of the last seconds, as statistics of its own.

        It is a copy: it is not exported and takes no part in later updates.

        Raises:
            SettingsError: ``seconds`` is no number above 0.
        """
        now = self._now()
        since = now - number("seconds", seconds, 0.0, above=True)
        part = self._copy()
        part._bounds = Interval(since, now)
        batch_state.restore(part._window, batch_state.inside(self._state(), part._bounds))
        return part

    def merge(self, other: BatchStats) -> Self:
        """Take the batches and totals of another window in; return this one.

        The last ``window_size`` batches of both stay, in the order in which they ended. What the other
        window had to export it has exported, so no exported counter grows by this.
        """
        theirs = other._state()
        window = self._window
        with window.settled():
            batch_state.restore(window, batch_state.merged(batch_state.state_of(window), theirs))
        self._forget_statistics()
        return self

    def _copy(self) -> Self:
        copy = type(self).__new__(type(self))
        copy.__setstate__({**self._settings(), "clock": self._clock})
        return copy

    def _settings(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "window_size": self.window_size,
            "workers": self.workers,
            "cache_valid_time": self.cache_valid_time,
            "max_age_seconds": self.max_age_seconds,
            "target_wait_seconds": self.target_wait_seconds,
            "bounds": self._bounds,
        }

    def __getstate__(self) -> dict[str, Any]:
        return {**self._settings(), "state": self._state(), "epoch": self._clock.wall() - self._now()}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        BatchIntake.__init__(
            self, saved["name"], saved["window_size"], saved["workers"], saved.get("clock", SYSTEM_CLOCK)
        )
        self.cache_valid_time = saved["cache_valid_time"]
        self.max_age_seconds = saved["max_age_seconds"]
        self.target_wait_seconds = saved["target_wait_seconds"]
        self._bounds = saved["bounds"]
        self._forget_statistics()
        state = saved.get("state")
        if state is not None:
            # The monotonic clock of another machine, or of before a restart, counts from elsewhere.
            apart = saved["epoch"] - (self._clock.wall() - self._now())
            if abs(apart) > _SAME_CLOCK_SECONDS:
                state = batch_state.shifted(state, apart)
                if self._bounds is not None:
                    self._bounds = self._bounds.shifted(apart)
            batch_state.restore(self._window, state)

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
