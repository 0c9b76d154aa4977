"""A call is begun, and finished exactly once, whatever happens in between."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

import genotel
from genotel import guard
from genotel.instrumentation import accumulators
from genotel.instrumentation.generation import Generation, running
from tests.observed import Observed


@genotel.measure(model="m")
def generate(depth: int = 0, error: BaseException | None = None) -> int:
    """Call itself, then fail if asked."""
    if depth:
        return generate(depth - 1, error)
    if error is not None:
        raise error
    return 1


def test_a_call_is_counted_timed_and_traced(observed: Observed) -> None:
    """One count, one duration, one span, one row."""
    with genotel.generation("m", output="image") as call:
        assert genotel.current_generation() is call
        assert trace.get_current_span().get_span_context().span_id in observed.processor.open
        assert observed.active() == 1
    assert (observed.outcomes(), observed.active(), observed.started()) == ({"ok": 1}, 0, 1)
    assert observed.durations() == 1
    (span,) = observed.spans
    assert (span.name, span.kind, span.status.status_code) == (
        "generate_content m",
        SpanKind.INTERNAL,
        StatusCode.UNSET,
    )
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "self_hosted",
        "gen_ai.request.model": "m",
        "gen_ai.output.type": "image",
    }
    (row,) = observed.sink.finished
    assert (row.outcome, row.trace_id, row.span_id) == ("ok", span.context.trace_id, span.context.span_id)
    assert not observed.sink.running
    assert running.get() is None
    assert not trace.get_current_span().get_span_context().is_valid


def test_every_outcome_is_born_at_zero_when_a_call_begins(observed: Observed) -> None:
    """A counter born at 1 has no increase, so a rare use would vanish."""
    with genotel.generation("m"):
        samples = observed.samples("genotel_generation_requests_total")
    assert sorted((sample.labels["genotel_outcome"], sample.value) for sample in samples) == [
        ("abandoned", 0),
        ("cancelled", 0),
        ("error", 0),
        ("ok", 0),
        ("out_of_memory", 0),
    ]


@pytest.mark.parametrize(
    ("error", "outcome", "error_type"),
    [
        (ValueError("a secret"), "error", "ValueError"),
        (MemoryError(), "out_of_memory", "MemoryError"),
        (asyncio.CancelledError(), "cancelled", "asyncio.exceptions.CancelledError"),
        (KeyboardInterrupt(), "cancelled", "KeyboardInterrupt"),
        (SystemExit(1), "cancelled", "SystemExit"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
def test_a_failed_call_says_how_but_not_why(
    observed: Observed, error: BaseException, outcome: str, error_type: str
) -> None:
    """The span's status has no description, since the text may hold a prompt."""
    with pytest.raises(type(error)) as caught:
        generate(error=error)
    assert caught.value is error
    assert observed.outcomes() == {outcome: 1}
    (span,) = observed.spans
    assert (span.status.status_code, span.status.description, len(span.events)) == (StatusCode.ERROR, None, 0)
    assert (span.attributes or {})["error.type"] == error_type
    assert (span.attributes or {})["genotel.outcome"] == outcome
    assert observed.value("gen_ai_client_operation_duration_seconds_count", error_type=error_type) == 1
    (row,) = observed.sink.finished
    assert (row.outcome, row.error_type) == (outcome, error_type)
    assert "secret" not in observed.text() + str(span.to_json()) + str(row)


@pytest.mark.parametrize(("say", "outcome"), [("fail", "error"), ("cancel", "cancelled")])
def test_a_call_may_say_how_it_ended_without_an_exception(observed: Observed, say: str, outcome: str) -> None:
    """A pipeline that returns a status instead of raising."""
    with genotel.generation("m") as call:
        getattr(call, say)()
    assert observed.outcomes() == {outcome: 1}
    assert observed.sink.finished[0].error_type == outcome
    assert observed.spans[0].status.status_code is StatusCode.ERROR


async def test_an_async_block_measures_too(observed: Observed) -> None:
    """``async with`` is the same call."""
    async with genotel.generation("m"):
        await asyncio.sleep(0)
    assert observed.outcomes() == {"ok": 1}
    with pytest.raises(ValueError, match="no"):
        async with genotel.generation("m"):
            raise ValueError("no")
    assert observed.outcomes() == {"ok": 1, "error": 1}


def test_the_same_call_inside_itself_counts_once(observed: Observed) -> None:
    """Recursion, and a pipeline measured by the user and by the auto-instrumentation."""
    assert generate(depth=5) == 1
    assert (observed.outcomes(), len(observed.spans)) == ({"ok": 1}, 1)
    with genotel.generation("m") as outer, genotel.generation("m") as inner:
        assert inner is outer
        inner.step()
    assert observed.outcomes() == {"ok": 2}
    assert observed.sink.finished[1].steps == 1


def test_the_same_call_counts_once_with_another_model_between(observed: Observed) -> None:
    """A combined pipeline that calls a part which calls it again."""
    with genotel.generation("a"), genotel.generation("b"), genotel.generation("a"), genotel.generation("b"):
        pass
    assert (observed.outcomes("a"), observed.outcomes("b"), len(observed.spans)) == ({"ok": 1}, {"ok": 1}, 2)


def test_different_models_and_operations_inside_each_other_all_count(observed: Observed) -> None:
    """The inner span is a child of the outer one."""
    with genotel.generation("a"), genotel.generation("b"), genotel.generation("a", operation="embeddings"):
        pass
    assert observed.outcomes() == {"ok": 3}
    innermost, middle, outer = observed.spans
    assert innermost.parent is not None
    assert middle.parent is not None
    assert (innermost.parent.span_id, middle.parent.span_id) == (middle.context.span_id, outer.context.span_id)


def test_a_call_after_a_finished_one_in_its_context_counts(observed: Observed) -> None:
    """A context that was copied inside a call outlives it, as a background task's does."""
    with genotel.generation("m"):
        context = contextvars.copy_context()
    assert context.run(generate) == 1
    assert observed.outcomes() == {"ok": 2}


def test_every_retry_counts(observed: Observed) -> None:
    """Three tries are three calls, two of them failed."""
    for error in (ValueError(), MemoryError(), None):
        try:
            generate(error=error)
        except (ValueError, MemoryError):
            continue
    assert observed.outcomes() == {"error": 1, "out_of_memory": 1, "ok": 1}


def test_one_object_entered_again_and_again_counts_every_time(observed: Observed) -> None:
    """People keep ``call = genotel.generation(…)`` at the top of their module."""
    call = genotel.generation("m", parameters={"steps": 3})
    for _ in range(3):
        with call as current:
            assert current.measuring
            current.step()
    with pytest.raises(ValueError, match="no"), call:
        raise ValueError("no")
    assert (observed.outcomes(), observed.active()) == ({"ok": 3, "error": 1}, 0)
    assert [row.steps for row in observed.sink.finished] == [1, 1, 1, 0]
    assert not observed.processor.open


def test_one_object_entered_while_it_runs_counts_once(observed: Observed) -> None:
    """The inner end does not end it."""
    call = genotel.generation("m")
    with call:
        with call as inner:
            assert inner is call
        assert call.measuring
    assert (observed.outcomes(), observed.active()) == ({"ok": 1}, 0)


def test_one_object_entered_by_threads_at_once_counts_every_one(observed: Observed) -> None:
    """Each use is a call of its own, and ends its own."""
    call = genotel.generation("m")
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        try:
            with call:
                barrier.wait()
                if number == 0:
                    raise ValueError
                barrier.wait(10)
        except ValueError:
            barrier.wait(10)

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(work, range(4))] == [None] * 4
    assert (observed.outcomes(), observed.active()) == ({"ok": 3, "error": 1}, 0)
    assert not observed.processor.open


def test_a_reused_object_that_is_left_elsewhere_is_left_alone(observed: Observed) -> None:
    """Its end comes where neither it nor a use of it runs; what runs there is not ended by mistake."""
    call = genotel.generation("m")
    with call:
        pass
    contextvars.copy_context().run(call.__enter__)
    with genotel.generation("other"):
        call.__exit__(None, None, None)
        assert (observed.active("other"), observed.active("m")) == (1, 1)


def test_threads_of_a_pool_are_calls_of_their_own(observed: Observed) -> None:
    """A pool's threads do not inherit the context; the calls are counted one by one."""
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(generate, [0] * 40)) == 40
    assert (observed.outcomes(), observed.active(), observed.durations()) == ({"ok": 40}, 0, 40)


async def test_gathered_tasks_are_calls_of_their_own(observed: Observed) -> None:
    """Each has its own span, none of them another's parent."""

    @genotel.measure(model="m")
    async def generate_later(number: int) -> int:
        await asyncio.sleep(0)
        with genotel.generation("part"):
            await asyncio.sleep(0)
        return number

    assert await asyncio.gather(*(generate_later(number) for number in range(20))) == [*range(20)]
    assert (observed.outcomes("m"), observed.outcomes("part")) == ({"ok": 20}, {"ok": 20})
    calls = {span.context.span_id for span in observed.spans if span.name.endswith(" m")}
    assert {span.parent.span_id for span in observed.spans if span.parent is not None} == calls


async def test_a_cancelled_task_is_cancelled(observed: Observed) -> None:
    """Also one that a timeout or a failing sister in a task group cancels."""

    @genotel.measure(model="m")
    async def hang() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await hang()

    async def fail() -> None:
        raise ValueError("no")

    async def run_both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(hang())
            group.create_task(fail())

    with pytest.raises(ExceptionGroup):
        await run_both()
    assert (observed.outcomes(), observed.active()) == ({"cancelled": 3}, 0)
    assert not observed.processor.open


def test_a_coroutine_that_is_thrown_away_is_abandoned(observed: Observed) -> None:
    """Nobody awaits it to its end."""

    class Never:
        """Suspend who awaits it."""

        def __await__(self) -> Iterator[None]:
            yield

    @genotel.measure(model="m")
    async def hang() -> None:
        await Never()

    coroutine = hang()
    coroutine.send(None)
    coroutine.close()
    assert observed.outcomes() == {"abandoned": 1}
    assert observed.sink.finished[0].error_type is None


def test_ctrl_c_while_a_call_begins_leaves_nothing_behind(observed: Observed) -> None:
    """In a notebook the next cell would else count as a call inside that one."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    observed.sink.start = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt), genotel.generation("m"):
        pytest.fail("not reached")
    assert (observed.outcomes(), observed.active(), running.get()) == ({"cancelled": 1}, 0, None)
    assert not observed.processor.open


def test_an_end_is_counted_once_even_if_said_twice(observed: Observed) -> None:
    """By two threads at the same moment, too."""
    call = genotel.generation("m")
    contextvars.copy_context().run(call.__enter__)
    barrier = threading.Barrier(8)

    def finish() -> None:
        barrier.wait()
        call.finish()

    threads = [threading.Thread(target=finish) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    call.finish(ValueError())
    assert (observed.outcomes(), len(observed.spans), observed.durations()) == ({"ok": 1}, 1, 1)


def test_a_call_ended_in_another_context_leaves_that_one_alone(observed: Observed) -> None:
    """A ``with`` block inside a generator may be closed from anywhere."""
    call = genotel.generation("m")
    contextvars.copy_context().run(call.__enter__)
    with genotel.generation("other") as other:
        call.finish()
        assert running.get() is other
    assert observed.outcomes() == {"ok": 2}


def test_a_finished_call_does_nothing_more(observed: Observed) -> None:
    """Nor does one that was never begun."""
    with genotel.generation("m") as call:
        pass
    page = observed.text()
    for dead in (call, genotel.generation("m"), genotel.current_generation()):
        dead.step()
        dead.chunk()
        dead.outputs(3)
        dead.tokens(input=1)
        dead.score("clip", 1.0)
        dead.parameters(steps=3)
        with dead.phase("decode"):
            pass
        dead.finish()
        assert not dead.measuring
    assert observed.text() == page


def test_nothing_is_kept_of_a_finished_call(observed: Observed) -> None:
    """Neither the call, nor what it was given, nor its exception, without waiting for the collector."""

    class Prompt(str):
        """Be a text that can be referred to weakly."""

    class OwnError(Exception):
        """Be an error that can be referred to weakly."""

    gc.disable()
    try:
        prompt = Prompt("a cat")
        error = OwnError()
        references: list[weakref.ref[Any]] = [weakref.ref(prompt), weakref.ref(error)]
        try:
            with genotel.generation("m", prompt=prompt) as call:
                references.append(weakref.ref(call))
                raise error
        except OwnError:
            pass
        observed.sink.finished.clear()
        del prompt, error, call
        assert [reference() for reference in references] == [None, None, None]
    finally:
        gc.enable()


def test_a_chain_of_overlapping_calls_keeps_only_those_that_run(observed: Observed) -> None:
    """Each background task starts the next one inside of its own call; the first must not live for ever."""
    context = contextvars.copy_context()
    first = context.run(genotel.generation("0").__enter__)
    reference = weakref.ref(first)
    inner_context = context.run(contextvars.copy_context)
    inner = inner_context.run(genotel.generation("1").__enter__)
    first.finish()
    innermost_context = inner_context.run(contextvars.copy_context)
    innermost = innermost_context.run(genotel.generation("2").__enter__)
    inner.finish()
    observed.sink.finished.clear()
    del first, inner, context, inner_context
    gc.collect()
    assert reference() is None
    innermost_context.run(innermost.finish)
    assert observed.outcomes() == {"ok": 3}


class _Hostile(type):
    """Be the class of exceptions that do not want to be looked at."""

    @property
    def __module__(cls) -> str:  # type: ignore[override]
        raise RuntimeError("do not look")


@pytest.mark.usefixtures("forgiving")
def test_a_hostile_exception_class_is_an_error(observed: Observed) -> None:
    """The call is counted and its span ended all the same."""
    hostile = _Hostile("HostileError", (Exception,), {})
    with pytest.raises(hostile), genotel.generation("m"):
        raise hostile
    assert (observed.outcomes(), observed.active()) == ({"error": 1}, 0)
    assert observed.sink.finished[0].error_type == "_OTHER"
    assert not observed.processor.open
    assert guard.internal_errors() == {"generation.outcome": 1}


def test_the_call_runs_with_nothing_but_counts_where_telemetry_is_disabled() -> None:
    """``disabled`` means that nothing is measured and nothing fails."""
    from genotel.instrumentation import instruments

    instruments.disable()
    try:
        with genotel.generation("m", parameters={"steps": 1}) as call:
            call.step()
            assert not call.measuring
        assert generate() == 1
        assert accumulators.all_calls() == []
    finally:
        instruments.unbind()


def test_without_spans_the_rest_is_the_same(observed: Observed) -> None:
    """``configure(spans=False)``."""
    from genotel.instrumentation import instruments

    instruments.bind(None, observed.meter_provider)
    call = genotel.generation("m")
    with pytest.raises(ValueError, match="no"), call:
        raise ValueError("no")
    assert call.context is None
    assert (observed.outcomes(), observed.durations(), observed.spans) == ({"error": 1}, 1, [])
    assert observed.sink.finished[0].trace_id == 0


def test_a_running_call_has_a_row_so_far(observed: Observed) -> None:
    """So a call that is killed is seen; the row is a copy, since a thread reads it later."""
    with genotel.generation("m", parameters={"steps": 2}, queue_seconds=0.5) as call:
        call.score("clip", 0.5)
        (snapshot,) = observed.sink.running.values()
        row = snapshot()
        call.score("aesthetic", 0.7)
    assert (row.outcome, row.duration_seconds, row.queue_seconds) == (None, None, 0.5)
    assert (row.parameters, row.scores) == ({"steps": 2}, {"clip": 0.5})


def test_a_generation_can_be_made_by_hand(observed: Observed) -> None:
    """What the auto-instrumentation does."""
    with Generation(("chat", "vllm", "m", "text")):
        pass
    assert observed.spans[0].name == "chat m"
