"""Threads add without a lock and nothing is lost."""

from __future__ import annotations

import sys
import threading

from genotel.instrumentation.atomic_count import AtomicCount


def test_a_count_begins_at_zero_and_looking_changes_nothing() -> None:
    """To look takes a number of the counter; that must not show."""
    count = AtomicCount()
    assert [count.value, count.value] == [0, 0]
    count.add()
    assert [count.value, count.value] == [1, 1]


def test_what_threads_add_is_there() -> None:
    """Eight threads that are switched all the time, and one that looks."""
    count = AtomicCount()
    seen: list[int] = []

    def add() -> None:
        for _ in range(2_000):
            count.add()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=add) for _ in range(8)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            seen.append(count.value)
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert count.value == 16_000
    assert seen == sorted(seen)
