"""What a window holds: snapshots, parts, merging, pickling."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from genotel.clock import Clock
from genotel.errors import SettingsError
from genotel.instrumentation.batch_stats import BatchStats
from tests.observed import Observed


def test_snapshots_are_read_only_and_hold_the_known() -> None:
    """Oldest first; sizes are whole numbers."""
    stats = BatchStats(3)
    for number in range(5):
        stats.update(number / 2, number, number / 4, queue_length=number if number % 2 else None)
    stats.update(float("nan"), 9)
    assert stats.processing_times == (1.5, 2.0)
    assert stats.batch_sizes == (3, 4, 9)
    assert stats.queue_times == (0.75, 1.0, 0.0)
    assert stats.latencies == (2.25, 3.0)
    assert stats.queue_lengths == (3.0,)
    assert (stats.total_processed, stats.batch_counts) == (19, 6)
    for name in ("processing_times", "total_processed", "batch_counts", "lock"):
        with pytest.raises(AttributeError):
            setattr(stats, name, ())


def test_a_part_of_the_window_has_statistics_of_its_own() -> None:
    """Those of the last seconds; it is a copy."""
    stats = BatchStats(clock=Clock(wall=lambda: 1.8e9, monotonic=lambda: 10.0))
    for second in range(1, 11):
        stats.update(1.0, second, timestamp=float(second), error=second == 10)
    part = stats.window(3.0)
    assert part.batch_sizes == (8, 9, 10)
    assert (part.total_processed, part.get_stats()["total_errors"]) == (27, 1)
    assert part.get_stats()["throughput"] == 9.0
    part.update(1.0, 1, timestamp=9.5)
    assert stats.batch_counts == 10
    with pytest.raises(SettingsError, match=r"^seconds must be a number above 0, not 0$"):
        stats.window(0)


def test_a_part_is_not_exported_again(batches: Observed) -> None:
    """Nor is a copy by pickle."""
    stats = BatchStats(name="engine")
    stats.update(0.5, 8)
    for copy in (stats.window(60.0), pickle.loads(pickle.dumps(stats))):
        copy.update(0.5, 8)
        assert copy.total_processed == 16
    assert batches.value("genotel_batch_items_total", genotel_batch_name="engine") == 8


def test_pickling_keeps_everything() -> None:
    """The window, its totals and its settings; what waits, too."""
    stats = BatchStats(4, 0.5, name="engine", workers=3, target_wait_seconds=2.0)
    for number in range(6):
        stats.update(0.5, number, 0.25, queue_length=2, error=number == 5)
    stats.update("x", 1)  # type: ignore[arg-type]  # that is the point
    copy = pickle.loads(pickle.dumps(stats))
    assert copy.get_comprehensive_stats() == stats.get_comprehensive_stats()
    assert (copy.window_size, copy.name, copy.workers) == (4, "engine", 3)
    assert (copy.cache_valid_time, copy.max_age_seconds, copy.target_wait_seconds) == (0.5, None, 2.0)
    assert pickle.loads(pickle.dumps(BatchStats(max_age_seconds=9.0))).max_age_seconds == 9.0
    assert copy.dropped_figures == {"processing_time": 1}
    copy.update(0.5, 1)
    assert copy.batch_counts == stats.batch_counts + 1


def test_a_window_finds_its_time_on_another_machine() -> None:
    """Whose monotonic clock counts from elsewhere; Unix time joins the two."""
    there = BatchStats(clock=Clock(wall=lambda: 1.8e9, monotonic=lambda: 5_000.0))
    there.update(1.0, 8)
    saved = there.window(60.0).__getstate__()
    here = BatchStats.__new__(BatchStats)
    here.__setstate__({**saved, "clock": Clock(wall=lambda: 1.8e9 + 10, monotonic=lambda: 110.0)})
    assert [*here._state().snapshot.moments] == [100.0]
    assert here._bounds is not None
    assert here._bounds.until == 100.0
    near = BatchStats.__new__(BatchStats)
    near.__setstate__({**saved, "clock": Clock(wall=lambda: 1.8e9 + 0.4, monotonic=lambda: 5_000.0)})
    assert [*near._state().snapshot.moments] == [5_000.0]


def test_two_windows_merge_into_the_first() -> None:
    """Totals add up; the last batches of both stay; a window may be merged with itself."""
    one, other = BatchStats(3), BatchStats(10)
    for moment in (1.0, 3.0, 5.0):
        one.update(1.0, 1, timestamp=moment)
        other.update(1.0, 2, timestamp=moment + 1, error=True)
    assert one.merge(other) is one
    assert one.batch_sizes == (2, 1, 2)
    assert (one.batch_counts, one.total_processed, one.get_stats()["total_errors"]) == (6, 9, 3)
    assert other.batch_counts == 3
    other.merge(other)
    assert (other.batch_counts, len(other.batch_sizes)) == (6, 6)


def test_windows_of_worker_processes_merge() -> None:
    """Pickled there, merged here, on one clock."""
    program = (
        "import pickle, sys, genotel\n"
        "stats = genotel.BatchStats(name='worker')\n"
        "for _ in range(10): stats.update(0.5, 8)\n"
        "sys.stdout.buffer.write(pickle.dumps(stats))"
    )
    stats = BatchStats()
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
        stats.merge(pickle.loads(done.stdout))
    assert stats.total_processed == 160
    assert stats.window(3600.0).batch_counts == 20
