"""Streams: generators and async generators measured chunk by chunk, as lazy as they were.

While a stream is suspended, neither its span nor its call is current in the consumer: both are put
in force only while the stream's own code runs. A stream that is closed or collected before its end
finishes as ``abandoned``. A stream that is never begun counts nothing, as it does nothing.
"""

from __future__ import annotations

import sys
from asyncio import CancelledError
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Token
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

from opentelemetry.context import Context, attach, get_current

from genotel import guard
from genotel.instrumentation.generation import Generation, running
from genotel.instrumentation.late_ends import COLLECTOR
from genotel.instrumentation.site import What

# What a function may return that does its work later.
LAZY = frozenset({GeneratorType, AsyncGeneratorType, CoroutineType})


class Stream:
    """Put a call in force for as long as a stream's own code runs.

    Args:
        call: the call; None, where it is nested in the same call or telemetry is off, does nothing.
    """

    __slots__ = ("_call", "_context", "_running", "_tokens")

    def __init__(self, call: Generation | None) -> None:
        self._call = call
        self._tokens: tuple[Token[Context] | None, Token[Generation | None]] | None = None
        if call is not None:
            self._context = call.context
            self._running: Generation | None = call
            call.suspend()

    def __enter__(self) -> None:
        # A stream that the garbage collector closes runs bare: context variables must be left alone.
        if self._call is not None and not COLLECTOR.is_here():
            context = self._context
            self._tokens = (None if context is None else attach(context), running.set(self._running))

    def __exit__(self, *_: object) -> None:
        if self._tokens is None:
            return
        attached, ran = self._tokens
        self._tokens = None
        # What the stream left current (a span of its own, say) is current again when it goes on.
        self._running = running.get()
        with suppress(ValueError, RuntimeError):
            running.reset(ran)
        if attached is not None:
            self._context = get_current()
            with suppress(ValueError, RuntimeError):
                attached.var.reset(attached)

    def chunk(self) -> None:
        """Note that the stream gave a chunk."""
        if self._call is not None:
            self._call.chunk()

    def finish(self, error: BaseException | None) -> None:
        """End the call, once."""
        if self._call is not None:
            self._call.finish(error)

    def __del__(self) -> None:
        # A stream that was handed out and never begun, or an async one that is collected outside of
        # an event loop, is never closed.
        try:
            self.finish(GeneratorExit())
        except Exception as error:
            guard.report("stream.collected", error)


def begin(what: What) -> Stream:
    """Begin a call that will be in force only now and then."""
    call = Generation(what)
    entered = call.__enter__()
    return Stream(call if entered is call and call.measuring else None)


def generator(open_source: Callable[..., Generator[Any, Any, Any]], begin: Callable[[], Stream]) -> Callable[..., Any]:
    """Return a generator function that drives a source and measures it as one call.

    Everything sent and thrown in reaches the source unchanged, and so does what it returns or raises.
    """

    def stream(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        source = open_source(*args, **kwargs)
        current = begin()
        # A list, so that nothing here keeps a chunk alive while the consumer has it.
        made: list[Any] = []
        send: Any = None
        thrown: BaseException | None = None
        try:
            while True:
                with current:
                    try:
                        made.append(source.send(send) if thrown is None else source.throw(thrown))
                    except StopIteration as end:
                        current.finish(thrown if isinstance(thrown, GeneratorExit) else None)
                        return end.value
                send = thrown = None
                current.chunk()
                try:
                    send = yield made.pop()
                except BaseException as error:
                    thrown = error
        except BaseException as error:
            current.finish(error)
            raise
        finally:
            # Its traceback holds this frame: together they would wait for the collector.
            thrown = None

    return stream


def async_generator(
    open_source: Callable[..., AsyncGenerator[Any, Any]], begin: Callable[[], Stream]
) -> Callable[..., Any]:
    """Return an async generator function that drives a source and measures it as one call."""

    async def stream(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        source = open_source(*args, **kwargs)
        # Lists, so that nothing here keeps a step or chunk alive while the consumer has it.
        steps: list[Any] = [_first_step(source)]
        made: list[Any] = []
        thrown: BaseException | None = None
        current = begin()
        try:
            while True:
                try:
                    made.append(await _Within(current, steps.pop()))
                except StopAsyncIteration:
                    current.finish(thrown if isinstance(thrown, GeneratorExit) else None)
                    return
                thrown = None
                current.chunk()
                try:
                    steps.append(source.asend((yield made.pop())))
                except BaseException as error:
                    thrown = error
                    steps.append(source.athrow(error))
        except BaseException as error:
            # Cancelled at its yield, not in an await: it was dropped, and the loop that was to close
            # it is shut down.
            is_dropped = error is thrown and isinstance(error, CancelledError)
            current.finish(GeneratorExit() if is_dropped else error)
            raise
        finally:
            thrown = None

    return stream


def _first_step(source: AsyncGenerator[Any, Any]) -> Any:
    """Return the first step of a source that the event loop does not know.

    A loop that is shut down closes all generators that it knows at the same time: the measured
    stream, which closes its source, would find that one running.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return source.asend(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)


async def _coroutine(source: Coroutine[Any, Any, Any], current: Stream) -> Any:
    try:
        result = await _Within(current, source)
    except BaseException as error:
        current.finish(error)
        raise
    current.finish(None)
    return result


def go_on(call: Generation, result: Any) -> Any:
    """Let a call last as long as what its function returned to do the work later."""
    current = Stream(call)
    call.hand_over()
    if isinstance(result, GeneratorType):
        return generator(lambda: result, lambda: current)()
    if isinstance(result, AsyncGeneratorType):
        return async_generator(lambda: result, lambda: current)()
    return _coroutine(result, current)


class _Within:
    """Await something with the stream in force each time that it runs, not while it is suspended.

    A task has one context for all of its coroutines; what runs in it between two suspensions of the
    stream must not see the stream's span.
    """

    __slots__ = ("_awaitable", "_current")

    def __init__(self, current: Stream, awaitable: Any) -> None:
        self._current = current
        self._awaitable = awaitable

    def __await__(self) -> Generator[Any, Any, Any]:
        iterator = self._awaitable.__await__()
        send: Any = None
        thrown: BaseException | None = None
        try:
            while True:
                with self._current:
                    try:
                        waiting = iterator.send(send) if thrown is None else iterator.throw(thrown)
                    except StopIteration as end:
                        return end.value
                send = thrown = None
                try:
                    send = yield waiting
                except BaseException as error:
                    thrown = error
        finally:
            # An exception's traceback holds this frame: together they would wait for the collector.
            thrown = iterator = self._awaitable = None
