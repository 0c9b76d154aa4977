"""Streams: generators and async generators measured chunk by chunk, as lazy as they were.

While a stream is suspended, neither its span nor its call is current in the consumer: both are put
in force only while the stream's own code runs. A stream that is closed or collected before its end
finishes as ``abandoned``. A stream that is never begun counts nothing, as it does nothing.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import suppress
from contextvars import Token
from typing import Any

from opentelemetry.context import Context, attach

from genotel import guard
from genotel.instrumentation.generation import Generation, running
from genotel.instrumentation.site import What


class _Stream:
    """Begin a stream's call and put it in force for as long as the stream's own code runs.

    Where the call is nested in the same call, or telemetry is off, it does nothing.
    """

    __slots__ = ("_call", "_tokens")

    def __init__(self, what: What) -> None:
        call = Generation(what)
        entered = call.__enter__()
        self._call = call if entered is call and call.measuring else None
        self._tokens: tuple[Token[Context] | None, Token[Generation | None]] | None = None
        if self._call is not None:
            self._call.suspend()

    def __enter__(self) -> None:
        if self._call is not None:
            context = self._call.context
            self._tokens = (None if context is None else attach(context), running.set(self._call))

    def __exit__(self, *_: object) -> None:
        if self._tokens is not None:
            for token in self._tokens:
                if token is not None:
                    # The stream's own code may have left another context behind; not ours to mend.
                    with suppress(ValueError, RuntimeError):
                        token.var.reset(token)  # type: ignore[arg-type]  # each token goes to its own variable
            self._tokens = None

    def chunk(self) -> None:
        if self._call is not None:
            self._call.chunk()

    def finish(self, error: BaseException | None) -> None:
        if self._call is not None:
            self._call.finish(error)

    def __del__(self) -> None:
        # An async generator that is collected outside of an event loop is never closed.
        try:
            self.finish(GeneratorExit())
        except Exception as error:
            guard.report("stream.collected", error)


def measured_generator(function: Callable[..., Generator[Any, Any, Any]], what: What) -> Callable[..., Any]:
    """Return a generator function that drives ``function`` and measures it as one call.

    Values sent and exceptions thrown in reach the source unchanged, and so does its return value.
    """

    @functools.wraps(function)
    def stream(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        source = function(*args, **kwargs)
        current = _Stream(what)
        send: Any = None
        thrown: BaseException | None = None
        try:
            while True:
                with current:
                    try:
                        if thrown is None:
                            item = source.send(send)
                        else:
                            error, thrown = thrown, None
                            item = source.throw(error)
                    except StopIteration as end:
                        current.finish(None)
                        return end.value
                current.chunk()
                try:
                    send = yield item
                except GeneratorExit:
                    with current:
                        source.close()
                    raise
                except BaseException as error:
                    thrown = error
        except BaseException as error:
            current.finish(error)
            raise

    return stream


def measured_async_generator(function: Callable[..., AsyncGenerator[Any, Any]], what: What) -> Callable[..., Any]:
    """Return an async generator function that drives ``function`` and measures it as one call."""

    @functools.wraps(function)
    async def stream(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        source = function(*args, **kwargs)
        current = _Stream(what)
        send: Any = None
        thrown: BaseException | None = None
        try:
            while True:
                try:
                    if thrown is None:
                        item = await _Within(current, source.asend(send))
                    else:
                        error, thrown = thrown, None
                        item = await _Within(current, source.athrow(error))
                except StopAsyncIteration:
                    current.finish(None)
                    return
                current.chunk()
                try:
                    send = yield item
                except GeneratorExit:
                    await _Within(current, source.aclose())
                    raise
                except BaseException as error:
                    thrown = error
        except BaseException as error:
            current.finish(error)
            raise

    return stream


class _Within:
    """Await something with the stream in force each time that it runs, not while it is suspended.

    A task has one context for all of its coroutines; what runs in it between two suspensions of the
    stream must not see the stream's span.
    """

    __slots__ = ("_awaitable", "_current")

    def __init__(self, current: _Stream, awaitable: Any) -> None:
        self._current = current
        self._awaitable = awaitable

    def __await__(self) -> Generator[Any, Any, Any]:
        iterator = self._awaitable.__await__()
        send: Any = None
        thrown: BaseException | None = None
        while True:
            with self._current:
                try:
                    if thrown is None:
                        waiting = iterator.send(send)
                    else:
                        error, thrown = thrown, None
                        waiting = iterator.throw(error)
                except StopIteration as end:
                    return end.value
            try:
                send = yield waiting
            except BaseException as error:
                thrown = error
