"""Join a page to the spool: this process's values go into the folder, everybody's come onto the page.

What a page shows of its own process is in the folder before it is shown. So whichever process answers
the next scrape knows at least as much, and no counter goes backwards when one is killed.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.exposition.page import Page
from genotel.exposition.series import Block, Family, NumberSeries
from genotel.semconv import attributes as a
from genotel.semconv.self_metrics import SPOOL_AGE, SPOOL_WORKERS
from genotel.semconv.spec import unit_suffix
from genotel.spool.counts_file import CountsFile, Name
from genotel.spool.folder import Contents, SpoolFolder
from genotel.spool.folding import fold
from genotel.spool.merge import Merger, Part, blocks
from genotel.spool.snapshot import Encoder, Shared, share
from genotel.spool.worker_file import WorkerFile

# Looking for changes takes at most this share of a core, however large the page is.
MAX_SHARE = 0.05
# Ended processes are folded at least so often, and soon after a page has seen one.
FOLDING_SECONDS = 60.0
# Files that a user's program folds at a time: a few milliseconds of it, once an interval.
FILES_AT_ONCE = 16

_WORKERS = Family(SPOOL_WORKERS.family, "gauge", SPOOL_WORKERS.help)
_AGE = Family(SPOOL_AGE.family, "gauge", SPOOL_AGE.help, unit_suffix(SPOOL_AGE.unit))

logger = logging.getLogger("genotel")


class Spool:
    """Keep the values of this process in a folder and merge them with the others'.

    Args:
        folder: shared by all processes of one page; made where it does not exist.
        page: of this process.
        interval_seconds: how often the values are looked at, and so what a killed process loses at most.
        only_scrapes: look at the values only when the page is asked for; for a process that only exports.
        on_tick: called in the thread, after every look.
        clock: wall and monotonic time.
    """

    def __init__(
        self,
        folder: Path,
        page: Page,
        *,
        interval_seconds: float = 1.0,
        only_scrapes: bool = False,
        on_tick: Callable[[], None] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._page = page
        self._interval_seconds = interval_seconds
        self._only_scrapes = only_scrapes
        self._on_tick = on_tick
        self._clock = clock
        self._file = WorkerFile(folder, clock)
        self._counts: CountsFile | None = None
        self._encoder = Encoder(os.getpid())
        self._reader = SpoolFolder(folder)
        self._merger = Merger()
        self._states = {state: NumberSeries({SPOOL_WORKERS.prometheus_labels[0]: state}) for state in a.WORKER_STATES}
        self._age = NumberSeries()
        self._stopped = threading.Event()
        # An ended process was seen; at the start nothing is known.
        self._folding_due = True
        self._thread: threading.Thread | None = None

    @property
    def file_name(self) -> str:
        """Return the name of the file of this process."""
        return self._file.name

    def start(self) -> None:
        """Write the first values and go on with it in a thread."""
        self._look()
        self._thread = threading.Thread(target=self._run, name="genotel-spool", daemon=True)
        self._thread.start()

    def give_counts(self, names: Sequence[Name]) -> memoryview[int] | None:
        """Return counts that are 0 and outlive this process, one a name; None where there is no place for them."""
        if self._counts is None:
            try:
                self._counts = CountsFile(self._file.counts_path)
            except OSError as error:
                _warn("counted in", error)
                return None
        return self._counts.counts(names)

    def join(self, own: list[Block]) -> list[Block]:
        """Write the blocks of this process, and return them merged with those of all others."""
        at = self._clock.wall() * 1e9
        parts = []
        if not self._stopped.is_set():
            families = share(own)
            self._write(families)
            parts.append(Part(os.getpid(), families, True, at))
        try:
            contents = self._reader.read(skip=None if self._stopped.is_set() else self._file.name)
        except OSError as error:
            _warn("read", error)
            contents = Contents(None, [])
        live, ended, unreadable = len(parts), 0, 0
        oldest = at
        for reading in filter(None, (contents.ended, *contents.workers)):
            if reading.snapshot is None:
                unreadable += 1
                continue
            if reading.is_live:
                live += 1
                oldest = min(oldest, reading.header.heartbeat)
            elif reading is not contents.ended:
                ended += 1
            parts.append(
                Part(reading.snapshot.pid, reading.snapshot.families, reading.is_live, reading.header.heartbeat)
            )
        if ended:
            self._folding_due = True
        counts = (live, ended, unreadable)
        states = [(self._states[state], count) for state, count in zip(a.WORKER_STATES, counts, strict=True)]
        return [
            *blocks(self._merger.merge(parts)),
            Block(_WORKERS, states),
            Block(_AGE, [(self._age, (at - oldest) / 1e9)]),
        ]

    def close(self) -> None:
        """Write the last values and end; from then on the totals of this process are those of an ended one."""
        if self._stopped.is_set():
            return
        try:
            self._page.take(self._keep)
        finally:
            self._stopped.set()
            if self._thread is not None:
                self._thread.join(self._interval_seconds)
            self._file.close()

    def _run(self) -> None:
        folded_at = self._clock.monotonic()
        while True:
            began = self._clock.monotonic()
            with guard.guarded("spool.look"):
                self._look()
            took = self._clock.monotonic() - began
            if self._on_tick is not None:
                with guard.guarded("spool.tick"):
                    self._on_tick()
            if self._folding_due or began - folded_at >= FOLDING_SECONDS:
                self._folding_due, folded_at = False, began
                with guard.guarded("spool.fold"):
                    self._fold()
            if self._stopped.wait(max(self._interval_seconds, took / MAX_SHARE)):
                return

    def _look(self) -> None:
        if self._only_scrapes:
            self._file.beat()
        else:
            self._page.take(self._keep)

    def _keep(self, own: list[Block]) -> None:
        if not self._stopped.is_set():
            self._write(share(own))

    def _write(self, families: list[Shared]) -> None:
        try:
            self._file.write(self._encoder.encode(families))
        except OSError as error:
            _warn("written", error)

    def _fold(self) -> None:
        try:
            if self._only_scrapes:
                fold(self._folder, clock=self._clock)
            elif fold(self._folder, batch=FILES_AT_ONCE, batches=1, clock=self._clock) == FILES_AT_ONCE:
                self._folding_due = True
        except OSError as error:
            _warn("folded", error)


def open_spool(folder: Path, page: Page, *, on_tick: Callable[[], None] | None = None) -> Spool | None:
    """Join a page of a user's program to a spool; None, and one warning, where the folder cannot be had.

    Args:
        folder: shared by all processes of one page.
        page: of this process; from now on it shows all of them.
        on_tick: called after every look at the values, in the spool's thread.
    """
    try:
        spool = Spool(folder, page, on_tick=on_tick)
    except OSError as error:
        # It is the user's own folder, named on the user's own terminal.
        logger.warning("genotel: no spool is kept: %s: %s", folder, error.strerror or type(error).__name__)
        return None
    page.join(spool.join)
    with guard.guarded("spool.start"):
        spool.start()
    return spool


def _warn(what: str, error: OSError) -> None:
    guard.warn_once(
        f"spool.{what}",
        "genotel: the spool cannot be %s (%s); it is tried again, the program goes on",
        what,
        error.strerror or type(error).__name__,
    )
