"""One measured call of a library: where it is not the outermost, where ours fails, where a stream is thrown at."""

from __future__ import annotations

import pytest

from genotel import generation, guard
from genotel.autoinstrument import library_call
from genotel.autoinstrument.library_call import LibraryCall, Measured, call_around, measured
from genotel.instrumentation import accumulators

WHAT = ("o", "p", "call", None)


class Plain(Measured):
    """Measure a function."""

    place = "plain"

    def what(self, arguments):
        return WHAT


def broken(*_, **__):
    """Be a fault of ours."""
    raise KeyError("ours")


def test_a_call_around_is_found_through_one_of_the_users(observed):
    """The user's own block inside of a library's call hides it from nobody."""
    assert call_around() is None
    with LibraryCall(WHAT) as outer, generation("inside"):
        assert call_around() is outer
    with generation("alone"):
        assert call_around() is None


def test_a_kind_of_function_says_what_it_is():
    """The base knows none."""
    with pytest.raises(NotImplementedError):
        Measured().what(None)
    assert Measured().parameters(None) is None


def test_a_fault_at_the_begin_leaves_the_call_as_it_was(observed, forgiving, monkeypatch):
    """It runs, not quieted; what was begun is ended."""
    monkeypatch.setattr(library_call, "quiet", broken)
    assert measured(Plain())(lambda: "made")() == "made"
    assert guard.internal_errors() == {"library_call.begin": 1}
    assert observed.outcomes() == {"ok": 1}


def test_a_fault_at_the_end_leaves_nothing_current(observed, forgiving, monkeypatch):
    """The next call is one of its own."""
    with monkeypatch.context() as patch:
        patch.setattr(library_call.Generation, "finish", broken)
        assert measured(Plain())(lambda: "made")() == "made"
    assert guard.internal_errors() == {"library_call.finish": 1}
    assert call_around() is None


def test_a_nested_call_with_a_fault_is_given_what_the_user_gave(observed, forgiving, monkeypatch):
    """The arguments are the user's own."""

    class Nested(Plain):
        nested = broken

    function = measured(Nested())(lambda **given: given)
    with LibraryCall(WHAT):
        assert function(a=1) == {"a": 1}
    assert guard.internal_errors() == {"plain.nested": 1}


@pytest.mark.parametrize("name", ["Stream", "generator"])
def test_a_stream_with_a_fault_is_the_librarys_own(observed, forgiving, monkeypatch, name):
    """Nothing of ours is between it and the user."""

    def numbers():
        yield 1

    monkeypatch.setattr(library_call, name, broken)
    assert [*measured(Plain())(numbers)()] == [1]
    assert guard.internal_errors() == {"plain.stream": 1}
    assert call_around() is None


def test_what_is_thrown_into_a_stream_arrives(observed):
    """And what the stream gives for it is noted as any other item."""

    class Noting(Plain):
        def item(self, call, item):
            call.tokens(output=item)

    def numbers():
        try:
            yield 1
        except ValueError:
            yield 2

    stream = measured(Noting())(numbers)()
    assert next(stream) == 1
    assert stream.throw(ValueError("mine")) == 2
    assert [*stream] == []
    assert observed.sink.finished[0].output_tokens == 3


async def test_a_fault_of_a_streams_item_is_swallowed(observed, forgiving):
    """In a loop and out of one; so is one before the first item."""

    class Faulty(Plain):
        item = broken

    async def letters():
        yield "a"
        try:
            yield "b"
        except ValueError:
            yield "c"

    stream = measured(Faulty())(letters)()
    assert await anext(stream) == "a"
    assert await anext(stream) == "b"
    assert await stream.athrow(ValueError("mine")) == "c"
    assert [each async for each in stream] == []
    assert guard.internal_errors() == {"plain.item": 3}
    assert observed.outcomes() == {"ok": 1}


@pytest.mark.parametrize("name", ["_begin", "AsyncTap", "Stream"])
async def test_an_async_stream_with_a_fault_gives_what_it_gave(observed, forgiving, monkeypatch, name):
    """Unmeasured."""

    async def letters():
        yield "a"

    made, calls = getattr(library_call, name), []

    def broken_once(*given):
        calls.append(given)
        if len(calls) == 1:
            raise KeyError("ours")
        return made(*given)

    monkeypatch.setattr(library_call, name, broken_once)
    assert [each async for each in measured(Plain())(letters)()] == ["a"]
    assert guard.internal_errors() == {"plain.stream": 1}
    assert call_around() is None


def test_an_ended_call_takes_no_more_notes(observed):
    """Neither counts nor times."""
    with LibraryCall(WHAT) as call:
        pass
    call.count_steps(1)
    call.steps_took(1.0, 1)
    call.phase_took("encode", 1.0)
    call.chunks_took([1.0])
    assert accumulators.call_totals(call._site.key).steps == 0
    assert observed.samples("genotel_generation_phase_duration_seconds_count") == []
