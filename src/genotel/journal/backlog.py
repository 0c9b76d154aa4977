"""What waits to be written, and what happens to it when it cannot be.

This is the side of the writer that runs in its thread. A batch that fails is kept and tried again;
the queues behind it fill up to their bound, and memory with them, never further.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from genotel import guard
from genotel.clock import Clock
from genotel.journal import forking
from genotel.journal.encoding import repaired_call, repaired_event, repaired_watch
from genotel.journal.faults import Fault, InheritedError, fault_of, say
from genotel.journal.rows import CallRow, EventRow, WatchRow
from genotel.journal.store import Batch, JournalStore

# One transaction holds at most so many calls: some 50 ms of one core.
ROWS_PER_TRANSACTION = 5000
# After a failed write the next try waits twice as long, up to this. A locked file is tried at every flush.
LONGEST_RETRY_SECONDS = 10.0
# Processes that write at the same time meet now and then; only a longer wait is worth a line.
PATIENCE_SECONDS = 2.0

_FIRST_RETRY_SECONDS = 0.5
_LOCKED_RETRY_SECONDS = 0.05
_MAINTENANCE_SECONDS = 0.1
# A batch is repaired once, a corrupt file set aside once; then it is left for the next turn.
_ATTEMPTS = 3

_Record = TypeVar("_Record")


class Backlog:
    """Move records from the program's queues into the store, batch by batch."""

    def __init__(
        self,
        store: JournalStore,
        open_calls: dict[int, Callable[[], CallRow]],
        pending: deque[tuple[int, CallRow]],
        events: deque[EventRow | WatchRow],
        dropped_before: Callable[[], int],
        clock: Clock,
    ) -> None:
        self.rows_written = 0
        self.rows_dropped = 0
        self._store = store
        self._open = open_calls
        self._pending = pending
        self._events = events
        self._dropped_before = dropped_before
        self._clock = clock
        # The batch in hand; it stays here until it is written.
        self._calls: list[tuple[int, CallRow]] = []
        self._other: list[EventRow | WatchRow] = []
        self._is_repaired = False
        # Calls that were open at the last look, and running ones that were not.
        self._seen: set[int] = set()
        self._gone: set[int] = set()
        self._retry_at = 0.0
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self._locked_since: float | None = None

    def is_empty(self) -> bool:
        """Say whether no finished call and no event waits."""
        return not (self._pending or self._events or self._calls or self._other)

    def is_busy(self) -> bool:
        """Say whether the thread must look again at the end of the flush interval."""
        if not self.is_empty() or self._gone:
            return True
        running = self._store.running
        return any(key not in running for key in self._open.copy())

    def write(self, *, is_beat_due: bool) -> None:
        """Write what waits, unless an earlier failure asks for patience."""
        if self._clock.monotonic() < self._retry_at:
            return
        for _ in range(1 + len(self._pending) // ROWS_PER_TRANSACTION):
            if self._write_batch(is_whole=False, is_beat_due=is_beat_due) is not None:
                return

    def write_everything(self, deadline: float) -> bool:
        """Write all that was handed over before, waiting for a lock until ``deadline`` (monotonic seconds)."""
        batches = 2 + (len(self._pending) + len(self._open)) // ROWS_PER_TRANSACTION
        while batches:
            fault = self._write_batch(is_whole=True, is_beat_due=False)
            if fault is None:
                batches -= 1
            elif fault is Fault.LOCKED and time.monotonic() < deadline:
                time.sleep(_LOCKED_RETRY_SECONDS)
            else:
                return False
        return True

    def maintain(self) -> bool:
        """Settle and delete what is over for a moment; return whether there is more to do."""
        deadline = time.monotonic() + _MAINTENANCE_SECONDS
        has_more = True
        try:
            while has_more and time.monotonic() < deadline:
                with self._store.lock:
                    self._refuse_inherited()
                    has_more = self._store.maintain()
        except Exception as error:
            # The next write meets the same fault and deals with it.
            if fault_of(error) is Fault.UNKNOWN:
                guard.report("journal.maintenance", error)
            return False
        return has_more

    def end(self) -> None:
        """End the session and close the file."""
        try:
            with self._store.lock:
                self._store.end(self._dropped())
        except Exception as error:
            say(fault_of(error))

    def discard(self) -> int:
        """Forget what could not be written; return how many rows that were."""
        rows = len(self._calls) + len(self._pending) + len(self._other) + len(self._events)
        for waiting in (self._calls, self._pending, self._other, self._events, self._open):
            waiting.clear()
        return rows

    def _write_batch(self, *, is_whole: bool, is_beat_due: bool) -> Fault | None:
        for _ in range(_ATTEMPTS):
            batch = self._next_batch(is_whole=is_whole)
            if not (any(batch) or is_beat_due):
                return None
            try:
                with self._store.lock:
                    self._refuse_inherited()
                    self._store.write(batch, self._dropped())
            except Exception as error:
                fault = fault_of(error)
                if self._is_mended(fault, error):
                    continue
                return fault
            self.rows_written += len(batch.finished) + len(batch.events) + len(batch.watches)
            self._forget_batch()
            self._retry_at, self._retry_seconds, self._locked_since = 0.0, _FIRST_RETRY_SECONDS, None
            return None
        return fault

    def _next_batch(self, *, is_whole: bool) -> Batch:
        if not self._calls:
            self._calls = _take(self._pending)
        if not self._other:
            self._other = _take(self._events)
        # Looked at after the queue: what is open now is not in the batch.
        is_drained = not self._pending
        open_calls = self._open.copy()
        known = self._store.running
        fresh = [key for key in open_calls if key not in known and (is_whole or key in self._seen)]
        running = [(key, row) for key in fresh[:ROWS_PER_TRANSACTION] if (row := self._snapshot(open_calls[key]))]
        self._seen = set(open_calls)
        forgotten: set[int] = set()
        if known and is_drained:
            gone = known.keys() - open_calls.keys() - {key for key, _ in self._calls}
            # Gone at two looks: its end was dropped. At one look it may just be on its way.
            forgotten, self._gone = gone & self._gone, gone - self._gone
        else:
            self._gone = set()
        events = [row for row in self._other if isinstance(row, EventRow)]
        watches = [row for row in self._other if isinstance(row, WatchRow)]
        return Batch(self._calls, running, sorted(forgotten), events, watches)

    def _snapshot(self, snapshot: Callable[[], CallRow]) -> CallRow | None:
        try:
            row = snapshot()
            return repaired_call(row) if self._is_repaired else row
        except Exception as error:
            guard.report("journal.snapshot", error)
            return None

    def _is_mended(self, fault: Fault, error: Exception) -> bool:
        # Say whether the batch may be tried again at once.
        now = self._clock.monotonic()
        if fault is Fault.LOCKED:
            self._locked_since = now if self._locked_since is None else self._locked_since
            if now - self._locked_since >= PATIENCE_SECONDS:
                say(fault)
            return False
        if fault is Fault.UNSTORABLE:
            self._repair(error)
            return True
        if fault is Fault.CORRUPT and self._set_aside():
            return True
        say(fault)
        if fault is Fault.UNKNOWN:
            guard.report("journal.write", error)
        # Folding the log into the file frees space on a full disk; a fresh connection forgets bad states.
        with guard.guarded("journal.close"), self._store.lock:
            self._store.disconnect()
        self._retry_at = now + self._retry_seconds
        self._retry_seconds = min(2 * self._retry_seconds, LONGEST_RETRY_SECONDS)
        return False

    def _repair(self, error: Exception) -> None:
        # One record that SQLite cannot hold must not cost the others of its batch.
        if self._is_repaired:
            guard.report("journal.record", error)
            self.rows_dropped += len(self._calls) + len(self._other)
            self._forget_batch()
            return
        before = len(self._calls) + len(self._other)
        self._calls = [(key, call) for key, row in self._calls if (call := repaired_call(row))]
        self._other = [other for row in self._other if (other := _repaired(row))]
        lost = before - len(self._calls) - len(self._other)
        if lost:
            self.rows_dropped += lost
            say(Fault.UNSTORABLE)
        self._is_repaired = True

    def _set_aside(self) -> bool:
        try:
            with self._store.lock:
                aside = self._store.set_aside()
        except OSError as error:
            say(fault_of(error))
            return False
        if aside is not None:
            # The name without its folder: a path may say more than a log should.
            guard.warn_once(
                "journal.corrupt",
                "genotel: the journal was corrupt; it is kept as %s beside the fresh one that was begun",
                aside.name,
            )
        return True

    def _forget_batch(self) -> None:
        self._calls, self._other, self._is_repaired = [], [], False

    def _refuse_inherited(self) -> None:
        if forking.is_inherited(self._store.path):
            raise InheritedError("the file was open when this process was forked")

    def _dropped(self) -> int:
        return self._dropped_before() + self.rows_dropped


def _repaired(row: EventRow | WatchRow) -> EventRow | WatchRow | None:
    return repaired_event(row) if isinstance(row, EventRow) else repaired_watch(row)


def _take(records: deque[_Record]) -> list[_Record]:
    return [records.popleft() for _ in range(min(len(records), ROWS_PER_TRANSACTION))]
