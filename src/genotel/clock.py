"""Wall and monotonic time as replaceable callables, so that tests can stop the clock.

This is not for measuring on the hot path: :mod:`genotel.instrumentation.generation` calls
``time.perf_counter`` itself, since one more Python call there would show.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Tell the time in seconds.

    ``wall`` is Unix time and may jump; ``monotonic`` has no epoch and never goes back.

    Example:
        >>> stopped = Clock(wall=lambda: 1_700_000_000.0, monotonic=lambda: 5.0)
        >>> stopped.wall() - stopped.monotonic()
        1699999995.0
    """

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


SYSTEM_CLOCK = Clock()
