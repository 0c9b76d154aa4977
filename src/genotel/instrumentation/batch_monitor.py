"""A watch over batch statistics: alerts with hysteresis and cool-down, told to callbacks."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.instrumentation.batch_alerts import DEFAULT_THRESHOLDS, SEVERITIES, Alert, Severity, Thresholds, alerts_of
from genotel.instrumentation.batch_arguments import ArgumentError, number, one_of
from genotel.instrumentation.batch_stats import BatchStats

THREAD_NAME = "genotel-batch-monitor"

Callback = Callable[[Alert], object]


class BatchStatsMonitor:
    """Watch a :class:`BatchStats` in a thread, or look at it when asked.

    An alert stands until its figure is back by a tenth of the threshold. A callback hears of it when
    it begins, when it becomes critical, and again after the cool-down while it stands.

    Args:
        stats: what to watch.
        alert_threshold: least efficiency score, 0 to 1.
        interval_seconds: between two looks of the thread.
        processing_time_seconds: greatest mean time of work of a batch.
        throughput: least items per second.
        error_rate: greatest share of failed batches, 0 to 1.
        queue_length: greatest mean length of the queue.
        cool_down_seconds: least time between two calls for one standing alert.
        callbacks: severity to what is called with each alert of it; see :meth:`on_alert`.
        clock: tells the time.

    Raises:
        SettingsError: (and ValueError) an argument is wrong; the message names it.

    Example:
        >>> stats = BatchStats()
        >>> stats.update(3.0, batch_size=600, timestamp=3.0)
        >>> [(alert["type"], alert["severity"]) for alert in BatchStatsMonitor(stats).check_alerts()]
        [('processing_time', 'critical')]
    """

    def __init__(
        self,
        stats: BatchStats,
        alert_threshold: float = DEFAULT_THRESHOLDS.efficiency,
        interval_seconds: float = 60.0,
        *,
        processing_time_seconds: float = DEFAULT_THRESHOLDS.processing_time_seconds,
        throughput: float = DEFAULT_THRESHOLDS.throughput,
        error_rate: float = DEFAULT_THRESHOLDS.error_rate,
        queue_length: float = DEFAULT_THRESHOLDS.queue_length,
        cool_down_seconds: float = 300.0,
        callbacks: Mapping[Severity, Callback] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if not isinstance(stats, BatchStats):
            raise ArgumentError(f"stats must be a BatchStats, not {type(stats).__name__}")
        self.stats = stats
        self.thresholds = Thresholds(
            efficiency=alert_threshold,
            processing_time_seconds=processing_time_seconds,
            throughput=throughput,
            error_rate=error_rate,
            queue_length=queue_length,
        )
        self.interval_seconds = number("interval_seconds", interval_seconds, 0.0, above=True)
        self.cool_down_seconds = number("cool_down_seconds", cool_down_seconds, 0.0)
        self._clock = clock
        self._callbacks: dict[str, list[Callback]] = {severity: [] for severity in SEVERITIES}
        for severity, callback in (callbacks or {}).items():
            self.on_alert(callback, severity)
        self._lock = threading.RLock()
        # Types that stand, and when and how callbacks last heard of each.
        self._standing: frozenset[str] = frozenset()
        self._told: dict[str, tuple[float, Severity]] = {}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._pid = os.getpid()

    def on_alert(self, callback: Callback, severity: Severity = "warning") -> None:
        """Call ``callback`` with every alert of a severity, in the thread that finds it.

        What it raises is counted and logged once; the watch goes on.

        Raises:
            SettingsError: the severity is none.
        """
        self._callbacks[one_of("severity", severity, SEVERITIES)].append(callback)

    def check_alerts(self) -> list[Alert]:
        """Return the alerts that stand now, each with ``type``, ``message`` and ``severity``.

        Callbacks hear of those that are due.
        """
        stats = self.stats.get_comprehensive_stats()
        with self._own_lock():
            alerts = alerts_of(stats, self.thresholds, self._standing)
            self._standing = frozenset(alert["type"] for alert in alerts)
            due = [alert for alert in alerts if self._is_due(alert)]
        for alert in due:
            for callback in self._callbacks[alert["severity"]]:
                try:
                    callback(alert)
                except Exception as error:
                    guard.report("batch_monitor.callback", error)
        return alerts

    def _is_due(self, alert: Alert) -> bool:
        now = self._clock.monotonic()
        told = self._told.get(alert["type"])
        if told is not None:
            at, severity = told
            worse = SEVERITIES.index(alert["severity"]) > SEVERITIES.index(severity)
            if not worse and now - at < self.cool_down_seconds:
                return False
        self._told[alert["type"]] = (now, alert["severity"])
        return True

    def dashboard_data(self) -> dict[str, Any]:
        """Return ``timestamp``, ``metrics`` and ``status`` by the thresholds of this watch."""
        return self.stats.dashboard_data(self.thresholds)

    def start_monitoring(self) -> None:
        """Start the thread, unless it runs; it ends with the process, or at :meth:`stop`."""
        with self._own_lock():
            if self.is_monitoring:
                return
            self._stop = threading.Event()
            self._thread = threading.Thread(target=self._watch, args=(self._stop,), name=THREAD_NAME, daemon=True)
            self._thread.start()

    @property
    def is_monitoring(self) -> bool:
        """Say whether the thread runs; in a forked child it does not."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Stop the thread and wait for the look that it is at; may be called more than once."""
        with self._own_lock():
            thread, self._thread = self._thread, None
            self._stop.set()
        # A callback may stop the watch that calls it.
        if thread is not None and thread is not threading.current_thread() and thread.is_alive():
            thread.join()

    def _watch(self, stop: threading.Event) -> None:
        while not stop.wait(self.interval_seconds):
            try:
                self.check_alerts()
            except Exception as error:
                guard.report("batch_monitor.check", error)

    def _own_lock(self) -> threading.RLock:
        """Return the lock; a new one in a forked child, whose parent's thread may have held it."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._lock = threading.RLock()
        return self._lock

    def __enter__(self) -> Self:
        self.start_monitoring()
        return self

    def __exit__(
        self, exception_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
