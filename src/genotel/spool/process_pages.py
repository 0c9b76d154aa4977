"""The single processes of a spool, each on a page of its own: for those who ask which of them it is.

A thread looks now and then which processes live, so that nobody who asks waits for the disk.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from genotel import guard
from genotel.exposition.format import Format
from genotel.exposition.page import Page
from genotel.exposition.series import Block
from genotel.spool.folder import read_file
from genotel.spool.locked_file import is_locked
from genotel.spool.merge import Merger, Part, blocks
from genotel.spool.worker_file import WORKER_SUFFIX

# A process is found, and missed, within this time.
LOOK_SECONDS = 5.0


class SpoolProcesses:
    """Know the processes of a spool that live, but the one that asks.

    Args:
        folder: of the spool.
        own_name: file of this process, which has nothing to tell but what everybody's page has.
    """

    def __init__(self, folder: Path, own_name: str) -> None:
        self._folder = folder
        self._own_name = own_name
        self._on_change: Callable[[Sequence[str]], None] | None = None
        self._names: tuple[str, ...] = ()
        self._told: tuple[str, ...] | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, on_change: Callable[[Sequence[str]], None] | None = None) -> None:
        """Look at once, and go on with it in a thread.

        Args:
            on_change: called with the names at first, and whenever they are others than before; where it
                fails, again at the next look.
        """
        self._on_change = on_change
        self.look()
        self._thread = threading.Thread(target=self._run, name="genotel-processes", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(LOOK_SECONDS)

    def names(self) -> Sequence[str]:
        """Return the names of those that lived at the last look, in order."""
        return self._names

    def page(self, name: str) -> ProcessPage | None:
        """Return the page of a process; None where it does not live."""
        return ProcessPage(self._folder / (name + WORKER_SUFFIX)) if name in self.names() else None

    def look(self) -> None:
        """Find out who lives."""
        with guard.guarded("spool.processes"):
            self._names = names = tuple(sorted(filter(self._lives, self._files())))
            if names != self._told and self._on_change is not None:
                self._on_change(names)
                self._told = names

    def _files(self) -> list[str]:
        try:
            found = os.listdir(self._folder)
        except OSError:
            return []
        return [name.removesuffix(WORKER_SUFFIX) for name in found if name.endswith(WORKER_SUFFIX)]

    def _lives(self, name: str) -> bool:
        if name + WORKER_SUFFIX == self._own_name:
            return False
        try:
            descriptor = os.open(self._folder / (name + WORKER_SUFFIX), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            return is_locked(descriptor)
        finally:
            os.close(descriptor)

    def _run(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            self.look()


class ProcessPage:
    """Render what one process left in the spool."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def render(self, format: Format, names: frozenset[str] | None = None) -> bytes:
        """Return the page in a format, cut down to some families."""
        return Page([self]).render(format, names)

    def blocks(self) -> list[Block]:
        """Return its values; none where it has ended meanwhile."""
        try:
            reading = read_file(self._path)
        except OSError:
            return []
        if reading.snapshot is None:
            return []
        snapshot = reading.snapshot
        part = Part(snapshot.pid, snapshot.families, reading.is_live, reading.header.heartbeat)
        return blocks(Merger().merge([part]))
