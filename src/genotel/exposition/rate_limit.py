"""A bucket of tokens: so many requests at once, then one every so often."""

from __future__ import annotations

import re
from dataclasses import dataclass

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.exposition.yaml_tables import Table, shown

_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ns|us|µs|ms|s|m|h)"
_DURATION = re.compile(rf"(?:{_PART})+")
_MAX_INTERVAL_SECONDS = 86400.0
_MAX_BURST = 1_000_000


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Say how many requests may come at once, and how many seconds lie between those that follow."""

    interval_seconds: float
    burst: int


class TokenBucket:
    """Let requests through while there are tokens; for one thread.

    Example:
        >>> bucket = TokenBucket(RateLimit(interval_seconds=1.0, burst=2), Clock(monotonic=lambda: 5.0))
        >>> [bucket.take() for _ in range(3)]
        [True, True, False]
    """

    def __init__(self, limit: RateLimit, clock: Clock = SYSTEM_CLOCK) -> None:
        self.limit = limit
        self._clock = clock
        self._tokens = float(limit.burst)
        self._at = clock.monotonic()

    def take(self) -> bool:
        """Take a token; return whether there was one."""
        now = self._clock.monotonic()
        self._tokens = min(self.limit.burst, self._tokens + (now - self._at) / self.limit.interval_seconds)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


def read_rate_limit(table: Table) -> RateLimit | None:
    """Return what the section ``rate_limit`` says; None where it limits nothing or is wrong."""
    if not table.keys:
        return None
    interval_text, burst_text = table.text("interval"), table.text("burst")
    table.refuse_the_rest()
    if interval_text is None:
        table.wrong("", "needs interval, such as 1s (0: no limit)")
        return None
    interval = parse_duration(interval_text)
    if interval is None or interval > _MAX_INTERVAL_SECONDS:
        table.wrong("interval", f"is {shown(interval_text)}: expected a duration up to 24h, such as 100ms or 1m30s")
    if interval == 0.0:
        return None
    burst = int(burst_text) if burst_text and re.fullmatch(r"[0-9]{1,7}", burst_text) else 0
    if not 1 <= burst <= _MAX_BURST:
        table.wrong("burst", f"expected a whole number from 1 to {_MAX_BURST}, since 0 would let nobody in")
        return None
    return None if interval is None else RateLimit(interval, burst)


def parse_duration(text: str) -> float | None:
    """Return the seconds of a duration as Go writes it; None where it is none.

    Example:
        >>> parse_duration("1m30s"), parse_duration("0"), parse_duration("5")
        (90.0, 0.0, None)
    """
    if text == "0":
        return 0.0
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in re.findall(_PART, text))
