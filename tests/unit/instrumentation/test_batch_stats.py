"""The public face of batch statistics: arguments, statistics, snapshots, parts, merging, pickling."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from genotel import guard
from genotel.clock import Clock
from genotel.errors import SettingsError
from genotel.instrumentation.batch_stats import BatchStats
from tests.observed import Observed


class Moving:
    """Be a clock that is moved by hand."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now
        self.clock = Clock(wall=lambda: 1.8e9 + self.now, monotonic=lambda: self.now)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"window_size": 0}, "window_size must be a whole number from 1 to 10000000, not 0"),
        ({"window_size": 1.5}, "window_size must be a whole number from 1 to 10000000, not 1.5"),
        ({"cache_valid_time": -1}, "cache_valid_time must be a number of at least 0, not -1"),
        ({"cache_valid_time": "1"}, "cache_valid_time must be a number of at least 0, not '1'"),
        ({"max_age_seconds": 0}, "max_age_seconds must be a number above 0, not 0"),
        ({"name": ""}, "name must be a text that is not empty, not ''"),
        ({"workers": True}, "workers must be a whole number from 1 to 1000000, not True"),
        ({"target_wait_seconds": float("nan")}, "target_wait_seconds must be a number above 0, not nan"),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(wrong: dict[str, Any], message: str) -> None:
    """In one line, as a mistake of the settings and as a ValueError."""
    with pytest.raises(SettingsError) as caught:
        BatchStats(**wrong)
    assert str(caught.value) == message
    assert isinstance(caught.value, ValueError)


def test_statistics_are_kept_for_a_while() -> None:
    """Hits and misses are counted; a kept answer cannot be spoiled by its reader."""
    moving = Moving()
    stats = BatchStats(cache_valid_time=1.0, clock=moving.clock)
    stats.update(0.5, 8)
    stats.get_stats()["total_batches"] = 99
    stats.update(0.5, 8)
    assert stats.get_stats()["total_batches"] == 1
    stats.get_comprehensive_stats()["load_distribution"].clear()
    assert stats.get_comprehensive_stats()["load_distribution"] == {"5-8": {"batches": 1.0, "items": 1.0}}
    moving.now += 1.0
    assert stats.get_stats()["total_batches"] == 2
    assert (stats.cache_hits, stats.cache_misses) == (2, 3)


def test_nothing_is_kept_for_no_time() -> None:
    """Each request makes them anew."""
    stats = BatchStats(cache_valid_time=0)
    for number in range(3):
        assert stats.get_stats()["total_batches"] == number
        stats.update(0.5, 8)
    assert (stats.cache_hits, stats.cache_misses) == (0, 3)


def test_kept_statistics_are_counted_in_a_metric(batches: Observed) -> None:
    """By their result, and dropped figures by their name."""
    stats = BatchStats(name="engine", cache_valid_time=60)
    stats.update(-1, 8)
    for _ in range(3):
        stats.get_stats()
    for result, count in (("hit", 2), ("miss", 1)):
        labels = {"genotel_batch_name": "engine", "genotel_cache_result": result}
        assert batches.value("genotel_batch_stats_requests_total", **labels) == count
    for figure, count in (("processing_time", 1), ("latency", 0)):
        labels = {"genotel_batch_name": "engine", "genotel_figure": figure}
        assert batches.value("genotel_batch_dropped_total", **labels) == count


def test_old_batches_are_left_out() -> None:
    """By age, whatever the window holds; the totals stay."""
    moving = Moving(10.0)
    stats = BatchStats(max_age_seconds=5.0, cache_valid_time=0, clock=moving.clock)
    for second in range(1, 11):
        stats.update(1.0, 10, timestamp=float(second))
    assert stats.get_stats()["throughput"] == 10.0
    assert len(stats.processing_times) == 5
    moving.now = 14.0
    found = stats.get_stats()
    assert (found["throughput"], found["total_batches"]) == (2.0, 10)
    moving.now = 100.0
    found = stats.get_stats()
    assert (found["throughput"], found["avg_processing_time"], found["total_processed"]) == (None, None, 100)


def test_updates_alone_load_no_numpy() -> None:
    """Nor does a loop; statistics do."""
    program = (
        "import sys, json, genotel\n"
        "stats = genotel.BatchStats()\n"
        "for _ in range(1000): stats.update(0.5, 8)\n"
        "for batch in genotel.batches([1, 2]): pass\n"
        "with genotel.batch('one'): pass\n"
        "before = 'numpy' in sys.modules\n"
        "stats.get_stats()\n"
        "print(json.dumps([before, 'numpy' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout) == [False, True]


def test_gauges_show_the_newest_window_of_a_name(batches: Observed) -> None:
    """Two of one name are one series; counts are sums."""
    first, second = (BatchStats(name="engine") for _ in range(2))
    first.update(1.0, 10)
    second.update(1.0, 20)
    assert batches.value("genotel_batch_window_throughput_per_second", genotel_batch_name="engine") == 20.0
    assert batches.value("genotel_batch_window_utilization", genotel_batch_name="engine") == 1.0
    assert batches.value("genotel_batch_items_total", genotel_batch_name="engine") == 30


def test_an_idle_engine_has_no_gauges(batches: Observed) -> None:
    """After five minutes; its counts stay."""
    moving = Moving()
    stats = BatchStats(name="engine", clock=moving.clock)
    assert batches.samples("genotel_batch_window_throughput_per_second", genotel_batch_name="engine") == []
    stats.update(1.0, 10)
    assert batches.value("genotel_batch_window_throughput_peak_per_second", genotel_batch_name="engine") == 10.0
    moving.now += 301
    assert batches.samples("genotel_batch_window_efficiency", genotel_batch_name="engine") == []
    assert batches.value("genotel_batch_items_total", genotel_batch_name="engine") == 10


@pytest.mark.usefixtures("forgiving")
def test_a_fault_in_the_gauges_costs_only_the_gauges(batches: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has everything else."""
    stats = BatchStats(name="engine")
    stats.update(1.0, 10)
    monkeypatch.setattr(BatchStats, "_interval", lambda self: 1 / 0)
    assert batches.value("genotel_batch_items_total", genotel_batch_name="engine") == 10
    assert guard.internal_errors()["batch_stats.gauges"] >= 1


def test_a_block_is_measured() -> None:
    """As one batch, failed if it raises."""
    stats = BatchStats()
    with stats.measure(8, queue_time=0.25) as batch:
        batch.queue_length = 3
    with pytest.raises(ValueError, match="secret"), stats.measure(8):
        raise ValueError("secret")
    found = stats.get_stats()
    assert (found["total_batches"], found["total_errors"], found["max_queue_length"]) == (2, 1, 3)


def test_it_says_what_it_is() -> None:
    """In a debugger."""
    stats = BatchStats(name="engine")
    stats.update(0.5, 8)
    assert repr(stats) == "BatchStats(name='engine', window_size=1000, batches=1)"
