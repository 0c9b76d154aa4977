"""Streams are measured chunk by chunk and stay what they were: lazy, and foreign to their consumer."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.context import attach, detach

import genotel
from genotel import guard
from genotel.instrumentation.context import tags
from genotel.instrumentation.generation import running
from genotel.instrumentation.stream import Stream
from tests.observed import Observed

measured = genotel.measure(model="m")


def conversation(log: list[object]) -> Generator[Any, Any, str]:
    """Write down what is sent and thrown in, and answer."""
    answer: object = "first"
    while True:
        try:
            sent = yield answer
        except ValueError as error:
            log.append(error)
            answer = "caught"
        except GeneratorExit:
            log.append("closed")
            raise
        else:
            log.append(sent)
            answer = sent
            if sent == "stop":
                return "the value"


async def async_conversation(log: list[object]) -> AsyncIterator[Any]:
    """Write down what is sent and thrown in, and answer."""
    answer: object = "first"
    while True:
        await asyncio.sleep(0)
        try:
            sent = yield answer
        except ValueError as error:
            log.append(error)
            answer = "caught"
        except GeneratorExit:
            await asyncio.sleep(0)
            log.append("closed")
            raise
        else:
            log.append(sent)
            answer = sent
            if sent == "stop":
                return


def play(function: Callable[[list[object]], Any], script: list[tuple[str, object]]) -> list[object]:
    """Return everything that a consumer and a generator see of each other."""
    seen: list[object] = []
    stream = function(seen)
    for action, argument in script:
        try:
            if action == "next":
                seen.append(next(stream))
            elif action == "send":
                seen.append(stream.send(argument))
            elif action == "throw":
                seen.append(stream.throw(argument))
            else:
                seen.append(stream.close())
        except BaseException as error:
            seen.append((type(error), error.args, getattr(error, "value", None)))
    return seen


async def play_async(function: Callable[[list[object]], Any], script: list[tuple[str, object]]) -> list[object]:
    """Return everything that a consumer and an async generator see of each other."""
    seen: list[object] = []
    stream = function(seen)
    for action, argument in script:
        try:
            if action == "next":
                seen.append(await anext(stream))
            elif action == "send":
                seen.append(await stream.asend(argument))
            elif action == "throw":
                seen.append(await stream.athrow(argument))
            else:
                seen.append(await stream.aclose())
        except BaseException as error:
            seen.append((type(error), error.args))
    return seen


THROWN = ValueError("thrown in")
SCRIPTS: list[tuple[list[tuple[str, object]], str]] = [
    ([("next", None), ("send", 1), ("send", "stop"), ("next", None)], "ok"),
    ([("next", None), ("throw", THROWN), ("send", 2), ("close", None), ("close", None)], "abandoned"),
    ([("next", None), ("throw", KeyError("no")), ("next", None)], "error"),
    ([("next", None), ("throw", StopIteration("odd")), ("next", None)], "error"),
    ([("next", None), ("throw", StopAsyncIteration("odd")), ("next", None)], "error"),
    ([("next", None), ("throw", GeneratorExit()), ("next", None)], "abandoned"),
    ([("next", None), ("throw", KeyboardInterrupt())], "cancelled"),
    ([("next", None), ("throw", MemoryError())], "out_of_memory"),
    ([("send", "too early"), ("next", None), ("close", None)], "abandoned"),
]


@pytest.mark.parametrize(("script", "outcome"), SCRIPTS)
def test_consumer_and_generator_see_of_each_other_what_they_saw_without_us(
    observed: Observed, script: list[tuple[str, object]], outcome: str
) -> None:
    """Values and exceptions, both ways, and the value of its return."""
    assert play(measured(conversation), script) == play(conversation, script)
    assert (observed.outcomes(), observed.active()) == ({outcome: 1}, 0)


@pytest.mark.parametrize(("script", "outcome"), SCRIPTS)
async def test_consumer_and_async_generator_see_of_each_other_what_they_saw_without_us(
    observed: Observed, script: list[tuple[str, object]], outcome: str
) -> None:
    """The asynchronous twin."""
    assert await play_async(measured(async_conversation), script) == await play_async(async_conversation, script)
    assert (observed.outcomes(), observed.active()) == ({outcome: 1}, 0)


@pytest.mark.parametrize("stubborn", ["yields", "returns"])
@pytest.mark.parametrize("action", ["close", "throw"])
def test_a_generator_that_catches_its_end_does_as_without_us(observed: Observed, stubborn: str, action: str) -> None:
    """One that yields instead of ending is told off by Python, not by us."""

    def catching(log: list[object]) -> Iterator[int]:
        try:
            yield 1
        except GeneratorExit:
            log.append("caught")
            if stubborn == "yields":
                yield 2

    script: list[tuple[str, object]] = [("next", None), (action, GeneratorExit()), ("next", None)]
    assert play(measured(catching), script) == play(catching, script)
    assert observed.outcomes() == {"abandoned": 1} if stubborn == "returns" else {"ok": 1}
    assert observed.active() == 0


@pytest.mark.parametrize("stubborn", ["yields", "returns"])
async def test_an_async_generator_that_catches_its_end_does_as_without_us(observed: Observed, stubborn: str) -> None:
    """The asynchronous twin."""

    async def catching(log: list[object]) -> AsyncIterator[int]:
        try:
            yield 1
        except GeneratorExit:
            await asyncio.sleep(0)
            log.append("caught")
            if stubborn == "yields":
                yield 2

    script: list[tuple[str, object]] = [("next", None), ("close", None), ("next", None)]
    assert await play_async(measured(catching), script) == await play_async(catching, script)
    assert observed.active() == 0


def test_a_stream_counts_nothing_before_it_is_begun(observed: Observed) -> None:
    """It does nothing then, either."""
    stream = measured(conversation)([])
    assert "genotel_generation" not in observed.text()
    stream.close()
    assert "genotel_generation" not in observed.text()


def test_chunks_are_timed(observed: Observed) -> None:
    """The first one from the start, the others one by one."""

    @measured
    def stream() -> Iterator[int]:
        yield from range(4)

    assert [*stream()] == [0, 1, 2, 3]
    assert observed.value("gen_ai_client_operation_time_to_first_chunk_seconds_count") == 1
    assert observed.value("gen_ai_client_operation_time_per_output_chunk_seconds_count") == 3
    (span,) = observed.spans
    first = observed.sink.finished[0].first_chunk_seconds
    assert (span.attributes or {})["gen_ai.response.time_to_first_chunk"] == first


def test_a_suspended_stream_is_foreign_to_its_consumer(observed: Observed) -> None:
    """Neither its span nor its call is current outside, and both are inside."""
    tracer = observed.tracer_provider.get_tracer("app")
    inside: list[tuple[object, object]] = []

    @measured
    def stream() -> Iterator[int]:
        for number in range(3):
            inside.append((running.get(), trace.get_current_span()))
            yield number

    with tracer.start_as_current_span("consumer") as consumer:
        for _ in stream():
            assert running.get() is None
            assert trace.get_current_span() is consumer
    assert len({*inside}) == 1
    call, span = inside[0]
    assert call is not None
    assert (span.name, span.parent.span_id) == (  # type: ignore[attr-defined]  # an SDK span
        "generate_content m",
        consumer.get_span_context().span_id,
    )


async def test_a_suspended_async_stream_is_foreign_to_its_task(observed: Observed) -> None:
    """Also while it waits inside of ``await``: the loop runs other things of this task's context then."""
    seen: list[object] = []

    class Pause:
        """Look at the context at the very moment that the task is suspended."""

        def __await__(self) -> Iterator[None]:
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            context = contextvars.copy_context()
            loop.call_soon(lambda: (seen.append(context.run(running.get)), future.set_result(None)))
            yield from future

    @measured
    async def stream() -> AsyncIterator[int]:
        for number in range(3):
            await asyncio.sleep(0)
            assert running.get() is not None
            yield number

    tracer = observed.tracer_provider.get_tracer("app")
    with tracer.start_as_current_span("consumer") as consumer:
        async for _ in stream():
            assert running.get() is None
            assert trace.get_current_span() is consumer
            await Pause()
    assert seen == [None, None, None]


async def test_two_streams_in_turns_do_not_get_into_each_other(observed: Observed) -> None:
    """Each is the current one in its own code only; neither is inside the other."""

    @measured
    async def stream(name: str) -> AsyncIterator[tuple[str, int]]:
        for _ in range(3):
            await asyncio.sleep(0)
            yield name, trace.get_current_span().get_span_context().span_id

    first, second = stream("a"), stream("b")
    seen = [await anext(each) for _ in range(3) for each in (first, second)]
    assert len({*seen}) == 2
    await first.aclose()
    await second.aclose()
    assert observed.outcomes() == {"abandoned": 2}


def test_a_span_that_a_stream_leaves_open_is_its_own(observed: Observed) -> None:
    """It is current again when the stream goes on, and never in the consumer."""
    tracer = observed.tracer_provider.get_tracer("app")
    inside: list[str] = []

    @measured
    def stream() -> Iterator[int]:
        with tracer.start_as_current_span("inner"), genotel.generation("part"):
            for number in range(3):
                inside.append(trace.get_current_span().name)  # type: ignore[attr-defined]  # an SDK span
                assert genotel.current_generation()._what[2] == "part"
                yield number
        inside.append(trace.get_current_span().name)  # type: ignore[attr-defined]  # an SDK span

    for _ in stream():
        assert not trace.get_current_span().get_span_context().is_valid
        assert running.get() is None
    assert inside == ["generate_content part"] * 3 + ["generate_content m"]
    assert observed.outcomes() == {"ok": 2}


def test_a_stream_keeps_the_baggage_that_it_began_with(observed: Observed) -> None:
    """It belongs to where it was begun, whoever asks for its next chunk."""

    @measured
    def stream() -> Iterator[object]:
        while True:
            yield baggage.get_baggage("tenant")

    token = attach(baggage.set_baggage("tenant", "a"))
    chunks = stream()
    assert next(chunks) == "a"
    detach(token)
    assert next(chunks) == "a"
    chunks.close()


def test_a_stream_may_be_driven_by_several_threads(observed: Observed) -> None:
    """Frameworks iterate a generator in a pool, one ``next`` a thread."""

    @measured
    def stream() -> Iterator[int]:
        for number in range(8):
            assert running.get() is not None
            yield number

    chunks, seen = stream(), []

    def advance() -> None:
        seen.append(next(chunks))
        assert running.get() is None

    for _ in range(8):
        thread = threading.Thread(target=advance)
        thread.start()
        thread.join()
    assert (seen, [*chunks]) == ([*range(8)], [])
    assert observed.outcomes() == {"ok": 1}


def test_a_stream_inside_the_same_call_counts_once(observed: Observed) -> None:
    """And its chunks are nobody's."""
    with genotel.generation("m"):
        assert [*measured(lambda: iter(range(3)))()] == [0, 1, 2]

        @measured
        def stream() -> Iterator[int]:
            yield from range(3)

        assert [*stream()] == [0, 1, 2]
    assert observed.outcomes() == {"ok": 1}
    assert observed.samples("gen_ai_client_operation_time_to_first_chunk_seconds_count") == []


def test_a_measured_stream_inside_another_is_driven_by_it(observed: Observed) -> None:
    """``yield from`` over a stream of another model."""

    @genotel.measure(model="inner")
    def inner() -> Iterator[int]:
        yield from range(3)

    @genotel.measure(model="outer")
    def outer() -> Iterator[int]:
        yield from inner()

    assert [*outer()] == [0, 1, 2]
    assert (observed.outcomes("inner"), observed.outcomes("outer")) == ({"ok": 1}, {"ok": 1})
    inner_span, outer_span = observed.spans
    assert inner_span.parent is not None
    assert inner_span.parent.span_id == outer_span.context.span_id


def test_nothing_is_kept_of_a_chunk_or_an_exception(observed: Observed) -> None:
    """A video's tensors are freed when the consumer lets go of them, not at the next chunk."""

    class Chunk:
        """Be something large."""

    class OwnError(Exception):
        """Be thrown in, and out again."""

    @measured
    def stream() -> Iterator[Chunk]:
        while True:
            yield Chunk()

    gc.disable()
    try:
        chunks = stream()
        chunk = weakref.ref(next(chunks))
        assert chunk() is None
        error = OwnError()
        thrown = weakref.ref(error)
        try:
            chunks.throw(error)
        except OwnError:
            pass
        del error
        assert thrown() is None
    finally:
        gc.enable()


async def test_nothing_is_kept_of_an_async_chunk_or_exception(observed: Observed) -> None:
    """The asynchronous twin."""

    class Chunk:
        """Be something large."""

    class OwnError(Exception):
        """Be thrown in, and out again."""

    @measured
    async def stream() -> AsyncIterator[Chunk]:
        while True:
            await asyncio.sleep(0)
            yield Chunk()

    gc.disable()
    try:
        chunks: Any = stream()
        chunk = weakref.ref(await anext(chunks))
        assert chunk() is None
        error = OwnError()
        thrown = weakref.ref(error)
        try:
            await chunks.athrow(error)
        except OwnError:
            pass
        del error
        assert thrown() is None
    finally:
        gc.enable()


def test_ten_thousand_abandoned_streams_leave_nothing(observed: Observed) -> None:
    """No open span, no running call, no memory."""

    @measured
    def stream() -> Iterator[int]:
        yield from range(3)

    def abandon(count: int) -> None:
        for _ in range(count):
            next(stream())
            observed.spans.clear()
            observed.sink.finished.clear()

    abandon(1_000)
    gc.collect()
    before = sys.getallocatedblocks()
    abandon(9_000)
    gc.collect()
    grown = sys.getallocatedblocks() - before
    assert (observed.outcomes(), observed.active()) == ({"abandoned": 10_000}, 0)
    assert not observed.processor.open
    assert not observed.sink.running
    assert grown < 1_000


async def _abandon_async(count: int, observed: Observed) -> None:
    @measured
    async def stream() -> AsyncIterator[int]:
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    for _ in range(count):
        await anext(stream())
        observed.spans.clear()
        observed.sink.finished.clear()


def test_ten_thousand_abandoned_async_streams_leave_nothing(observed: Observed) -> None:
    """The loop closes what was dropped, at the latest when it is shut down."""
    asyncio.run(_abandon_async(1_000, observed))
    gc.collect()
    before = sys.getallocatedblocks()
    asyncio.run(_abandon_async(9_000, observed))
    gc.collect()
    grown = sys.getallocatedblocks() - before
    assert (observed.outcomes(), observed.active()) == ({"abandoned": 10_000}, 0)
    assert not observed.processor.open
    assert not observed.sink.running
    assert grown < 1_000


def test_an_async_stream_that_outlives_its_loop_is_abandoned(observed: Observed) -> None:
    """The loop ends it; one that is begun by hand and collected without a loop ends, too."""
    kept: list[Any] = []

    @measured
    async def stream() -> AsyncIterator[int]:
        while True:
            await asyncio.sleep(0)
            yield 1

    async def begin() -> None:
        kept.append(stream())
        await anext(kept[0])

    asyncio.run(begin())
    assert (observed.outcomes(), observed.active()) == ({"abandoned": 1}, 0)

    @measured
    async def instant() -> AsyncIterator[int]:
        yield 1
        yield 2

    by_hand = instant()
    with pytest.raises(StopIteration):
        by_hand.__anext__().__await__().send(None)  # type: ignore[attr-defined]  # its iterator is a generator
    assert observed.active() == 1
    del by_hand
    gc.collect()
    assert (observed.outcomes(), observed.active()) == ({"abandoned": 2}, 0)


async def test_a_stream_whose_task_is_cancelled_is_cancelled(observed: Observed) -> None:
    """The source sees the cancellation, and may clean up."""
    cleaned: list[str] = []

    @measured
    async def stream() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append("up")

    async def consume() -> None:
        async for _ in stream():
            pass

    task = asyncio.create_task(consume())
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (observed.outcomes(), cleaned) == ({"cancelled": 1}, ["up"])


def test_a_stream_that_the_collector_closes_ends_at_the_next_safe_moment(observed: Observed) -> None:
    """It may close it while OpenTelemetry holds the very lock that recording needs."""

    @measured
    def stream(cycle: list[object]) -> Iterator[int]:
        cycle.append(cycle)
        yield from range(3)

    cycle: list[object] = []
    chunks = stream(cycle)
    next(chunks)
    cycle.append(chunks)
    del cycle, chunks
    gc.collect()
    assert len(observed.processor.open) == 1
    assert observed.sink.finished == []
    assert (observed.outcomes(), observed.active()) == ({"abandoned": 1}, 0)
    (span,) = observed.spans
    assert span.end_time is not None
    duration = observed.sink.finished[0].duration_seconds
    assert duration is not None
    assert duration <= (span.end_time - (span.start_time or 0)) / 1e9 + 0.001


def test_a_call_that_the_collector_ends_is_settled_by_the_next_call(observed: Observed) -> None:
    """A ``with`` block in a generator of the user's own, which leaves its call current while suspended."""

    def stream(cycle: list[object]) -> Iterator[int]:
        cycle.append(cycle)
        with genotel.generation("m"), genotel.experiment("e"):
            yield 1

    def begin_and_drop() -> None:
        cycle: list[object] = []
        chunks = stream(cycle)
        next(chunks)
        cycle.append(chunks)

    contextvars.copy_context().run(begin_and_drop)
    begin_and_drop()
    gc.collect()
    assert len(observed.processor.open) == 2
    with genotel.generation("m"):
        assert len(observed.processor.open) == 1
    assert observed.outcomes("m") == {"abandoned": 2, "ok": 1}
    tags.set(None)


def test_the_collector_may_run_anywhere(observed: Observed) -> None:
    """Streams in cycles, collected at every allocation while pages are rendered and calls recorded."""

    @measured
    def stream(cycle: list[object]) -> Iterator[int]:
        cycle.append(cycle)
        yield from range(3)

    def abandon(count: int) -> None:
        for _ in range(count):
            cycle: list[object] = []
            chunks = stream(cycle)
            cycle.append(chunks)
            next(chunks)
            with genotel.generation("other") as call:
                call.outputs(kind=f"kind {count % 7}")

    before = gc.get_threshold()
    gc.set_threshold(1, 2, 2)
    try:
        workers = [threading.Thread(target=abandon, args=(150,), daemon=True) for _ in range(3)]
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            observed.text()
        for worker in workers:
            worker.join(20)
    finally:
        gc.set_threshold(*before)
    assert not any(worker.is_alive() for worker in workers)
    gc.collect()
    assert (observed.outcomes("m"), observed.active()) == ({"abandoned": 450}, 0)
    assert observed.outcomes("other") == {"ok": 450}
    assert not observed.processor.open


@pytest.mark.usefixtures("forgiving")
def test_a_fault_while_a_stream_is_collected_is_ours_alone(observed: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    """``__del__`` cannot raise, but Python would print it into the user's terminal."""

    def fault(self: object, error: object = None) -> None:
        raise RuntimeError("broken")

    call = genotel.generation("m").__enter__()
    stream = Stream(call)
    monkeypatch.setattr("genotel.instrumentation.generation.Generation.finish", fault)
    del stream
    assert guard.internal_errors() == {"stream.collected": 1}
    monkeypatch.undo()
    call.finish()


def test_errors_come_from_the_source(observed: Observed) -> None:
    """The innermost frame is the user's, and the exception has no context of ours."""

    @measured
    def stream() -> Iterator[int]:
        yield 1
        raise ValueError("no")

    chunks = stream()
    next(chunks)
    with pytest.raises(ValueError, match="no") as caught:
        next(chunks)
    assert caught.traceback[-1].name == "stream"
    assert caught.traceback[-1].path.name == "test_stream.py"
    assert caught.value.__context__ is None


def test_an_exception_thrown_in_keeps_the_context_that_it_had(observed: Observed) -> None:
    """``contextlib`` tells by identity and context whose exception it is."""

    @measured
    def stream() -> Iterator[int]:
        yield 1

    error = ValueError("no")
    error.__context__ = cause = KeyError("before")
    chunks = stream()
    next(chunks)
    with pytest.raises(ValueError, match="no") as caught:
        chunks.throw(error)
    assert caught.value is error
    assert error.__context__ is cause
    assert sys.exc_info() == (None, None, None)
