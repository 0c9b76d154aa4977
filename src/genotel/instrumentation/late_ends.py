"""Ends of calls that come at a moment when nothing may be recorded.

Python closes a stream that nobody holds any more wherever the collector happens to run: also inside
of OpenTelemetry, under one of its locks. To record there would be to wait for that lock for ever.
Such an end is noted here and settled at the next safe moment: the next call, scrape or shutdown.
"""

from __future__ import annotations

import sys
from collections import deque
from types import FrameType
from typing import Protocol

# Code that holds locks which recording needs. Ours are re-entrant, but two threads could each hold
# one and wait for the other's.
_HOLDERS = (
    "opentelemetry.sdk.",
    "opentelemetry.exporter.",
    "genotel.guard",
    "genotel.instrumentation.accumulators",
    "genotel.instrumentation.caps",
    "genotel.journal.",
)


class LateEnd(Protocol):
    """Be a call whose end has been noted."""

    def settle(self) -> None:
        """Record the end."""
        ...


# Appending to a deque takes no lock, so it is safe anywhere.
WAITING: deque[LateEnd] = deque()


def is_unsafe_here() -> bool:
    """Say whether this code runs on top of code that may hold a lock of telemetry.

    Example:
        >>> is_unsafe_here()
        False
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith(_HOLDERS):
            return True
        frame = frame.f_back
    return False


def settle_all() -> None:
    """Record every end that waits; called where no such lock is held."""
    while WAITING:
        try:
            call = WAITING.popleft()
        except IndexError:  # another thread was quicker
            return
        call.settle()
