"""Ends that come in a garbage collection wait for a safe moment."""

from __future__ import annotations

import gc
import threading

from genotel.instrumentation.late_ends import COLLECTOR, WAITING, settle_all, watch_collector


class Waiting:
    """Note that it was settled."""

    def __init__(self, log: list[int], number: int) -> None:
        self._log, self._number = log, number

    def settle(self) -> None:
        """Note it."""
        self._log.append(self._number)


def test_ends_are_settled_in_their_order_and_once() -> None:
    """The deque is empty afterwards."""
    log: list[int] = []
    WAITING.extend(Waiting(log, number) for number in range(5))
    settle_all()
    settle_all()
    assert log == [0, 1, 2, 3, 4]


def test_two_threads_settle_each_end_once() -> None:
    """One of them may find the deque empty after it has looked."""
    log: list[int] = []
    WAITING.extend(Waiting(log, number) for number in range(2_000))
    threads = [threading.Thread(target=settle_all) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(log) == [*range(2_000)]


def test_a_finalizer_knows_that_it_is_one() -> None:
    """Only in the thread that collects."""
    watch_collector()
    seen: list[bool] = []

    class Cycle:
        """Be collected."""

        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            other = threading.Thread(target=lambda: seen.append(COLLECTOR.is_here()))
            other.start()
            other.join()
            seen.append(COLLECTOR.is_here())

    Cycle()
    gc.collect()
    assert seen == [False, True]
    assert not COLLECTOR.is_here()
