"""Batches enter the window in chunks, without a lock, and nothing is lost or seen halfway."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.instrumentation import batch_window
from genotel.instrumentation.batch_figures import Columns, Record, columns_of
from genotel.instrumentation.batch_window import CHUNK, MOST_READY, BatchWindow, Rings, WindowLock


def record(number: int = 0) -> Record:
    """Return the record of a batch that can be told from others by its size."""
    return (0.5, number, 0.0, None, None, False, float(number))


def sizes(window: BatchWindow) -> list[int]:
    """Return the sizes in the rings."""
    return [*window.rings.copy().sizes]


@given(st.integers(1, 40), st.lists(st.integers(1, 60), max_size=12))
def test_rings_hold_the_last_batches_in_order(size: int, chunks: list[int]) -> None:
    """Whatever the sizes of the chunks, across every wrap."""
    rings = Rings(size)
    written: list[int] = []
    for count in chunks:
        chunk = [record(len(written) + number) for number in range(count)]
        written += range(len(written), len(written) + count)
        rings.write(columns_of(chunk)[:7], count)
    assert [*rings.copy().sizes] == written[-size:]
    assert [*rings.copy().moments] == [float(number) for number in written[-size:]]
    rings.clear()
    assert [len(column) for column in rings.copy()] == [0] * 7


def test_a_reader_sees_every_update_that_returned() -> None:
    """Those that wait, too."""
    window = BatchWindow(10)
    window.waiting.extend(record(number) for number in range(3))
    with window.settled():
        assert sizes(window) == [0, 1, 2]
        assert (window.total_batches, window.total_items, window.first_start) == (3, 3, -0.5)


def test_a_chunk_that_finds_the_lock_taken_is_left_to_others() -> None:
    """The updating thread goes on."""
    window = BatchWindow(10)
    window.waiting.append(record(1))
    with window.lock:
        thread = threading.Thread(target=window.take_in)
        thread.start()
        thread.join()
        assert (len(window.ready), sizes(window)) == (1, [])
    with window.settled():
        assert sizes(window) == [1]


def test_too_many_chunks_wait_for_the_lock() -> None:
    """Memory is bounded even where somebody keeps the lock."""
    window = BatchWindow(10)
    window.ready.extend(columns_of([record()]) for _ in range(MOST_READY))
    window.waiting.append(record(1))
    thread = threading.Thread(target=window.take_in)
    with window.lock:
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
    thread.join()
    assert window.total_batches == MOST_READY + 1


def test_taking_in_takes_what_is_there() -> None:
    """Another thread may have taken the chunk; the rest is not lost."""
    window = BatchWindow(10)
    window.take_in()
    window.waiting.extend([record(1), record(2)])
    window.take_in(CHUNK)
    assert window.total_batches == 2
    assert not window.checking


def test_a_reader_waits_for_chunks_that_are_being_checked() -> None:
    """A thread that took records out has not lost them to the reader."""
    window = BatchWindow(10)
    checking, may_end = threading.Event(), threading.Event()

    def slow(_: Columns) -> None:
        checking.set()
        may_end.wait()

    window.hand_on = slow
    window.waiting.append(record(7))
    other = threading.Thread(target=window.take_in)
    other.start()
    checking.wait()
    threading.Timer(0.02, may_end.set).start()
    with window.settled():
        assert sizes(window) == [7]
    other.join()


def test_a_reader_waits_no_longer_than_its_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """It might wait for the thread that it interrupted, which is its own."""
    monkeypatch.setattr(batch_window, "_PATIENCE_SECONDS", 0.01)
    window = BatchWindow(10)
    window.checking[object()] = None
    assert not window.settle()


def test_a_chunk_that_comes_in_the_middle_of_another_comes_after_it() -> None:
    """A finalizer or a signal handler may update while its own thread enters a chunk."""
    window = BatchWindow(10)

    def nested(_: Columns) -> None:
        if window.total_batches == 1:
            window.enter(columns_of([record(2)]))

    window.hand_on = nested
    with window.lock:
        window.enter(columns_of([record(1)]))
        assert sizes(window) == [1]
        window.enter_all()
    assert sizes(window) == [1, 2]


def test_the_lock_holds_the_window_still() -> None:
    """Updates of others wait; reads of the holder agree with each other; the holder's own updates count."""
    window = BatchWindow(10)
    lock = WindowLock(window)
    window.waiting.append(record(1))
    entered: list[str] = []

    def update() -> None:
        window.enter_held(record(9))
        entered.append("other")

    other = threading.Thread(target=update)
    with lock, lock:
        assert sizes(window) == [1]
        # An update that had begun before the lock was taken.
        window.waiting.append(record(5))
        other.start()
        window.enter_held(record(2))
        with window.settled():
            assert sizes(window) == [1, 2]
        assert entered == []
    other.join()
    with window.settled():
        assert sorted(sizes(window)) == [1, 2, 5, 9]
    assert not window.attention


def test_the_lock_may_not_be_had() -> None:
    """As with any lock: without waiting, and within a time."""
    window = BatchWindow(10)
    lock = WindowLock(window)
    taken: list[bool] = []
    with lock:
        thread = threading.Thread(target=lambda: taken.extend([lock.acquire(False), lock.acquire(timeout=0.01)]))
        thread.start()
        thread.join()
    assert taken == [False, False]


@pytest.mark.parametrize("by_another", [False, True])
def test_only_its_holder_gives_the_lock_back(by_another: bool) -> None:
    """And nothing changes by the attempt."""
    window = BatchWindow(10)
    lock = WindowLock(window)
    errors: list[str] = []

    def release() -> None:
        try:
            lock.release()
        except RuntimeError as error:
            errors.append(str(error))

    if by_another:
        with lock:
            thread = threading.Thread(target=release)
            thread.start()
            thread.join()
            assert window.held == 1
    else:
        release()
    assert errors == ["cannot release a lock that this thread does not hold"]


def test_a_figure_that_was_left_out_is_counted() -> None:
    """Also one that was refused before it could wait; a chunk without batches moves nothing."""
    window = BatchWindow(10)
    window.drop("timestamp")
    assert (window.dropped, window.total_batches, window.first_start) == ({"timestamp": 1}, 0, None)


def test_a_child_begins_empty_and_keeps_the_hold_of_its_thread() -> None:
    """What fork leaves behind: a lock that nobody holds any more, or that the one thread holds."""
    window = BatchWindow(10)
    window.waiting.append(record(1))
    with window.settled():
        pass
    lock = WindowLock(window)
    with lock:
        before = window.lock
        window.renew()
        assert window.lock is not before
        assert (window.total_batches, window.held, window.attention) == (0, 1, True)
    holder = threading.Thread(target=lock.acquire)
    holder.start()
    holder.join()
    window.renew()
    assert window.held == 0
    with lock:
        window.enter_held(record(3))
    assert sizes(window) == [3]


def in_threads(work: Callable[[int], None], count: int) -> None:
    """Run work in threads that are switched all the time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)


def test_nothing_is_lost_or_counted_twice_by_threads() -> None:
    """Updates, chunks taken in by whoever comes, readers, and collections in between."""
    window = BatchWindow(100)
    seen: list[int] = []
    deadline = time.monotonic() + 30

    def work(number: int) -> None:
        if number:
            for _ in range(3_000):
                window.waiting.append(record(1))
                if not len(window.waiting) % 32:
                    window.take_in(32)
        else:
            while window.total_batches < 12_000 and time.monotonic() < deadline:
                with window.settled():
                    seen.append(window.total_batches)
                gc.collect(0)

    in_threads(work, 5)
    with window.settled():
        assert (window.total_batches, window.total_items) == (12_000, 12_000)
    assert seen == sorted(seen)
