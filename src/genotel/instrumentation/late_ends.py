"""Ends of calls that come in the middle of a garbage collection, when nothing may be done.

A suspended stream that is part of a reference cycle is closed by the collector, which runs wherever
something is allocated: inside of OpenTelemetry under one of its locks, where to record would be to
wait for that lock for ever; or inside of a context variable's ``set``, where CPython (3.11) crashes
if another one comes in between. Such an end is only noted, and settled at the next safe moment: the
next call, scrape or shutdown.
"""

from __future__ import annotations

import gc
from collections import deque
from threading import get_ident
from typing import Protocol


class LateEnd(Protocol):
    """Be a call whose end has been noted."""

    def settle(self) -> None:
        """Record the end."""
        ...


class _Collector:
    """Know which thread collects garbage right now."""

    __slots__ = ("thread",)

    def __init__(self) -> None:
        self.thread: int | None = None

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        self.thread = get_ident() if phase == "start" else None

    def is_here(self) -> bool:
        """Say whether this thread does: this code is part of a finalizer then."""
        return self.thread is not None and self.thread == get_ident()


COLLECTOR = _Collector()

# Appending to a deque takes no lock, so it is safe anywhere.
WAITING: deque[LateEnd] = deque()


def watch_collector() -> None:
    """Let Python say when it collects; it costs some 0.3 µs a collection. Again is harmless."""
    if COLLECTOR not in gc.callbacks:
        gc.callbacks.append(COLLECTOR)


def settle_all() -> None:
    """Record every end that waits; called where no finalizer runs."""
    while WAITING:
        try:
            call = WAITING.popleft()
        except IndexError:  # another thread was quicker
            return
        call.settle()
