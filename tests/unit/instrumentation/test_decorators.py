"""``measure`` keeps the kind, the result and the exception of whatever callable it is given."""

from __future__ import annotations

import asyncio
import functools
import inspect
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

import genotel
from tests.observed import Observed

measured = genotel.measure(model="m", output="image")


def function(x: int, *, scale: float = 1.0) -> float:
    """Document me."""
    return x * scale


async def coroutine(x: int, *, scale: float = 1.0) -> float:
    """Document me."""
    await asyncio.sleep(0)
    return x * scale


def generator(x: int, *, scale: float = 1.0) -> Iterator[float]:
    """Document me."""
    yield x * scale


async def async_generator(x: int, *, scale: float = 1.0) -> AsyncIterator[float]:
    """Document me."""
    await asyncio.sleep(0)
    yield x * scale


KINDS = [function, coroutine, generator, async_generator]
QUESTIONS: list[Callable[[object], bool]] = [
    inspect.isfunction,
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
    inspect.isroutine,
    callable,
]


async def result_of(value: Any) -> Any:
    """Return what a call of any kind gave in the end."""
    if inspect.isasyncgen(value):
        (item,) = [item async for item in value]
        return item
    if inspect.isgenerator(value):
        (item,) = value
        return item
    return await value if inspect.isawaitable(value) else value


@pytest.mark.parametrize("given", KINDS, ids=lambda given: given.__name__)
async def test_a_function_keeps_its_kind_name_signature_and_result(
    observed: Observed, given: Callable[..., Any]
) -> None:
    """Frameworks look at all of them to decide how to call a function."""
    wrapped = measured(given)
    assert [ask(wrapped) for ask in QUESTIONS] == [ask(given) for ask in QUESTIONS]
    assert inspect.signature(wrapped) == inspect.signature(given)
    assert (wrapped.__name__, wrapped.__qualname__, wrapped.__doc__, wrapped.__module__) == (
        given.__name__,
        given.__qualname__,
        given.__doc__,
        given.__module__,
    )
    assert wrapped.__wrapped__ is given
    assert await result_of(wrapped(3, scale=2.0)) == 6.0
    assert observed.outcomes() == {"ok": 1}


@pytest.mark.parametrize("given", KINDS, ids=lambda given: given.__name__)
async def test_a_partial_keeps_its_kind(observed: Observed, given: Callable[..., Any]) -> None:
    """``inspect`` sees through partials, and so do we."""
    partial = functools.partial(given, scale=2.0)
    wrapped = measured(partial)
    assert [ask(wrapped) for ask in QUESTIONS[1:4]] == [ask(partial) for ask in QUESTIONS[1:4]]
    assert inspect.signature(wrapped) == inspect.signature(partial)
    assert await result_of(wrapped(3)) == 6.0
    assert observed.outcomes() == {"ok": 1}


class Pipeline:
    """Hold a measured method of every kind."""

    @measured
    def method(self, x: int) -> tuple[Any, int]:
        """Return who was called."""
        return self, x

    @staticmethod
    @measured
    def static_inside(x: int) -> int:
        """Return it."""
        return x

    @measured
    @staticmethod
    def static_outside(x: int) -> int:
        """Return it."""
        return x

    @classmethod
    @measured
    def class_inside(cls, x: int) -> tuple[Any, int]:
        """Return who was called."""
        return cls, x

    @measured
    @classmethod
    def class_outside(cls, x: int) -> tuple[Any, int]:
        """Return who was called."""
        return cls, x

    @measured
    async def coroutine(self, x: int) -> tuple[Any, int]:
        """Return who was called."""
        return self, x

    @measured
    def generator(self, x: int) -> Iterator[tuple[Any, int]]:
        """Yield who was called."""
        yield self, x

    @measured
    async def async_generator(self, x: int) -> AsyncIterator[tuple[Any, int]]:
        """Yield who was called."""
        yield self, x


async def test_methods_of_every_kind_know_whom_they_belong_to(observed: Observed) -> None:
    """The wrapper is a descriptor as a function is; static and class methods stand on either side."""
    pipeline = Pipeline()
    for name in ("method", "coroutine", "generator", "async_generator"):
        assert await result_of(getattr(pipeline, name)(1)) == (pipeline, 1)
    for name in ("static_inside", "static_outside"):
        assert getattr(pipeline, name)(1) == getattr(Pipeline, name)(1) == 1
    for name in ("class_inside", "class_outside"):
        assert getattr(pipeline, name)(1) == getattr(Pipeline, name)(1) == (Pipeline, 1)
    assert observed.outcomes() == {"ok": 12}


class Caller:
    """Be called as a function is."""

    def __call__(self, x: int) -> int:
        """Return it."""
        return x


class AsyncCallable:
    """Be called as a coroutine function is, which ``inspect`` does not see."""

    async def __call__(self, x: int) -> int:
        """Return it."""
        await asyncio.sleep(0)
        return x


@pytest.mark.parametrize("given", [Caller(), AsyncCallable(), lambda x: x, lambda x: coroutine(x), abs])
async def test_anything_that_can_be_called_can_be_measured(observed: Observed, given: Callable[..., Any]) -> None:
    """Also an object whose call is asynchronous: it is measured to the end of its coroutine."""
    wrapped = measured(given)
    value = wrapped(3)
    if isinstance(value, Awaitable):
        assert observed.active() == 1
    assert await result_of(value) == 3
    assert (observed.outcomes(), observed.active()) == ({"ok": 1}, 0)


def test_a_function_that_returns_a_generator_lasts_as_long_as_it(observed: Observed) -> None:
    """What a plain function returns to do later is part of its call."""

    @measured
    def stream(count: int) -> Iterator[int]:
        return (number for number in range(count))

    chunks = stream(3)
    assert isinstance(chunks, types.GeneratorType)
    assert (observed.active(), observed.outcomes()) == (1, {})
    assert [*chunks] == [0, 1, 2]
    assert (observed.active(), observed.outcomes()) == (0, {"ok": 1})
    assert observed.sink.finished[0].first_chunk_seconds is not None


async def test_a_function_that_returns_an_async_generator_lasts_as_long_as_it(observed: Observed) -> None:
    """The asynchronous twin."""

    @measured
    def stream(x: int) -> AsyncIterator[float]:
        return async_generator(x)

    chunks = stream(3)
    assert isinstance(chunks, types.AsyncGeneratorType)
    assert (observed.active(), observed.outcomes()) == (1, {})
    assert [item async for item in chunks] == [3.0]
    assert (observed.active(), observed.outcomes()) == (0, {"ok": 1})


def test_a_returned_generator_that_is_never_begun_is_abandoned(observed: Observed) -> None:
    """The function ran, so there was a call; nobody wanted what it made."""

    @measured
    def stream() -> Iterator[int]:
        return (number for number in range(3))

    stream()
    assert (observed.active(), observed.outcomes()) == (0, {"abandoned": 1})
    assert not observed.processor.open


async def test_a_returned_coroutine_that_fails_is_an_error(observed: Observed) -> None:
    """The call's end is the coroutine's end."""

    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await measured(lambda: fail())()
    assert observed.outcomes() == {"error": 1}


def test_a_nested_function_that_returns_a_generator_gives_the_very_same(observed: Observed) -> None:
    """Inside the same call nothing is measured, so nothing is wrapped."""
    inner = (number for number in range(3))
    with genotel.generation("m"):
        assert measured(lambda: inner)() is inner
    assert observed.outcomes() == {"ok": 1}


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3), StopIteration(4)])
def test_the_exception_passes_unchanged(observed: Observed, error: BaseException) -> None:
    """The same object, the same innermost frame, no context of ours."""

    @measured
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert caught.traceback[-1].name == "fail"
    assert error.__context__ is None
    assert error.__cause__ is None


def test_a_result_is_the_very_same_object(observed: Observed) -> None:
    """No copy, no proxy."""
    result = object()
    assert measured(lambda: result)() is result


def test_what_is_not_asked_for_is_not_measured(observed: Observed) -> None:
    """Decorating alone counts nothing and makes no series."""
    measured(function)
    assert "genotel_generation" not in observed.text()


def test_operation_provider_and_output_are_told_apart(observed: Observed) -> None:
    """They are labels of the call and attributes of its span."""
    genotel.measure(model="m", operation="embeddings", provider="onnxruntime", output="text")(function)(1)
    (row,) = observed.sink.finished
    assert (row.model, row.operation, row.provider, row.output_type) == ("m", "embeddings", "onnxruntime", "text")
    assert observed.spans[0].name == "embeddings m"
    assert (
        observed.value(
            "genotel_generation_requests_total",
            gen_ai_operation_name="embeddings",
            gen_ai_provider_name="onnxruntime",
            genotel_outcome="ok",
        )
        == 1
    )
