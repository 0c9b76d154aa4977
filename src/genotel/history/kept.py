"""Keep a history for a while, so that the next question about it need not read it again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.history.source import HistorySource
from genotel.history.usage import UsageHistory

# A program asks about a few places; the history of ten thousand models takes some megabytes.
MAX_KEPT = 8


@dataclass(slots=True)
class _Kept:
    history: UsageHistory
    mark: Hashable
    read_at: float


@dataclass(slots=True)
class KeptHistories:
    """Hold the histories that were read last, by place.

    A history is read again when it is older than asked for, or when its place says that something was
    added: a source may have ``place`` (what tells it from others) and ``mark()`` (what changes with
    its content); one without a place is always read.

    Attributes:
        clock: tells the age.
        asked, found: how often a history was asked for, and how often none had to be read.
        read_seconds: how long the reading took in all.
    """

    clock: Clock = SYSTEM_CLOCK
    asked: int = 0
    found: int = 0
    read_seconds: float = 0.0
    _kept: dict[Hashable, _Kept] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self, source: HistorySource, longest_seconds: float) -> UsageHistory:
        """Return the history of a source, at most ``longest_seconds`` old.

        Raises:
            InputError: the file cannot be read.
            ServerError: the server could not be reached or refused.
        """
        place: Hashable = getattr(source, "place", None)
        find_mark: Callable[[], Hashable] = getattr(source, "mark", lambda: None)
        # Taken before the reading: what is added while it goes on shows the next time.
        mark = find_mark()
        now = self.clock.monotonic()
        with self._lock:
            self.asked += 1
            kept = self._kept.get(place)
            if place is not None and kept is not None and kept.mark == mark and now - kept.read_at < longest_seconds:
                self.found += 1
                return kept.history
        history = source.load_usage()
        with self._lock:
            self.read_seconds += self.clock.monotonic() - now
            if place is not None and longest_seconds > 0:
                self._kept.pop(place, None)
                self._kept[place] = _Kept(history, mark, now)
                while len(self._kept) > MAX_KEPT:
                    del self._kept[next(iter(self._kept))]
        return history

    @property
    def hit_ratio(self) -> float | None:
        """Return the share of questions for which nothing was read; None before the first."""
        return self.found / self.asked if self.asked else None

    def forget(self) -> None:
        """Keep nothing of what was read."""
        with self._lock:
            self._kept.clear()


KEPT_HISTORIES = KeptHistories()
