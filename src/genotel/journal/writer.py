"""Take call records from the program without ever making it wait, and write them in a thread.

What a program calls here touches a dictionary and a queue. Everything that costs time (hashing,
JSON, SQLite, waiting for a disk or for another process) happens in one daemon thread.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.journal import forking, location, schema
from genotel.journal.backlog import Backlog
from genotel.journal.rows import CallRow, EventRow, WatchRow
from genotel.journal.store import JournalStore
from genotel.semconv.self_metrics import JOURNAL_DROPPED

THREAD_NAME = "genotel-journal"
HEARTBEAT_SECONDS = 60.0
# How long a fork waits for the transaction that is being written; then the child keeps no journal.
FORK_PATIENCE_SECONDS = 1.0
# How long :meth:`JournalWriter.close` tries to write what is left.
CLOSE_PATIENCE_SECONDS = 5.0


class _Request:
    """Ask the thread to write everything that was handed over before; it answers once."""

    def __init__(self, timeout_seconds: float, *, is_last: bool) -> None:
        self.deadline = time.monotonic() + timeout_seconds
        self.is_last = is_last
        self.is_done = threading.Event()
        self.succeeded = False


class JournalWriter:
    """Keep a journal of calls; no method raises into the program or waits unless it says so.

    Nothing is opened and no thread runs before the first row or :meth:`watch`. A file that cannot be
    written is logged once; rows wait in a queue of ``max_pending``, then are dropped and counted.

    Args:
        path: the file, made on first use (0600, its folder 0700).
        retention_days: older rows and hourly sums are deleted; daily sums stay.
        clock: where times come from.
        flush_interval_seconds: how long rows gather before they are written together; a call that
            is still open after it gets a row of its own, so that a killed call is seen.
        max_pending: how many finished calls and how many events may wait.
        heartbeat_seconds: how often an idle journal notes that somebody is watching.

    Raises:
        JournalError: the file lies on a network filesystem or is from a newer genotel.
    """

    def __init__(
        self,
        path: Path,
        *,
        retention_days: float = 90,
        clock: Clock = SYSTEM_CLOCK,
        flush_interval_seconds: float = 0.25,
        max_pending: int = 100_000,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self.path = Path(os.path.abspath(path))
        location.refuse_network_filesystem(self.path)
        schema.check_header(self.path)
        self._clock = clock
        self._flush_interval_seconds = flush_interval_seconds
        self._heartbeat_seconds = heartbeat_seconds
        # How many rows fit; nothing once it is closed.
        self._room = max_pending
        self._store = JournalStore(
            self.path, retention_days=retention_days, heartbeat_seconds=heartbeat_seconds, clock=clock
        )
        self._is_closed = False
        self._is_locked_for_fork = False
        self._begin()
        forking.register(self)

    def start(self, key: int, snapshot: Callable[[], CallRow]) -> None:
        """Note that a call began; ``snapshot`` gives its row should it still run at a flush.

        Args:
            key: what :meth:`finish` will say again; unique among the calls that are open.
            snapshot: called from the journal's thread; outcome None.
        """
        if len(self._open) < self._room:
            self._open[key] = snapshot
            if self._is_asleep:
                self._rouse()

    def finish(self, key: int, row: CallRow) -> None:
        """Hand over a finished call; over ``max_pending`` it is dropped and counted."""
        self._open.pop(key, None)
        if len(self._pending) < self._room:
            self._pending.append((key, row))
            if self._is_asleep:
                self._rouse()
        else:
            self._drop(1)

    def event(self, row: EventRow) -> None:
        """Hand over an event of a model; over ``max_pending`` it is dropped and counted."""
        self._append_event(row)

    def watched(self, started_at: float, last_seen_at: float) -> None:
        """Note that somebody was watching between two Unix times: for history that is imported."""
        self._append_event(WatchRow(started_at, last_seen_at))

    def watch(self) -> None:
        """Begin the heartbeats now, so that an idle program counts as watched."""
        self._rouse()

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Wait until everything handed over before is in the file; return whether it is.

        Calls that are open get their rows too.
        """
        if self._is_closed or (self._thread is None and not self._open and self._backlog.is_empty()):
            return not self._is_closed
        return self._ask(_Request(timeout_seconds, is_last=False), timeout_seconds)

    def close(self) -> None:
        """Write what is left, end the thread and fold the log into the file; again is harmless.

        It waits for some seconds where the file is locked; what cannot be written is counted as dropped.
        """
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        self._room = 0
        request = _Request(CLOSE_PATIENCE_SECONDS, is_last=True)
        if self._thread is not None and self._thread.is_alive():
            self._wake.put(request)
            request.is_done.wait(CLOSE_PATIENCE_SECONDS + 1.0)
            self._thread.join(1.0)
        elif self._open or not self._backlog.is_empty():
            # The first row came while the interpreter ends, too late for a thread.
            self._answer(request)
        self._drop(self._backlog.discard())

    def size_bytes(self) -> int:
        """Return the size of the journal's files, in bytes."""
        return location.size_bytes(self.path)

    @property
    def rows_written(self) -> int:
        """Count the finished calls and events that are in the file."""
        return self._backlog.rows_written

    @property
    def rows_dropped(self) -> int:
        """Count the finished calls and events that could not be written."""
        return self._rows_dropped + self._backlog.rows_dropped

    def before_fork(self) -> None:
        """Close the file, so that the child does not inherit SQLite's idea of its locks."""
        self._is_locked_for_fork = self._store.lock.acquire(timeout=FORK_PATIENCE_SECONDS)
        if self._is_locked_for_fork:
            with guard.guarded("journal.fork"):
                self._store.disconnect()

    def open_path(self) -> Path | None:
        """Return the file if SQLite holds it open in this process."""
        return self.path if self._store.is_connected else None

    def after_fork_in_parent(self) -> None:
        """Let the thread go on."""
        if self._is_locked_for_fork:
            self._store.lock.release()

    def after_fork(self) -> None:
        """Begin again in the child: what waited and what was open belongs to the parent."""
        if self._pid != os.getpid():
            self._store.begin_again()
            self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        # Re-entrant, and the wake-up a SimpleQueue: a signal handler may call close() at any line of
        # a thread that is in here already.
        self._lock = threading.RLock()
        self._wake: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_asleep = True
        self._rows_dropped = 0
        self._open: dict[int, Callable[[], CallRow]] = {}
        self._pending: deque[tuple[int, CallRow]] = deque()
        self._events: deque[EventRow | WatchRow] = deque()
        self._backlog = Backlog(self._store, self._open, self._pending, self._events, self._dropped_so_far, self._clock)
        self._beat_at = self._maintain_at = self._clock.monotonic()

    def _dropped_so_far(self) -> int:
        return self._rows_dropped

    def _append_event(self, row: EventRow | WatchRow) -> None:
        if len(self._events) < self._room:
            self._events.append(row)
            if self._is_asleep:
                self._rouse()
        else:
            self._drop(1)

    def _drop(self, rows: int) -> None:
        if rows:
            with self._lock:
                self._rows_dropped += rows
            if not self._is_closed:
                guard.warn_once(
                    "journal.overflow",
                    "genotel: the journal cannot keep up, calls are dropped; they are counted in %s, "
                    "your program goes on",
                    JOURNAL_DROPPED.prometheus_name,
                )

    def _rouse(self, request: _Request | None = None) -> None:
        try:
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    if self._is_closed:
                        return
                    self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
                    self._thread.start()
                self._is_asleep = False
            self._wake.put(request)
        except Exception as error:
            self._thread = None
            guard.report("journal.thread", error)

    def _ask(self, request: _Request, timeout_seconds: float) -> bool:
        self._rouse(request)
        return request.is_done.wait(timeout_seconds) and request.succeeded

    def _run(self) -> None:
        wake = self._wake
        while True:
            request = self._next(wake)
            try:
                if request is None:
                    self._turn()
                else:
                    self._answer(request)
            except Exception as error:
                guard.report("journal.writer", error)
            finally:
                if request is not None:
                    request.is_done.set()
            if request is not None and request.is_last:
                return

    def _next(self, wake: queue.SimpleQueue[_Request | None]) -> _Request | None:
        # Return at the end of a flush interval or, where nothing waits, when the heartbeat is due.
        while True:
            if self._backlog.is_busy():
                timeout = self._flush_interval_seconds
            else:
                self._is_asleep = True
                # Asked again: a row may have come in before the flag was seen.
                due = min(self._beat_at, self._maintain_at) - self._clock.monotonic()
                timeout = self._flush_interval_seconds if self._backlog.is_busy() else max(0.0, due)
            try:
                request = wake.get(timeout=timeout)
            except queue.Empty:
                return None
            finally:
                self._is_asleep = False
            if request is not None:
                return request

    def _turn(self) -> None:
        now = self._clock.monotonic()
        self._backlog.write(is_beat_due=now >= self._beat_at)
        if now >= self._beat_at:
            self._beat_at = now + self._heartbeat_seconds
        if now >= self._maintain_at:
            has_more = self._backlog.maintain()
            self._maintain_at = now + (self._flush_interval_seconds if has_more else self._heartbeat_seconds)

    def _answer(self, request: _Request) -> None:
        request.succeeded = self._backlog.write_everything(request.deadline)
        if request.is_last:
            self._backlog.end()
