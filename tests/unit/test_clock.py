"""The clock is the system's unless a test stops it."""

from __future__ import annotations

import time

from genotel.clock import SYSTEM_CLOCK, Clock


def test_the_system_clock_is_the_system_s() -> None:
    """Wall is Unix time, monotonic never goes back."""
    assert Clock(wall=time.time, monotonic=time.monotonic) == SYSTEM_CLOCK
    assert abs(SYSTEM_CLOCK.wall() - time.time()) < 60
    assert SYSTEM_CLOCK.monotonic() <= SYSTEM_CLOCK.monotonic()


def test_a_clock_can_be_stopped() -> None:
    """What reads the time takes a clock, so tests need not sleep."""
    stopped = Clock(wall=lambda: 1.0, monotonic=lambda: 2.0)
    assert (stopped.wall(), stopped.monotonic()) == (1.0, 2.0)
