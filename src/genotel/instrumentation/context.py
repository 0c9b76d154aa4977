"""What flows with the program by ``contextvars``: experiment and variant."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, TypeVar, cast

from genotel.instrumentation.late_ends import COLLECTOR

F = TypeVar("F", bound=Callable[..., Any])

# (experiment, variant) or None; a pair, so that the hot path reads one variable.
tags: ContextVar[tuple[str, str | None] | None] = ContextVar("genotel_tags", default=None)


class Experiment:
    """Tag every call made inside a block or decorated function; made by :func:`experiment`."""

    __slots__ = ("_tag", "_tokens")

    def __init__(self, tag: tuple[str, str | None]) -> None:
        self._tag = tag
        self._tokens: list[Token[tuple[str, str | None] | None]] = []

    def __enter__(self) -> None:
        self._tokens.append(tags.set(self._tag))

    def __exit__(
        self, exception_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        token = self._tokens.pop()
        # Context variables must be left alone in a finalizer; see late_ends.
        if not COLLECTOR.is_here():
            try:
                tags.reset(token)
            except (ValueError, RuntimeError):
                # Ended in another context (a generator closed elsewhere): not ours to change.
                pass

    def __call__(self, function: F) -> F:
        """Return the function with the block around each of its calls."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                with Experiment(self._tag):
                    return await function(*args, **kwargs)

            return cast(F, coroutine)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with Experiment(self._tag):
                return function(*args, **kwargs)

        return cast(F, call)


def experiment(name: str, *, variant: str | None = None) -> Experiment:
    """Tag every call made inside the block, or decorated function or coroutine function, with an experiment.

    The tags are labels of the metrics, so both are bounded: over 50 names or variants count as
    ``other``. They flow into threads and tasks as ``contextvars`` do.

    Example:
        >>> with experiment("sampler-test", variant="B"):
        ...     tags.get()
        ('sampler-test', 'B')
    """
    return Experiment((str(name), None if variant is None else str(variant)))
