"""Loops over anything: batches pass unchanged and as lazily as they come; ends are told apart."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace

import genotel
from genotel import guard
from genotel.errors import SettingsError
from genotel.instrumentation.batch_stats import BatchStats
from tests.observed import Observed
from tests.unit.instrumentation.test_batch_call import counts


class Loader:
    """Be like a DataLoader: a length, a new iterator for each pass."""

    def __init__(self, *batches: Any) -> None:
        self.batches = batches
        self.passes = 0

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        self.passes += 1
        return iter(self.batches)


async def async_source(count: int) -> AsyncIterator[int]:
    """Yield numbers, giving way in between."""
    for number in range(count):
        await asyncio.sleep(0)
        yield number


def test_batches_pass_unchanged() -> None:
    """The very same objects."""
    source = [[1], {"a": 2}, object()]
    passed = [*genotel.batches(source, name="captions")]
    assert all(one is other for one, other in zip(passed, source, strict=True))


def test_batches_come_as_late_as_they_are_asked_for(batches: Observed) -> None:
    """An infinite source is fine."""
    made: list[int] = []

    def source() -> Iterator[int]:
        while True:
            made.append(len(made))
            yield made[-1]

    loop = iter(genotel.batches(source(), name="captions"))
    assert made == []
    assert [next(loop), next(loop)] == [0, 1]
    assert made == [0, 1]


def test_each_pass_is_a_new_one(batches: Observed) -> None:
    """As over a loader, epoch by epoch; the figures add up."""
    loader = Loader([1, 2], [3])
    loop = genotel.batches(loader, name="captions", size=len)
    for _ in range(3):
        assert [*loop] == [[1, 2], [3]]
    assert (len(loop), loader.passes) == (2, 3)
    assert (loop.done, loop.items, loop.failures, loop.in_flight) == (6, 9, 0, 0)
    assert counts(batches, "items") == {"ok": 9}


def test_a_loop_tells_how_far_it_is(batches: Observed) -> None:
    """Done, left, rate and time to go."""
    loop = genotel.batches(Loader(1, 2, 3, 4), name="captions")
    assert (loop.remaining, loop.rate, loop.eta_seconds, loop.in_flight) == (None, None, None, 0)
    for number, _ in enumerate(loop):
        assert (loop.done, loop.remaining, loop.in_flight) == (number, 4 - number, 1)
        if number:
            assert loop.rate > 0
            assert loop.eta_seconds >= 0
    endless = genotel.batches(iter(int, 1), name="captions")
    next(iter(endless))
    assert endless.remaining is None
    told = genotel.batches((number for number in range(3)), name="captions", total=3)
    for _ in told:
        assert told.remaining is not None


def test_what_has_no_length_has_none_with_us() -> None:
    """And is as little iterable as before."""
    with pytest.raises(TypeError, match="has no len"):
        len(genotel.batches(iter([])))
    with pytest.raises(TypeError, match="not iterable"):
        iter(genotel.batches(5))  # type: ignore[arg-type]  # that is the point
    with pytest.raises(TypeError, match="not an async iterable"):
        aiter(genotel.batches([]))


@pytest.mark.usefixtures("forgiving")
def test_a_length_that_raises_is_unknown(batches: Observed) -> None:
    """An IterableDataset may do that."""

    class Odd(Loader):
        def __len__(self) -> int:
            raise RuntimeError("secret")

    loop = genotel.batches(Odd(1, 2), name="captions")
    for _ in loop:
        assert loop.remaining is None
    assert guard.internal_errors() == {"batch.length": 1}


def test_a_loop_that_is_left_abandons_its_last_batch(batches: Observed) -> None:
    """Python does not say why: by `break`, `return` or an exception, which passes unchanged."""
    for batch in genotel.batches([1, 2, 3], name="captions"):
        if batch == 2:
            break
    error = ValueError("secret")

    def raising() -> None:
        for _ in genotel.batches([1], name="captions"):
            raise error

    with pytest.raises(ValueError, match="secret") as caught:
        raising()
    assert caught.value is error
    # The traceback holds the frame, which has already given its iterator up.
    assert counts(batches) == {"ok": 1, "abandoned": 2}


def test_a_with_block_tells_a_failure_from_a_break(batches: Observed) -> None:
    """It sees the exception."""
    with genotel.batches([1, 2, 3], name="captions") as loop:
        for batch in loop:
            if batch == 2:
                break
    assert (loop.done, loop.failures) == (2, 0)

    def raising(error: BaseException) -> None:
        with genotel.batches([1, 2], name="captions", size=lambda _: 4) as loop:
            for _ in loop:
                raise error

    for error in (ValueError("secret"), MemoryError()):
        with pytest.raises(type(error)):
            raising(error)
    assert counts(batches) == {"ok": 2, "error": 1, "out_of_memory": 1}
    assert counts(batches, "items") == {"ok": 2, "error": 4, "out_of_memory": 4}
    with genotel.batches([1], name="captions"):
        pass


def test_the_body_runs_in_the_span_of_its_batch(batches: Observed) -> None:
    """And what follows does not."""
    loop = genotel.batches([1, 2], name="captions", spans="each")
    inside = [trace.get_current_span().get_span_context().span_id for _ in loop]
    assert [span.context.span_id for span in batches.spans] == inside
    assert not trace.get_current_span().get_span_context().is_valid
    for _ in genotel.batches([1, 2], name="captions", spans="each"):
        break
    assert not trace.get_current_span().get_span_context().is_valid


def test_a_long_loop_makes_few_spans(batches: Observed) -> None:
    """Over all of its passes."""
    loop = genotel.batches(range(500), name="captions")
    for _ in range(4):
        for _ in loop:
            pass
    assert counts(batches) == {"ok": 2000}
    assert len(batches.spans) == 313


def test_an_async_source(batches: Observed) -> None:
    """Measured the same way, in the task of the loop."""

    async def main() -> list[int]:
        seen = []
        loop = genotel.batches(async_source(3), name="captions", spans="each", total=3)
        async for number in loop:
            seen.append(number)
            assert trace.get_current_span().get_span_context().is_valid
            await asyncio.sleep(0.001)
        assert (loop.done, loop.in_flight) == (3, 0)
        return seen

    assert asyncio.run(main()) == [0, 1, 2]
    assert counts(batches) == {"ok": 3}
    assert all(span.end_time - span.start_time >= 1_000_000 for span in batches.spans)


def test_async_loops_that_are_left_and_that_fail(batches: Observed) -> None:
    """By `break`, by cancellation, by their source."""

    async def broken() -> AsyncIterator[int]:
        yield 1
        raise ValueError("secret")

    async def main() -> None:
        async for _ in genotel.batches(async_source(3), name="captions"):
            break
        with pytest.raises(ValueError, match="secret"):
            async for _ in genotel.batches(broken(), name="captions"):
                pass

        async def cancelled() -> None:
            async with genotel.batches(async_source(3), name="captions") as loop:
                async for _ in loop:
                    await asyncio.sleep(60)

        task = asyncio.create_task(cancelled())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert counts(batches) == {"ok": 1, "abandoned": 1, "error": 1, "cancelled": 1}


def test_statistics_take_the_batches_in(batches: Observed) -> None:
    """They are exported under their name, once; waits come from the time of enqueuing."""
    stats = BatchStats(name="engine")
    for _ in genotel.batches([[1, 2], [3]], stats=stats, size=len, enqueued_at=lambda batch: 1.0):
        pass
    assert stats.batch_sizes == (2, 1)
    assert min(stats.queue_times) > 0
    assert counts(batches, "items", "engine") == {"ok": 3}
    assert batches.value("genotel_batch_duration_seconds_count", genotel_batch_name="engine") == 2


def test_a_loop_in_a_generator_may_be_closed(batches: Observed) -> None:
    """The batch in flight is abandoned with it."""

    def outer() -> Iterator[int]:
        yield from genotel.batches([1, 2, 3], name="captions")

    stream = outer()
    next(stream)
    next(stream)
    stream.close()
    del stream
    assert counts(batches) == {"ok": 1, "abandoned": 1}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: genotel.batches([], name=3), r"^name must be a text"),  # type: ignore[arg-type]  # that is the point
        (lambda: genotel.batches([], spans="all"), r"^spans must be one of each, sampled, none"),  # type: ignore[arg-type]  # as above
        (lambda: genotel.batches([], size=8), r"^size must be a function of a batch, not int$"),  # type: ignore[arg-type]  # as above
        (lambda: genotel.batches([], total=-1), r"^total must be a whole number from 0 to "),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(call: Callable[[], object], message: str) -> None:
    """At once, before the loop begins."""
    with pytest.raises(SettingsError, match=message):
        call()


def test_a_program_that_only_loops_has_its_page() -> None:
    """The counters of a job, through configure() and the real page."""
    program = """
import json, urllib.request, genotel
with genotel.configure(port=0) as handle:
    for batch in genotel.batches([[1, 2], [3]], name="nightly", size=len):
        pass
    page = urllib.request.urlopen(handle.url).read().decode()
print(json.dumps([line.rsplit(" ", 1)[1] for line in page.splitlines()
                  if line.startswith("genotel_batch_items_total{") and 'outcome="ok"' in line]))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout) == ["3"]
