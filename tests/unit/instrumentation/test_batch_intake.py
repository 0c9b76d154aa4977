"""Updates come in by ones and by many, from threads and forks, and nothing ever raises into the loop."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from genotel import guard
from genotel.clock import Clock
from genotel.instrumentation import batch_totals
from genotel.instrumentation.batch_stats import BatchStats
from genotel.instrumentation.batch_window import CHUNK
from tests.observed import Observed


class Hostile:
    """Raise whatever one asks of it."""

    def __float__(self) -> float:
        raise RuntimeError("secret")

    __bool__ = __index__ = __eq__ = __lt__ = __float__  # type: ignore[assignment]  # that is the point
    __hash__ = None  # type: ignore[assignment]  # as Python has it beside an __eq__


@pytest.mark.parametrize("bad", [None, "text", float("nan"), -1, [1], Hostile(), float("inf"), object()])
def test_an_update_never_raises_for_a_figure(bad: Any) -> None:
    """Wherever the wrong thing is; each is counted by its name."""
    stats = BatchStats()
    stats.update(bad, bad, bad, bad, bad, timestamp=bad)
    stats.update(0.5, 8)
    assert stats.batch_counts == 2
    assert (stats.processing_times, stats.batch_sizes, stats.total_processed) == ((0.5,), (8,), 8)
    optional = set() if bad is None else {"latency", "queue_length", "timestamp"}
    assert set(stats.dropped_figures) == {"processing_time", "batch_size", "queue_time"} | optional


def test_a_chunk_is_taken_in_by_the_updating_thread() -> None:
    """So what waits stays small without any reader."""
    stats = BatchStats(10)
    for number in range(3 * CHUNK + 5):
        stats.update(0.5, number)
    assert len(stats._window.waiting) == 5
    assert stats.batch_sizes == tuple(range(3 * CHUNK - 5, 3 * CHUNK + 5))


def test_timestamps_are_monotonic_or_unix_time() -> None:
    """Both find their place; none is now."""
    clock = Clock(wall=lambda: 1.8e9, monotonic=lambda: 100.0)
    stats = BatchStats(clock=clock)
    stats.update(1.0, 8, timestamp=50.0)
    stats.update(1.0, 8, timestamp=1.8e9 - 20)
    stats.update(1.0, 8)
    assert [*stats._state().snapshot.moments] == pytest.approx([50.0, 80.0, 100.0])


def columns(stats: BatchStats) -> list[tuple[Any, ...]]:
    """Return what a window holds of each batch, the unknown as None."""
    snapshot = stats._state().snapshot
    return [tuple(None if value != value else value for value in row) for row in zip(*snapshot, strict=True)]


RECORDS: list[Any] = [
    {"processing_time": 0.5, "batch_size": 8, "timestamp": 1.0},
    {"processing_time": 1.0, "batch_size": 4, "queue_time": 0.5, "latency": 2.0, "queue_length": 3, "timestamp": 2.0},
    {"processing_time": 1.5, "batch_size": 2, "error": True, "timestamp": 3.0, "a word of the user's": 1},
]
ROWS: list[Any] = [
    (0.5, 8, 0.0, None, None, False, 1.0),
    [1.0, 4, 0.5, 2.0, 3, False, 2.0],
    (1.5, 2, 0.0, None, None, True, 3.0),
]


@pytest.mark.parametrize(
    "batches",
    [RECORDS, ROWS, [RECORDS[0], *ROWS[1:]], iter(RECORDS)],
    ids=["mappings", "rows", "both", "iterator"],
)
def test_a_list_of_batches_is_the_same_as_single_updates(batches: Any) -> None:
    """Mappings by name, sequences in order, one after the other."""
    single, many = BatchStats(), BatchStats()
    for row in ROWS:
        single.update(*row)
    many.update_many(batches)
    assert columns(many) == columns(single)
    assert many.get_stats() == single.get_stats()


def test_arrays_are_the_same_as_single_updates() -> None:
    """With one timestamp for all, too."""
    numbers = np.random.default_rng(1)
    work, sizes, waits = numbers.random(500), numbers.integers(1, 64, 500), numbers.random(500)
    single, many = BatchStats(100), BatchStats(100)
    for row in zip(work.tolist(), sizes.tolist(), waits.tolist(), strict=True):
        single.update(*row, timestamp=7.0)
    many.update_many(work, sizes, waits, timestamp=7.0)
    assert columns(many) == columns(single)
    assert many.total_processed == sizes.sum()
    spread = BatchStats(100)
    spread.update_many(work, sizes, waits, timestamp=np.arange(500.0))
    assert [row[0] for row in columns(spread)] == [float(number) for number in range(400, 500)]


def test_rows_may_be_of_different_lengths() -> None:
    """What a row leaves out is as in a single update."""
    stats = BatchStats()
    stats.update_many([(0.5, 8), (0.5, 8, 0.25, 1.0)])
    assert (stats.queue_times, stats.latencies) == ((0.0, 0.25), (0.5, 1.0))


def test_a_batch_that_leaves_the_needed_out_is_counted() -> None:
    """As any other wrong figure."""
    stats = BatchStats()
    stats.update_many([{"batch_size": 8}, {}])
    assert stats.dropped_figures == {"processing_time": 2, "batch_size": 1}


def test_no_batches_are_no_mistake() -> None:
    """An empty night."""
    stats = BatchStats()
    stats.update_many([])
    stats.update_many([], [])
    assert stats.batch_counts == 0


@pytest.mark.usefixtures("forgiving")
@pytest.mark.parametrize(
    "given", [([0.5], [8, 8]), (0.5, 8), (None,), ([1, 2],), ([0.5], [8], 0.0, None, None, False, [1, 2])]
)
def test_what_are_no_batches_is_counted_and_not_raised(given: tuple[Any, ...]) -> None:
    """Lengths that differ, single values, no list at all."""
    stats = BatchStats()
    stats.update_many(*given)
    assert stats.batch_counts == 0
    assert guard.internal_errors() == {"batch_stats.update_many": 1}


@pytest.mark.usefixtures("forgiving")
def test_a_fault_of_ours_stays_out_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, once each time."""

    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    stats = BatchStats()
    for place in ("take_in", "enter_held", "enter_all"):
        monkeypatch.setattr(type(stats._window), place, fail)
    for _ in range(CHUNK):
        stats.update(0.5, 8)
    with stats.lock:
        stats.update(0.5, 8)
    assert guard.internal_errors() == {
        "batch_stats.settle": 1,
        "batch_window.settle": 1,
        "batch_window.enter": 1,
        "batch_stats.update": 1,
    }


def test_several_updates_are_seen_as_one_under_the_lock() -> None:
    """Readers see none of them or all; the lock is re-entrant."""
    stats = BatchStats(cache_valid_time=0.0)
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(stats.batch_counts)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(50):
        with stats.lock, stats.lock:
            for _ in range(3):
                stats.update(0.5, 8)
    done.set()
    reader.join()
    assert {count % 3 for count in seen} <= {0}
    assert stats.batch_counts == 150


def test_reads_under_the_lock_agree_with_each_other() -> None:
    """While other threads update all the time."""
    stats = BatchStats(50)
    done = threading.Event()

    def update() -> None:
        while not done.is_set():
            stats.update(0.5, 8, queue_length=1)

    threads = [threading.Thread(target=update) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        with stats.lock:
            first = (stats.batch_counts, stats.total_processed, len(stats.processing_times))
            time.sleep(0.0005)
            assert (stats.batch_counts, stats.total_processed, len(stats.queue_lengths)) == first
            assert first[1] == 8 * first[0]
    done.set()
    for thread in threads:
        thread.join()


def test_eight_threads_lose_nothing() -> None:
    """Single updates and many at once, with readers in between; the figures stay exact."""
    stats = BatchStats(1000, cache_valid_time=0.0)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    done = threading.Event()
    errors: list[BaseException] = []

    def update(number: int) -> None:
        try:
            for step in range(2_000):
                stats.update(0.5, number)
                if step % 500 == 0:
                    stats.update_many([0.5] * 10, number)
        except BaseException as error:
            errors.append(error)

    def read() -> None:
        try:
            while not done.is_set():
                found = stats.get_stats()
                assert found["max_processing_time"] in (None, 0.5)
        except BaseException as error:
            errors.append(error)

    try:
        readers = [threading.Thread(target=read) for _ in range(2)]
        writers = [threading.Thread(target=update, args=(number,)) for number in range(8)]
        for thread in readers + writers:
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        for thread in readers:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert errors == []
    assert stats.batch_counts == 8 * 2_040
    assert stats.total_processed == sum(range(8)) * 2_040


def test_a_forked_child_starts_from_zero(batches: Observed) -> None:
    """Its parent reports what was there; what the child does is the child's, and the lock works."""
    stats = BatchStats(name="engine")
    for _ in range(300):
        stats.update(0.5, 8)
    with stats.lock:
        child = os.fork()
        if child == 0:  # pragma: no cover  # another process
            status = 1
            try:
                stats.update(0.5, 4)
                counted = stats.total_processed
                exported = batches.value("genotel_batch_items_total", genotel_batch_name="engine")
                status = 0 if (counted, exported) == (4, 4) else 2
            finally:
                os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert stats.total_processed == 2400


def test_what_waited_in_a_lost_window_is_counted(batches: Observed) -> None:
    """A window that is collected has no time for locks; the next collection counts."""
    stats = BatchStats(name="short")
    stats.update(0.5, 8)
    del stats
    assert batches.value("genotel_batch_items_total", genotel_batch_name="short") == 8
    assert batches.value("genotel_batch_duration_seconds_count", genotel_batch_name="short") == 1


def test_a_reset_keeps_what_was_exported(batches: Observed) -> None:
    """A counter never goes back."""
    stats = BatchStats(name="engine")
    stats.update(0.5, 8)
    stats.reset()
    stats.update(0.5, 4)
    assert (stats.total_processed, stats.batch_counts) == (4, 1)
    assert batches.value("genotel_batch_items_total", genotel_batch_name="engine") == 12


def test_a_collection_does_not_wait_for_a_user_s_lock(batches: Observed) -> None:
    """What could not enter comes with the next one."""
    stats = BatchStats(name="engine")
    stats.update(0.5, 8)
    values: list[float] = []

    def collect() -> None:
        values.append(batches.value("genotel_batch_items_total", genotel_batch_name="engine"))

    with stats.lock:
        # An update that was under way when the lock was taken.
        stats._window.waiting.append((0.5, 4, 0.0, None, None, False, 1.0))
        thread = threading.Thread(target=collect)
        thread.start()
        thread.join(10)
    collect()
    assert values == [8, 12]


def test_windows_in_a_child_are_exported_after_their_first_update(batches: Observed) -> None:
    """As after a fork, without one: the totals are new, the window finds them again."""
    stats = BatchStats(name="engine")
    stats.update(0.5, 8)
    batch_totals.reset()
    assert batch_totals.all_totals() == []
    stats.update_many([0.5], 2)
    stats.update(0.5, 2)
    assert batches.value("genotel_batch_items_total", genotel_batch_name="engine") == 4
