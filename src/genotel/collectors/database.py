"""The database servers behind the engines that a program handed over: what their catalogues say.

A catalogue is asked at most once in an interval, each by itself in a thread that may hang, and by a
connection of its own, so that the program's pool and its transactions never wait for us.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Protocol

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.collectors.bounded import BoundedRunner, Call, Done, Outcome
from genotel.collectors.collector import IncompleteError, NoData, Reading

# Below the limit of a whole collector; the answer of a slower server is on the next page.
_LIMIT_SECONDS = 0.8


class Catalogue(Protocol):
    """Be the catalogue of one database."""

    @property
    def name(self) -> str:
        """Return the database's name on the page."""
        ...

    def read(self) -> tuple[list[Reading], bool]:
        """Return the readings, and whether they are complete.

        Raises:
            Exception: the server cannot be reached.
        """
        ...


class DatabaseCollector:
    """Ask the catalogues that were added.

    Args:
        interval_seconds: between two questions to one server, however often a page is asked for.
        clock: its monotonic time.
    """

    name = "database"

    def __init__(self, interval_seconds: float, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._interval = interval_seconds
        self._monotonic = clock.monotonic
        self._lock = threading.Lock()
        self._catalogues: dict[str, _Kept] = {}
        self._runner: BoundedRunner[None] = BoundedRunner("database", limit_seconds=_LIMIT_SECONDS, clock=clock)

    def add(self, catalogue: Catalogue) -> None:
        """Ask one more catalogue from now on."""
        with self._lock:
            self._catalogues[catalogue.name] = _Kept(catalogue)

    def remove(self, name: str) -> None:
        """Ask a catalogue no more."""
        with self._lock:
            self._catalogues.pop(name, None)

    def collect(self) -> Iterator[Reading]:
        """Yield what the catalogues said last, where that was within the interval or is being asked again.

        Raises:
            NoData: no catalogue was added.
            IncompleteError: a server, or a part of its catalogue, could not be asked.
        """
        with self._lock:
            kept = [*self._catalogues.values()]
        if not kept:
            raise NoData("no database")
        now = self._monotonic()
        due = [each for each in kept if each.asked_at is None or now - each.asked_at >= self._interval]
        outcomes = self._runner.run([Call(each.catalogue.name, each.ask) for each in due])
        for each in due:
            each.judge(outcomes[each.catalogue.name], now)
        for each in kept:
            yield from each.readings
        if not all(each.complete for each in kept):
            raise IncompleteError("a database")

    def close(self) -> None:
        """End the threads; one that hangs ends when its call comes back."""
        self._runner.close()


class _Kept:
    """Keep what a catalogue said last."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.asked_at: float | None = None
        self.readings: list[Reading] = []
        self.complete = False

    def ask(self) -> None:
        """Read the catalogue; what comes too late for this page is on the next one."""
        self.readings, self.complete = self.catalogue.read()

    def judge(self, outcome: Outcome[None], now: float) -> None:
        """Note when it was asked; forget what it said before if it says nothing now."""
        self.asked_at = now
        if not isinstance(outcome, Done):
            self.readings, self.complete = [], False
