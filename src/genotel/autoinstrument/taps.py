"""See what a stream gives on its way to the user; everything sent and thrown in passes unchanged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Note = Callable[[Any], None]


class Tap:
    """Be a generator whose items are noted; driven by :func:`genotel.instrumentation.stream.generator`."""

    __slots__ = ("_note", "_source")

    def __init__(self, source: Any, note: Note) -> None:
        self._source, self._note = source, note

    def send(self, value: Any) -> Any:
        """Send a value in and return the next item."""
        item = self._source.send(value)
        self._note(item)
        return item

    def throw(self, error: BaseException) -> Any:
        """Throw an exception in and return the next item."""
        item = self._source.throw(error)
        self._note(item)
        return item


class AsyncTap:
    """Be an async generator whose items are noted."""

    __slots__ = ("_note", "_source")

    def __init__(self, source: Any, note: Note) -> None:
        self._source, self._note = source, note

    def asend(self, value: Any) -> Any:
        """Send a value in; awaited, it gives the next item."""
        return self._noted(self._source.asend(value))

    def athrow(self, error: BaseException) -> Any:
        """Throw an exception in; awaited, it gives the next item."""
        return self._noted(self._source.athrow(error))

    async def _noted(self, step: Awaitable[Any]) -> Any:
        item = await step
        self._note(item)
        return item
