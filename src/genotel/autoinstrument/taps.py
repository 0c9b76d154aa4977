"""See what a stream gives on its way to the user; everything sent and thrown in passes unchanged."""

from __future__ import annotations

from collections.abc import Callable, Generator
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

    def asend(self, value: Any) -> _Noted:
        """Send a value in; awaited, it gives the next item."""
        return _Noted(self._source.asend(value), self._note)

    def athrow(self, error: BaseException) -> _Noted:
        """Throw an exception in; awaited, it gives the next item."""
        return _Noted(self._source.athrow(error), self._note)


class _Noted:
    __slots__ = ("_awaitable", "_note")

    def __init__(self, awaitable: Any, note: Note) -> None:
        self._awaitable, self._note = awaitable, note

    def __await__(self) -> Generator[Any, Any, Any]:
        item = yield from self._awaitable.__await__()
        self._note(item)
        return item
