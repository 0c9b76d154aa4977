"""When things happened inside a call, on the device that did them.

CUDA is asynchronous: at a step's end the host has only launched it. There an event is recorded on the
stream, which costs some microseconds and waits for nothing; the events are read after the call, when
the device has come by. On a CPU the host's own time is the right one.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from genotel.instrumentation.vram import cuda_in_use


class DeviceClock:
    """Mark moments of one call, and tell the seconds between them after it.

    A device is asked for once, at the first mark. Nothing here ever waits for it.
    """

    __slots__ = ("_cuda", "_marks")

    def __init__(self) -> None:
        self._cuda: Any = cuda_in_use()
        self._marks: list[Any] = []
        self.mark()

    def mark(self) -> int:
        """Mark this moment; return its number."""
        if self._cuda is None:
            self._marks.append(perf_counter())
        else:
            event = self._cuda.Event(enable_timing=True)
            event.record()
            self._marks.append(event)
        return len(self._marks) - 1

    def is_readable(self) -> bool:
        """Return whether the device has come by every mark; it has where the call's result was read."""
        return self._cuda is None or all(event.query() for event in self._marks[-1:])

    def seconds(self, first: int, last: int) -> float:
        """Return the seconds from one mark to another."""
        begin, end = self._marks[first], self._marks[last]
        # CUDA tells milliseconds.
        return float(end - begin) if self._cuda is None else float(begin.elapsed_time(end)) / 1000.0
