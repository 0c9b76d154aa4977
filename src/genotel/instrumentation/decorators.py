"""The decorator ``measure``: a function becomes a measured call and keeps its kind."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from genotel.instrumentation.generation import DEFAULT_OPERATION, DEFAULT_PROVIDER, Generation
from genotel.instrumentation.site import What
from genotel.instrumentation.stream import LAZY, async_generator, begin, generator, go_on

F = TypeVar("F", bound=Callable[..., Any])


def measure(
    *,
    model: str,
    operation: str = DEFAULT_OPERATION,
    provider: str = DEFAULT_PROVIDER,
    output: str | None = None,
) -> Callable[[F], F]:
    """Measure every call of a function, coroutine function, generator or async generator function.

    The function keeps its kind (``inspect.iscoroutinefunction`` and its sisters), name and
    signature; its result, exception and laziness pass unchanged. A generator is measured from its
    first ``next`` to its end; one that a plain function returns from that function's start.
    ``staticmethod`` and ``classmethod`` may stand on either side.

    Args:
        model: name of the model, without a path.
        operation: ``gen_ai.operation.name``.
        provider: ``gen_ai.provider.name``, such as ``diffusers``.
        output: ``gen_ai.output.type``: text, image, video, speech, …

    Example:
        >>> @measure(model="sdxl", output="image")
        ... def generate(prompt):
        ...     return [prompt]
        >>> generate("a cat")
        ['a cat']
    """
    what = (operation, provider, model, output)

    def decorate(function: F) -> F:
        if isinstance(function, staticmethod | classmethod):
            return cast(F, type(function)(_wrap(function.__func__, what)))
        return cast(F, _wrap(function, what))

    return decorate


def _wrap(function: Callable[..., Any], what: What) -> Callable[..., Any]:
    if inspect.isasyncgenfunction(function):
        return functools.wraps(function)(async_generator(function, lambda: begin(what)))
    if inspect.isgeneratorfunction(function):
        return functools.wraps(function)(generator(function, lambda: begin(what)))
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with Generation(what):
                return await function(*args, **kwargs)

        return coroutine

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        current = Generation(what)
        with current:
            result = function(*args, **kwargs)
            if type(result) in LAZY and current.measuring:
                # A plain function that returns a generator or coroutine has only begun its work.
                return go_on(current, result)
            return result

    return call
