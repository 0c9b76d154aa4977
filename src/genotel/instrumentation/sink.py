"""Where call records go beside the metrics: a journal, or nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from genotel.journal.rows import CallRow, EventRow


class Sink(Protocol):
    """Take call records without blocking; :class:`genotel.journal.writer.JournalWriter` is one."""

    def start(self, key: int, snapshot: Callable[[], CallRow]) -> None:
        """Note a running call; ``snapshot`` gives its row so far."""
        ...

    def finish(self, key: int, row: CallRow) -> None:
        """Take the row of a finished call."""
        ...

    def event(self, row: EventRow) -> None:
        """Take something that happened to a model."""
        ...


class _Out:
    """Hold the sink in force, so that the hot path reads one attribute."""

    __slots__ = ("sink",)

    def __init__(self) -> None:
        self.sink: Sink | None = None


OUT = _Out()


def set_sink(sink: Sink | None) -> None:
    """Hand every call record to ``sink`` from now on."""
    OUT.sink = sink
