"""The watch finds alerts, tells callbacks what is due, and never harms the program."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from genotel import guard
from genotel.clock import Clock
from genotel.instrumentation.batch_alerts import Alert
from genotel.instrumentation.batch_arguments import ArgumentError
from genotel.instrumentation.batch_monitor import THREAD_NAME, BatchStatsMonitor
from genotel.instrumentation.batch_stats import BatchStats


class Engine:
    """Be an engine whose share of failed batches can be set, with a clock that can be moved."""

    def __init__(self) -> None:
        self.now = 1_000.0
        clock = Clock(wall=lambda: 1.8e9, monotonic=lambda: self.now)
        self.stats = BatchStats(cache_valid_time=0.0, clock=clock)
        self.monitor = BatchStatsMonitor(self.stats, 0.0, throughput=0.0, cool_down_seconds=100.0, clock=clock)
        self.told: list[tuple[str, str]] = []
        for severity in ("warning", "critical"):
            self.monitor.on_alert(self.hear, severity)  # type: ignore[arg-type]  # one of two

    def hear(self, alert: Alert) -> None:
        """Note an alert."""
        self.told.append((alert["type"], alert["severity"]))

    def fail(self, percent: int) -> list[tuple[str, str]]:
        """Let a share of 100 batches fail; return what callbacks heard after the next look."""
        self.stats.reset()
        self.stats.update_many([0.5] * 100, 8, error=[number * 37 % 100 < percent for number in range(100)])
        self.told.clear()
        self.monitor.check_alerts()
        return self.told


def test_the_defaults_are_those_of_the_documentation() -> None:
    """Half of the efficiency, 1 s, 100 items/s, 5 %, 50 items."""
    monitor = BatchStatsMonitor(BatchStats())
    limits = monitor.thresholds
    assert (limits.efficiency, limits.processing_time_seconds, limits.throughput) == (0.5, 1.0, 100.0)
    assert (limits.error_rate, limits.queue_length, monitor.interval_seconds) == (0.05, 50.0, 60.0)


def test_alerts_have_type_message_and_severity() -> None:
    """And nothing else."""
    stats = BatchStats()
    stats.update(3.0, 8, 5.0, queue_length=60, error=True, timestamp=10.0)
    alerts = BatchStatsMonitor(stats).check_alerts()
    assert {alert["type"] for alert in alerts} == {
        "processing_time",
        "throughput",
        "error_rate",
        "queue_length",
        "efficiency",
    }
    assert {frozenset(alert) for alert in alerts} == {frozenset({"type", "message", "severity"})}


def test_an_engine_of_which_nothing_is_known_has_no_alert() -> None:
    """Before its first batch."""
    assert BatchStatsMonitor(BatchStats()).check_alerts() == []


def test_callbacks_hear_by_severity() -> None:
    """Each of its own only."""
    heard: dict[str, list[Alert]] = {"warning": [], "critical": []}
    stats = BatchStats()
    stats.update(3.0, 600, queue_length=60, timestamp=3.0)
    monitor = BatchStatsMonitor(
        stats, callbacks={"warning": heard["warning"].append, "critical": heard["critical"].append}
    )
    monitor.check_alerts()
    assert [alert["type"] for alert in heard["warning"]] == ["queue_length"]
    assert [alert["type"] for alert in heard["critical"]] == ["processing_time"]


def test_a_standing_alert_is_told_again_only_after_the_cool_down() -> None:
    """And at once when it becomes critical."""
    engine = Engine()
    assert engine.fail(6) == [("error_rate", "warning")]
    assert engine.fail(7) == []
    assert engine.fail(20) == [("error_rate", "critical")]
    assert engine.fail(6) == []
    engine.now += 101
    assert engine.fail(6) == [("error_rate", "warning")]


def test_an_alert_that_flaps_is_told_once() -> None:
    """It ends only well below its threshold, and the cool-down outlives its end."""
    engine = Engine()
    assert engine.fail(6) == [("error_rate", "warning")]
    engine.fail(5)
    assert [alert["type"] for alert in engine.monitor.check_alerts()] == ["error_rate"]
    engine.fail(4)
    assert engine.monitor.check_alerts() == []
    assert engine.fail(6) == []


@pytest.mark.usefixtures("forgiving")
def test_a_callback_that_raises_does_not_end_the_watch() -> None:
    """It is counted; the other callbacks hear all the same."""
    engine = Engine()
    engine.monitor._callbacks["warning"].insert(0, lambda alert: 1 / 0)
    assert engine.fail(6) == [("error_rate", "warning")]
    assert guard.internal_errors() == {"batch_monitor.callback": 1}


def test_the_thread_looks_again_and_again_until_it_is_stopped() -> None:
    """One thread, by its name, that does not keep the process alive."""
    stats = BatchStats(cache_valid_time=0.0)
    stats.update(3.0, 600, timestamp=3.0)
    heard = threading.Semaphore(0)
    with BatchStatsMonitor(
        stats, interval_seconds=0.001, cool_down_seconds=0.0, callbacks={"critical": lambda alert: heard.release()}
    ) as monitor:
        monitor.start_monitoring()
        threads = [thread for thread in threading.enumerate() if thread.name == THREAD_NAME]
        assert [thread.daemon for thread in threads] == [True]
        for _ in range(3):
            assert heard.acquire(timeout=30)
        assert monitor.is_monitoring
    assert not monitor.is_monitoring
    assert not threads[0].is_alive()
    monitor.stop()
    monitor.start_monitoring()
    assert heard.acquire(timeout=30)
    monitor.stop()


def test_a_callback_may_stop_the_watch() -> None:
    """It runs in the thread that would be waited for."""
    stats = BatchStats()
    stats.update(3.0, 600, timestamp=3.0)
    stopped = threading.Event()
    monitor = BatchStatsMonitor(stats, interval_seconds=0.001)

    def stop(alert: Alert) -> None:
        monitor.stop()
        stopped.set()

    monitor.on_alert(stop, "critical")
    monitor.start_monitoring()
    assert stopped.wait(30)


@pytest.mark.usefixtures("forgiving")
def test_a_look_that_fails_does_not_end_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one may be well."""
    looks = threading.Semaphore(0)
    monitor = BatchStatsMonitor(BatchStats(), interval_seconds=0.001)

    def fail(self: BatchStats) -> dict[str, Any]:
        looks.release()
        raise RuntimeError("secret")

    monkeypatch.setattr(BatchStats, "get_comprehensive_stats", fail)
    with monitor:
        assert looks.acquire(timeout=30)
        assert looks.acquire(timeout=30)
    assert guard.internal_errors()["batch_monitor.check"] >= 1


def test_a_forked_child_has_no_thread_and_may_start_its_own() -> None:
    """Even where the parent's thread held the lock."""
    monitor = BatchStatsMonitor(BatchStats(), interval_seconds=60.0)
    monitor.start_monitoring()
    with monitor._lock:
        child = os.fork()
        if child == 0:  # pragma: no cover  # another process
            status = 1
            try:
                first = monitor.is_monitoring
                worker = threading.Thread(target=monitor.start_monitoring)
                worker.start()
                worker.join(10)
                status = int(first or not monitor.is_monitoring)
            finally:
                os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    monitor.stop()


def test_the_dashboard_goes_by_the_thresholds_of_the_watch() -> None:
    """Slow, but slow is well here."""
    stats = BatchStats()
    stats.update(3.0, 600, timestamp=3.0)
    assert BatchStatsMonitor(stats, processing_time_seconds=10.0).dashboard_data()["status"] == "healthy"
    assert BatchStatsMonitor(stats).dashboard_data()["status"] == "critical"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"alert_threshold": 2}, "alert_threshold must be a number from 0 to 1, not 2"),
        ({"interval_seconds": 0}, "interval_seconds must be a number above 0, not 0"),
        ({"cool_down_seconds": -1}, "cool_down_seconds must be a number of at least 0, not -1"),
        ({"callbacks": {"fatal": print}}, "severity must be one of warning, critical, not 'fatal'"),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(wrong: dict[str, Any], message: str) -> None:
    """In one line."""
    with pytest.raises(ArgumentError, match=f"^{message}$"):
        BatchStatsMonitor(BatchStats(), **wrong)
    with pytest.raises(ArgumentError, match=r"^stats must be a BatchStats, not dict$"):
        BatchStatsMonitor({})  # type: ignore[arg-type]  # that is the point
