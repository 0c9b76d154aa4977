"""What cannot be written waits, within bounds, and is written when it can be."""

from __future__ import annotations

import itertools
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from genotel import guard
from genotel.errors import JournalError
from genotel.journal import backlog as backlog_module
from genotel.journal.backlog import LONGEST_RETRY_SECONDS, ROWS_PER_TRANSACTION, Backlog
from genotel.journal.rows import CallRow, EventRow, WatchRow
from genotel.journal.store import Batch
from tests.unit.journal.conftest import DAY, TurnedClock, call, running
from tests.unit.journal.test_faults import sqlite_error


class FakeStore:
    """Take batches, or fail as often as it was told; it keeps the promises of the real one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.running: dict[int, int] = {}
        self.batches: list[Batch] = []
        self.faults: list[Exception | None] = []
        self.aside: list[Path | OSError | None] = []
        self.work = 0
        self.disconnected = 0
        self.ended: list[int] = []

    @property
    def calls(self) -> list[CallRow]:
        """Return every finished call that was written."""
        return [row for batch in self.batches for _, row in batch.finished]

    def write(self, batch: Batch, rows_dropped: int) -> None:
        """Take a batch unless a fault is due."""
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        for key in (*(key for key, _ in batch.finished), *batch.forgotten):
            self.running.pop(key, None)
        self.running |= {key: 1 for key, _ in batch.running}
        self.batches.append(batch._replace(finished=list(batch.finished)))

    def maintain(self) -> bool:
        """Do one piece of work."""
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        self.work -= 1
        return self.work > 0

    def end(self, rows_dropped: int) -> None:
        """Note the end."""
        if self.faults and (fault := self.faults.pop(0)):
            raise fault
        self.ended.append(rows_dropped)

    def disconnect(self) -> None:
        """Note that the file was closed."""
        self.disconnected += 1

    def set_aside(self) -> Path | None:
        """Say what was told."""
        answer = self.aside.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer


class Program:
    """Hold what a program has handed over, and the backlog that moves it."""

    def __init__(self, path: Path, time: TurnedClock) -> None:
        self.store = FakeStore(path)
        self.open: dict[int, Callable[[], CallRow]] = {}
        self.pending: deque[tuple[int, CallRow]] = deque()
        self.events: deque[EventRow | WatchRow] = deque()
        self.backlog = Backlog(
            self.store,  # type: ignore[arg-type]  # a fake
            *(self.open, self.pending, self.events, lambda: 7, time.clock),
        )

    def finish(self, *rows: CallRow) -> None:
        """Hand over finished calls."""
        self.pending.extend((-1 - number, row) for number, row in enumerate(rows))

    def write(self) -> None:
        """Let one flush interval end."""
        self.backlog.write(is_beat_due=False)


@pytest.fixture
def program(path: Path, time: TurnedClock) -> Program:
    """A program that has done nothing yet."""
    return Program(path, time)


def test_without_work_nothing_is_written(program: Program) -> None:
    """Unless a heartbeat is due."""
    program.write()
    assert program.store.batches == []
    program.backlog.write(is_beat_due=True)
    assert program.store.batches == [Batch([], [], [], [], [])]


def test_everything_goes_in_batches_of_bounded_size(program: Program) -> None:
    """One long transaction would keep other processes out."""
    program.finish(*[call(DAY + n) for n in range(2 * ROWS_PER_TRANSACTION + 1)])
    program.events.extend([EventRow(DAY, "m", "load", "ok"), WatchRow(DAY, DAY + 1)])
    program.write()
    assert [len(batch.finished) for batch in program.store.batches] == [ROWS_PER_TRANSACTION, ROWS_PER_TRANSACTION, 1]
    assert (len(program.store.batches[0].events), len(program.store.batches[0].watches)) == (1, 1)
    assert program.backlog.rows_written == 2 * ROWS_PER_TRANSACTION + 3
    assert program.backlog.is_empty()
    assert not program.backlog.is_busy()


def test_a_call_gets_a_row_when_it_has_been_open_for_a_whole_interval(program: Program) -> None:
    """A short call costs one row, written once."""
    program.open[1] = running(call(DAY, outcome=None))
    program.write()
    assert program.backlog.is_busy()
    assert program.store.batches == []
    program.write()
    assert [key for key, _ in program.store.batches[-1].running] == [1]
    assert not program.backlog.is_busy()
    program.write()
    assert len(program.store.batches) == 1


def test_a_flush_writes_calls_that_have_just_begun(program: Program) -> None:
    """Whoever asks for everything gets everything."""
    program.open[1] = running(call(DAY, outcome=None))
    assert program.backlog.write_everything(deadline=0.0)
    assert program.store.running.keys() == {1}


def test_a_running_call_whose_end_was_dropped_is_forgotten_at_the_second_look(program: Program) -> None:
    """At the first it may still be between two lines of finish()."""
    program.open[1] = running(call(DAY, outcome=None))
    program.backlog.write_everything(deadline=0.0)
    del program.open[1]
    program.write()
    assert program.backlog.is_busy()
    assert program.store.running.keys() == {1}
    program.write()
    assert program.store.running == {}
    assert not program.backlog.is_busy()


def test_a_running_call_that_ends_is_not_forgotten(program: Program) -> None:
    """Its end is on its way at the first look and there at the second."""
    program.open[1] = running(call(DAY, outcome=None))
    program.backlog.write_everything(deadline=0.0)
    del program.open[1]
    program.write()
    program.pending.append((1, call(DAY)))
    program.write()
    assert [list(batch.forgotten) for batch in program.store.batches] == [[], []]
    assert program.store.calls == [call(DAY)]


def test_a_snapshot_that_raises_costs_its_own_row_only(program: Program) -> None:
    """It is the program's object, read from another thread."""

    def broken() -> CallRow:
        raise RuntimeError

    program.open |= {1: broken, 2: running(call(DAY, outcome=None))}
    with pytest.raises(RuntimeError):
        program.backlog.write_everything(deadline=0.0)
    with relaxed():
        program.backlog.write_everything(deadline=0.0)
    assert program.store.running.keys() == {2}
    assert guard.internal_errors() == {"journal.snapshot": 2}


class relaxed:  # noqa: N801  # reads as a statement
    """Swallow faults as in a user's program while the block runs."""

    def __enter__(self) -> None:
        self._before, guard._strict = guard._strict, False

    def __exit__(self, *_: object) -> None:
        guard._strict = self._before


def test_a_batch_that_fails_is_kept_and_written_later(program: Program, time: TurnedClock) -> None:
    """Nothing is lost, nothing is written twice, new rows wait behind it."""
    program.store.faults = [sqlite_error(sqlite3.SQLITE_FULL)]
    program.finish(call(DAY, model="first"))
    program.write()
    program.finish(call(DAY, model="second"))
    program.write()
    assert program.store.batches == []
    time.advance(1)
    program.write()
    assert [row.model for row in program.store.calls] == ["first"]
    program.write()
    assert [row.model for row in program.store.calls] == ["first", "second"]


def test_patience_doubles_up_to_a_limit(program: Program, time: TurnedClock) -> None:
    """A full disk is not asked four times a second; when there is room again all is forgotten."""
    program.store.faults = [sqlite_error(sqlite3.SQLITE_FULL)] * 8
    program.finish(call(DAY))
    tries = []
    for second in range(400):
        left = len(program.store.faults)
        program.write()
        if len(program.store.faults) < left or program.store.calls:
            tries.append(second / 10)
        if program.store.calls:
            break
        time.advance(0.1)
    waits = [round(after - before, 1) for before, after in itertools.pairwise(tries)]
    assert waits[:4] == pytest.approx([0.5, 1.0, 2.0, 4.0], abs=0.2)
    assert max(waits) <= LONGEST_RETRY_SECONDS + 0.2


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (sqlite_error(sqlite3.SQLITE_FULL), "disk of the journal is full"),
        (sqlite_error(sqlite3.SQLITE_READONLY), "cannot be written"),
        (sqlite_error(sqlite3.SQLITE_IOERR), "reports an error"),
        (JournalError("x"), "from a newer genotel or another program"),
        (PermissionError(13, "denied"), "cannot be written"),
    ],
)
def test_a_fault_is_one_line(
    program: Program, time: TurnedClock, caplog: pytest.LogCaptureFixture, error: Exception, line: str
) -> None:
    """However often it happens."""
    program.store.faults = [error] * 5
    program.finish(call(DAY))
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            time.advance(60)
            program.write()
    assert len(caplog.messages) == 1
    assert line in caplog.messages[0]
    assert program.store.disconnected == 5


def test_processes_that_meet_now_and_then_are_worth_no_line(
    program: Program, time: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A lock that lasts is, and it is tried at every flush."""
    program.store.faults = [sqlite_error(sqlite3.SQLITE_BUSY)] * 3
    program.finish(call(DAY))
    program.write()
    time.advance(1.9)
    program.write()
    assert caplog.messages == []
    time.advance(0.2)
    program.write()
    assert len(caplog.messages) == 1
    assert "locked" in caplog.messages[0]
    program.write()
    assert len(program.store.calls) == 1


def test_a_flush_waits_for_a_lock_until_its_deadline(program: Program) -> None:
    """And gives up then, without losing anything."""
    program.finish(call(DAY))
    program.store.faults = [sqlite_error(sqlite3.SQLITE_BUSY)] * 3
    assert program.backlog.write_everything(deadline=float("inf"))
    program.finish(call(DAY))
    program.store.faults = [sqlite_error(sqlite3.SQLITE_BUSY)] * 3
    assert not program.backlog.write_everything(deadline=0.0)
    assert not program.backlog.is_empty()


def test_a_flush_does_not_wait_for_a_full_disk(program: Program) -> None:
    """That is nothing that passes in a moment."""
    program.finish(call(DAY))
    program.store.faults = [sqlite_error(sqlite3.SQLITE_FULL)]
    assert not program.backlog.write_everything(deadline=float("inf"))


def test_a_record_that_cannot_be_stored_costs_no_other(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """Mended where possible, dropped and counted where not, said once."""
    program.finish(call(DAY, steps=2**70), call(DAY, model=None), call(DAY))  # type: ignore[arg-type]  # on purpose
    program.events.extend([EventRow(DAY, None, "x", "ok"), WatchRow(float("nan"), DAY), WatchRow(DAY, DAY)])  # type: ignore[arg-type]  # on purpose
    program.open[9] = running(call(DAY, outcome=None, steps=2**70))
    program.store.faults = [OverflowError()]
    assert program.backlog.write_everything(deadline=0.0)
    assert program.store.calls == [call(DAY, steps=None), call(DAY)]
    assert program.store.batches[0].running == [(9, call(DAY, outcome=None, duration_seconds=None, steps=None))]
    assert (program.backlog.rows_written, program.backlog.rows_dropped) == (3, 3)
    assert len(caplog.messages) == 1


def test_a_batch_that_no_repair_helps_is_dropped_and_counted(program: Program) -> None:
    """A mistake of ours must not stop the journal for ever."""
    program.finish(call(DAY), call(DAY))
    program.store.faults = [OverflowError(), OverflowError()]
    with relaxed():
        program.write()
    assert program.backlog.rows_dropped == 2
    assert guard.internal_errors() == {"journal.record": 1}
    program.finish(call(DAY))
    program.write()
    assert len(program.store.calls) == 1


def test_a_repaired_batch_may_still_wait_for_a_disk(program: Program, time: TurnedClock) -> None:
    """Two faults in a row, of different kinds."""
    program.finish(call(DAY, steps=2**70))
    program.store.faults = [OverflowError(), sqlite_error(sqlite3.SQLITE_FULL)]
    program.write()
    time.advance(60)
    program.write()
    assert program.store.calls == [call(DAY, steps=None)]


def test_a_corrupt_file_is_set_aside_and_the_batch_goes_into_the_next(
    program: Program, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The line names the file that is kept, without its folder."""
    program.finish(call(DAY))
    program.store.faults = [sqlite_error(sqlite3.SQLITE_CORRUPT)]
    program.store.aside = [path.with_name("journal.db.corrupt-20260302T000000Z")]
    program.write()
    assert len(program.store.calls) == 1
    assert len(caplog.messages) == 1
    assert "kept as journal.db.corrupt-20260302T000000Z beside" in caplog.messages[0]
    assert str(path.parent) not in caplog.text


def test_a_corrupt_file_that_another_process_has_set_aside_is_no_news(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    """One line for one event."""
    program.finish(call(DAY))
    program.store.faults = [sqlite_error(sqlite3.SQLITE_NOTADB)]
    program.store.aside = [None]
    program.write()
    assert len(program.store.calls) == 1
    assert caplog.messages == []


def test_a_corrupt_file_that_cannot_be_renamed_is_left_alone(program: Program, time: TurnedClock) -> None:
    """The folder may be somebody else's; the batch waits."""
    program.finish(call(DAY))
    program.store.faults = [sqlite_error(sqlite3.SQLITE_NOTADB)]
    program.store.aside = [PermissionError(13, "denied")]
    program.write()
    assert program.store.batches == []
    time.advance(60)
    program.write()
    assert len(program.store.calls) == 1


def test_a_disk_that_corrupts_everything_does_not_spin(program: Program, path: Path) -> None:
    """After some tries the batch is left for the next turn."""
    program.finish(call(DAY))
    program.store.faults = [sqlite_error(sqlite3.SQLITE_CORRUPT)] * 3
    program.store.aside = [path, path, path]
    program.write()
    assert program.store.batches == []
    assert program.store.faults == []
    program.write()
    assert len(program.store.calls) == 1


def test_a_fault_that_nobody_thought_of_is_reported(program: Program) -> None:
    """It is ours, and counted as such; the batch waits."""
    program.finish(call(DAY))
    program.store.faults = [MemoryError()]
    with relaxed():
        program.write()
    assert guard.internal_errors() == {"journal.write": 1}
    assert not program.backlog.is_empty()


def test_maintenance_goes_on_until_nothing_is_left(program: Program) -> None:
    """Or its time is over, then it says that there is more."""
    program.store.work = 3
    assert not program.backlog.maintain()
    assert program.store.work == 0


def test_maintenance_ends_when_its_time_is_over(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows must not wait for it."""
    monkeypatch.setattr(backlog_module, "_MAINTENANCE_SECONDS", -1.0)
    assert program.backlog.maintain()


def test_maintenance_leaves_faults_of_the_file_to_the_next_write(program: Program) -> None:
    """Only what nobody thought of is reported."""
    program.store.faults = [sqlite_error(sqlite3.SQLITE_BUSY), MemoryError()]
    assert not program.backlog.maintain()
    with relaxed():
        assert not program.backlog.maintain()
    assert guard.internal_errors() == {"journal.maintenance": 1}


def test_the_end_says_what_was_lost_before_and_here(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """A file that cannot be closed in order is one line."""
    program.backlog.end()
    assert program.store.ended == [7]
    program.store.faults = [sqlite_error(sqlite3.SQLITE_FULL)]
    program.backlog.end()
    assert len(caplog.messages) == 1


def test_what_is_discarded_is_counted(program: Program) -> None:
    """Calls and events, those in hand and those in the queues."""
    program.store.faults = [sqlite_error(sqlite3.SQLITE_FULL)]
    program.finish(call(DAY), call(DAY))
    program.events.append(WatchRow(DAY, DAY))
    program.write()
    program.finish(call(DAY))
    program.events.append(WatchRow(DAY, DAY))
    program.open[1] = running(call(DAY, outcome=None))
    assert program.backlog.discard() == 5
    assert program.backlog.is_empty()
    assert not program.backlog.is_busy()
