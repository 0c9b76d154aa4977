"""Queues are watched in place: items, order and errors stay what they were."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import queue
import threading
import time
import weakref
from typing import Any

import pytest

import genotel
from genotel import guard
from genotel.errors import SettingsError
from genotel.instrumentation import queue_totals, queues
from genotel.instrumentation.queues import QueueWatch
from tests.observed import Observed


def watch_of(tracked: Any) -> QueueWatch:
    """Return the watch of a queue."""
    found = tracked._genotel_watch
    assert isinstance(found, QueueWatch)
    return found


def value(observed: Observed, name: str, **labels: str) -> float | None:
    """Return the value of a metric of the queue named jobs; None where it is absent."""
    samples = observed.samples(f"genotel_queue_{name}", genotel_queue_name="jobs", **labels)
    return sum(sample.value for sample in samples) if samples else None


def test_the_same_queue_comes_back(batches: Observed) -> None:
    """A second call changes nothing."""
    jobs: queue.Queue[int] = queue.Queue()
    assert genotel.track_queue(jobs, name="jobs") is jobs
    watch = watch_of(jobs)
    assert genotel.track_queue(jobs, name="other") is jobs
    assert watch_of(jobs) is watch
    assert isinstance(jobs, queue.Queue)
    assert (type(jobs).__name__, type(jobs).__module__) == ("Queue", "queue")
    assert str(inspect.signature(jobs.put)) == "(item: 'Any', *args: 'Any', **kwargs: 'Any') -> 'None'"


def test_length_limit_age_and_wait(batches: Observed) -> None:
    """From the beginning; an empty queue has no oldest item, a queue without a limit no limit."""
    jobs = genotel.track_queue(queue.Queue(maxsize=5), name="jobs")
    assert (value(batches, "length"), value(batches, "limit"), value(batches, "oldest_age_seconds")) == (0, 5, None)
    jobs.put("first")
    time.sleep(0.02)
    jobs.put("second")
    assert value(batches, "length") == 2
    assert value(batches, "oldest_age_seconds") >= 0.02
    assert (jobs.get(), jobs.get()) == ("first", "second")
    assert (value(batches, "length"), value(batches, "oldest_age_seconds")) == (0, None)
    assert value(batches, "duration_seconds_count") == 2
    assert 0.02 <= value(batches, "duration_seconds_sum") < 5
    genotel.track_queue(queue.Queue(), name="endless").put(1)
    assert batches.samples("genotel_queue_limit", genotel_queue_name="endless") == []


@pytest.mark.parametrize(
    ("kind", "put", "expected"),
    [
        (queue.Queue, [1, 2, 3], [1, 2, 3]),
        (queue.LifoQueue, [1, 2, 3], [3, 2, 1]),
        (queue.PriorityQueue, [(2, "b"), (1, "a"), (3, "c")], [(1, "a"), (2, "b"), (3, "c")]),
        (queue.Queue, ["same", "same", None], ["same", "same", None]),
    ],
)
def test_every_kind_keeps_its_order(batches: Observed, kind: Any, put: list[Any], expected: list[Any]) -> None:
    """And each wait is that of its own item."""
    jobs = genotel.track_queue(kind(), name="jobs")
    for item in put:
        jobs.put(item)
    taken = [jobs.get() for _ in put]
    assert taken == expected
    assert all(any(one is other for other in put) for one in taken)
    assert value(batches, "duration_seconds_count") == 3
    assert watch_of(jobs)._times == watch_of(jobs)._puts == {}


def test_refusals_are_told_apart_and_pass_on(batches: Observed) -> None:
    """At once or in time; both are born at 0."""
    jobs = genotel.track_queue(queue.Queue(maxsize=1), name="jobs")
    for reason in ("full", "timeout"):
        assert value(batches, "refused_total", genotel_reason=reason) == 0
    jobs.put(1)
    for refused in (
        lambda: jobs.put_nowait(2),
        lambda: jobs.put(2, False),
        lambda: jobs.put(2, block=False),
        lambda: jobs.put(2, timeout=0.001),
    ):
        with pytest.raises(queue.Full):
            refused()
    assert value(batches, "refused_total", genotel_reason="full") == 3
    assert value(batches, "refused_total", genotel_reason="timeout") == 1
    assert (jobs.get_nowait(), jobs.qsize()) == (1, 0)
    with pytest.raises(queue.Empty):
        jobs.get_nowait()
    with pytest.raises(queue.Empty):
        jobs.get(timeout=0.001)


def test_items_that_were_there_before_have_no_known_wait(batches: Observed) -> None:
    """They count in the length."""
    jobs: queue.Queue[int] = queue.Queue()
    jobs.put(1)
    genotel.track_queue(jobs, name="jobs")
    assert (value(batches, "length"), value(batches, "oldest_age_seconds")) == (1, None)
    assert jobs.get() == 1
    assert value(batches, "duration_seconds_count") is None


def test_threads_put_and_take(batches: Observed) -> None:
    """Every item once, every wait once; join() ends."""
    jobs = genotel.track_queue(queue.Queue(maxsize=10), name="jobs")
    taken: list[int] = []

    def produce(first: int) -> None:
        for number in range(first, first + 500):
            jobs.put(number)

    def consume() -> None:
        while (item := jobs.get()) >= 0:
            taken.append(item)
            jobs.task_done()

    producers = [threading.Thread(target=produce, args=(first,)) for first in (0, 500, 1000)]
    consumers = [threading.Thread(target=consume) for _ in range(3)]
    for thread in producers + consumers:
        thread.start()
    for thread in producers:
        thread.join()
    jobs.join()
    for _ in consumers:
        jobs.put(-1)
    for thread in consumers:
        thread.join()
    assert sorted(taken) == [*range(1500)]
    assert value(batches, "duration_seconds_count") == 1503


def test_a_consumer_records_when_too_many_waits_are_kept(batches: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody collects for long; where nobody listens at all, they are let go."""
    monkeypatch.setattr(queues, "MOST_WAITS", 100)
    jobs = genotel.track_queue(queue.Queue(), name="jobs")
    for number in range(1_000):
        jobs.put(number)
        jobs.get()
    totals = queue_totals.queue_totals("jobs")
    assert len(totals.waits) <= 100
    assert value(batches, "duration_seconds_count") == 1_000
    genotel.instrumentation.instruments.disable()  # type: ignore[attr-defined]  # loaded by now
    for number in range(200):
        jobs.put(number)
        jobs.get()
    assert len(totals.waits) <= 100


def test_asyncio_queues(batches: Observed) -> None:
    """Waits, lengths and refusals; coroutine functions stay what they are."""

    async def main() -> None:
        jobs = genotel.track_queue(asyncio.Queue(maxsize=1), name="jobs")
        assert inspect.iscoroutinefunction(jobs.put)
        consumer = asyncio.create_task(jobs.get())
        await asyncio.sleep(0)
        await jobs.put("first")
        assert await consumer == "first"
        await jobs.put("second")
        with pytest.raises(asyncio.QueueFull):
            jobs.put_nowait("third")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(jobs.put("third"), 0.01)
        assert value(batches, "length") == 1
        assert jobs.get_nowait() == "second"
        waiting = asyncio.create_task(jobs.get())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())
    assert value(batches, "refused_total", genotel_reason="full") == 1
    assert value(batches, "refused_total", genotel_reason="timeout") == 1
    assert value(batches, "duration_seconds_count") == 2


def test_a_put_that_is_cancelled_where_there_is_room_is_no_refusal(batches: Observed) -> None:
    """The queue did not refuse it."""

    class Slow(asyncio.Queue[int]):
        async def put(self, item: int) -> None:
            await asyncio.sleep(60)

    async def main() -> None:
        jobs = genotel.track_queue(Slow(maxsize=1), name="jobs")
        putting = asyncio.create_task(jobs.put(1))
        await asyncio.sleep(0)
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting

    asyncio.run(main())
    assert value(batches, "refused_total") == 0


def test_a_subclass_keeps_its_own_methods(batches: Observed) -> None:
    """Arguments of its own, and items that it drops by itself, which do not pile up with us."""

    class Newest(queue.Queue[int]):
        def put(self, item: int, block: bool = True, timeout: float | None = None, *, urgent: bool = False) -> None:
            super().put(-item if urgent else item, block, timeout)

        def _put(self, item: int) -> None:
            self.queue.clear()
            super()._put(item)

    jobs = genotel.track_queue(Newest(), name="jobs")
    jobs.put(5, urgent=True)
    assert jobs.get() == -5
    for number in range(5_000):
        jobs.put(number)
    assert len(watch_of(jobs)._times) <= 1_100
    assert jobs.get() == 4_999


def test_queues_of_one_name_add_up(batches: Observed) -> None:
    """The oldest item is that of them all."""
    first, second = (genotel.track_queue(queue.Queue(maxsize=3), name="jobs") for _ in range(2))
    first.put(1)
    time.sleep(0.01)
    second.put(2)
    assert (value(batches, "length"), value(batches, "limit")) == (2, 6)
    assert value(batches, "oldest_age_seconds") >= 0.01


def test_a_queue_is_not_kept_alive(batches: Observed) -> None:
    """It goes when its user lets it go, without the collector's help, and its gauges with it."""
    gc.collect()
    gc.disable()
    try:
        jobs = genotel.track_queue(queue.Queue(), name="jobs")
        jobs.put(1)
        reference = weakref.ref(jobs)
        del jobs
        assert reference() is None
        assert value(batches, "length") is None
    finally:
        gc.enable()


def test_a_watch_without_its_queue_has_no_length(batches: Observed) -> None:
    """Between the end of the one and that of the other."""
    jobs: queue.Queue[int] = queue.Queue()
    watch = QueueWatch(jobs, "jobs")
    del jobs
    assert watch.length == 0


def test_the_age_is_read_while_others_put_and_take(batches: Observed) -> None:
    """It may be unknown for a moment, and it never raises."""
    jobs = genotel.track_queue(queue.Queue(), name="jobs")
    watch, done = watch_of(jobs), threading.Event()

    def churn() -> None:
        while not done.is_set():
            jobs.put(1)
            jobs.get()

    thread = threading.Thread(target=churn)
    thread.start()
    ages = [watch.oldest_age_seconds for _ in range(2_000)]
    done.set()
    thread.join()
    assert all(age is None or age >= 0 for age in ages)


def test_an_age_that_cannot_be_read_is_unknown(batches: Observed) -> None:
    """Where others put and take each time that it is looked for."""

    class Busy(dict[int, float]):
        def values(self) -> Any:
            raise RuntimeError("dictionary changed size during iteration")

    jobs = genotel.track_queue(queue.Queue(), name="jobs")
    watch_of(jobs)._times = Busy()
    assert watch_of(jobs).oldest_age_seconds is None


def test_a_forked_child_counts_from_zero_and_keeps_the_items(batches: Observed) -> None:
    """What was refused before is its parent's to report."""
    jobs = genotel.track_queue(queue.Queue(maxsize=1), name="jobs")
    jobs.put(1)
    with pytest.raises(queue.Full):
        jobs.put_nowait(2)
    child = os.fork()
    if child == 0:  # pragma: no cover  # another process
        status = 1
        try:
            seen = (value(batches, "refused_total"), value(batches, "length"), jobs.get())
            status = 0 if seen == (0, 1, 1) else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert value(batches, "refused_total") == 1


@pytest.mark.parametrize("wrong", [queue.SimpleQueue(), [], None, queue.Queue])
def test_what_is_no_queue_is_refused(wrong: Any) -> None:
    """By what it is; a SimpleQueue has no place for a watch."""
    with pytest.raises(SettingsError, match=r"^tracked must be a queue.Queue or asyncio.Queue, not "):
        genotel.track_queue(wrong)
    with pytest.raises(SettingsError, match=r"^name must be a text that is not empty"):
        genotel.track_queue(queue.Queue(), name="")


@pytest.mark.usefixtures("forgiving")
def test_a_fault_of_ours_stays_out_of_the_queue(batches: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items pass, errors too."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    jobs = genotel.track_queue(queue.Queue(maxsize=1), name="jobs")
    monkeypatch.setattr(queue_totals.QueueTotals, "refuse", fail)
    jobs.put(1)
    monkeypatch.setattr(queues, "monotonic", fail)
    with pytest.raises(queue.Full):
        jobs.put_nowait(2)
    assert jobs.get() == 1
    watch_of(jobs).totals = None  # type: ignore[assignment]  # that is the point
    jobs.put(1)
    assert jobs.get() == 1
    assert guard.internal_errors().keys() == {"queues.put", "queues.get", "queues.refuse", "queues.record"}
