"""The program is never made to wait, and everything it said is in the file."""

from __future__ import annotations

import os
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from genotel.errors import JournalError
from genotel.journal import location
from genotel.journal.reader import JournalReader
from genotel.journal.rows import EventRow
from genotel.journal.schema import MIGRATIONS, prepare
from genotel.journal.writer import THREAD_NAME, JournalWriter
from tests.unit.journal.conftest import DAY, TurnedClock, call, query, running

MakeWriter = Callable[..., JournalWriter]


@pytest.fixture
def make_writer(path: Path) -> Iterator[MakeWriter]:
    """Make writers that are closed at the end."""
    writers = []

    def make(**options: Any) -> JournalWriter:
        # The calls of these tests are older than any retention.
        options.setdefault("retention_days", 36_500)
        writers.append(JournalWriter(path, **options))
        return writers[-1]

    yield make
    for writer in writers:
        writer.close()


def threads() -> list[threading.Thread]:
    """Return the threads of journals."""
    return [thread for thread in threading.enumerate() if thread.name == THREAD_NAME]


def test_nothing_happens_before_the_first_row(make_writer: MakeWriter, path: Path) -> None:
    """No file, no folder, no thread; flushing and closing nothing makes none either."""
    writer = make_writer()
    assert writer.flush()
    assert writer.size_bytes() == 0
    writer.close()
    assert threads() == []
    assert not path.parent.exists()


def test_everything_that_was_said_is_in_the_file(make_writer: MakeWriter, path: Path) -> None:
    """Finished and running calls, events and watches, by one daemon thread."""
    writer = make_writer()
    writer.start(1, running(call(DAY, outcome=None)))
    writer.finish(1, call(DAY))
    writer.start(2, running(call(DAY + 1, outcome=None)))
    writer.event(EventRow(DAY, "sdxl", "load", "ok", 12.0))
    writer.watched(DAY - 60, DAY)
    assert writer.flush()
    (thread,) = threads()
    assert thread.daemon
    assert query(path, "SELECT outcome FROM calls ORDER BY started_at") == [("ok",), (None,)]
    assert query(path, "SELECT kind, duration_seconds FROM events") == [("load", 12.0)]
    assert query(path, "SELECT started_at FROM sessions WHERE closed_at") == [(DAY - 60,)]
    assert (writer.rows_written, writer.rows_dropped) == (3, 0)
    assert writer.size_bytes() > 4096
    writer.finish(2, call(DAY + 1))
    writer.close()
    assert query(path, "SELECT outcome FROM calls") == [("ok",), ("ok",)]


def test_rows_reach_the_file_without_anybody_asking(make_writer: MakeWriter, path: Path) -> None:
    """The thread wakes at the end of the flush interval, and again after it slept."""
    writer = make_writer(flush_interval_seconds=0.01)
    for number in (1, 2):
        writer.start(number, running(call(DAY, outcome=None)))
        wait_until(lambda number=number: path.exists() and written(path) == number)
    writer.finish(1, call(DAY))
    wait_until(lambda: query(path, "SELECT count(*) FROM calls WHERE outcome = 'ok'") == [(1,)])


def written(path: Path) -> int:
    """Return how many calls are in a file that may just be made."""
    try:
        return int(query(path, "SELECT count(*) FROM calls")[0][0])
    except sqlite3.OperationalError:
        return 0


def wait_until(is_true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for another thread."""
    ticks = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if is_true():
            return
        ticks.wait(0.01)
    raise AssertionError("it did not happen in time")


def test_many_threads_hand_over_at_once(make_writer: MakeWriter, path: Path) -> None:
    """Every call is there exactly once."""
    writer = make_writer(flush_interval_seconds=0.001)

    def work(first: int) -> None:
        for key in range(first, first + 1000):
            writer.start(key, running(call(DAY, outcome=None, steps=key)))
            writer.finish(key, call(DAY, steps=key))

    workers = [threading.Thread(target=work, args=(number * 1000,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert writer.flush(30)
    assert query(path, "SELECT count(*), count(DISTINCT steps), count(outcome) FROM calls") == [(8000, 8000, 8000)]
    assert query(path, "SELECT sum(total) FROM hourly") == [(8000,)]
    assert (writer.rows_written, writer.rows_dropped) == (8000, 0)


def test_over_the_bound_rows_are_dropped_and_counted(
    make_writer: MakeWriter, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Memory is bounded, the line is said once, and what fits is kept."""
    writer = make_writer(max_pending=3, flush_interval_seconds=60)
    for key in range(10):
        writer.start(key, running(call(DAY, outcome=None)))
    for key in range(10):
        writer.finish(key, call(DAY))
        writer.event(EventRow(DAY, "sdxl", "load", "ok"))
    assert writer.rows_dropped == 14
    assert writer.flush()
    assert query(path, "SELECT count(*) FROM calls") == [(3,)]
    assert query(path, "SELECT count(*) FROM events") == [(3,)]
    assert query(path, "SELECT rows_dropped FROM sessions") == [(14,)]
    assert len(caplog.messages) == 1
    assert "cannot keep up" in caplog.messages[0]


def test_open_calls_are_bounded_too(make_writer: MakeWriter, path: Path) -> None:
    """A program that forgets to finish its calls does not fill the memory."""
    writer = make_writer(max_pending=3, flush_interval_seconds=60)
    for key in range(10):
        writer.start(key, running(call(DAY, outcome=None)))
    assert writer.flush()
    assert query(path, "SELECT count(*) FROM calls") == [(3,)]


def test_close_is_final_and_may_be_said_again(make_writer: MakeWriter, path: Path) -> None:
    """What comes later is dropped and counted, without a line: the program is ending."""
    writer = make_writer()
    writer.finish(1, call(DAY))
    writer.close()
    writer.close()
    writer.start(2, running(call(DAY, outcome=None)))
    writer.finish(2, call(DAY))
    writer.watch()
    assert not writer.flush()
    assert threads() == []
    assert query(path, "SELECT count(*) FROM calls") == [(1,)]
    assert (writer.rows_written, writer.rows_dropped) == (1, 1)
    assert os.listdir(path.parent) == [path.name]


def test_calls_that_still_run_at_the_close_are_killed(make_writer: MakeWriter, path: Path) -> None:
    """Nobody will finish them."""
    writer = make_writer()
    writer.start(1, running(call(DAY, outcome=None)))
    writer.close()
    with JournalReader(path) as reader:
        assert [record.outcome for record in reader.calls()] == ["killed"]


def test_a_row_that_comes_too_late_for_a_thread_is_written_at_the_close(
    make_writer: MakeWriter, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the interpreter ends no thread can be started any more."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    writer = make_writer()
    with pytest.raises(RuntimeError, match="interpreter shutdown"):
        writer.finish(1, call(DAY))
    writer.close()
    assert query(path, "SELECT count(*) FROM calls") == [(1,)]
    assert (writer.rows_written, writer.rows_dropped) == (1, 0)


def test_an_idle_program_counts_as_watched(make_writer: MakeWriter, path: Path, time: TurnedClock) -> None:
    """From the moment it was made, with a heartbeat at each interval."""
    begin = time.wall
    writer = make_writer(clock=time.clock, heartbeat_seconds=0.02, flush_interval_seconds=0.01)
    writer.watch()
    wait_until(lambda: path.exists() and sessions(path) == [(begin, begin)])
    time.advance(0.05)
    wait_until(lambda: sessions(path) == [(begin, begin + 0.05)])


def sessions(path: Path) -> list[Any]:
    """Return the sessions of a file that may just be made."""
    try:
        return query(path, "SELECT started_at, last_seen_at FROM sessions")
    except sqlite3.OperationalError:
        return []


def test_maintenance_goes_on_in_small_steps(make_writer: MakeWriter, path: Path, time: TurnedClock) -> None:
    """Hours that are over are settled without anybody asking."""
    writer = make_writer(clock=time.clock, flush_interval_seconds=0.01, heartbeat_seconds=0.05)
    for hour in range(5):
        writer.finish(hour, call(time.wall - (hour + 2) * 3600, prompt=f"a cat {hour}"))
    assert writer.flush()
    for _ in range(2):
        time.advance(1)
        writer.watch()
    wait_until(lambda: query(path, "SELECT sum(unique_prompts) FROM hourly") == [(5,)])


def test_the_thread_survives_a_fault_of_its_own(make_writer: MakeWriter, path: Path) -> None:
    """Also under strict tests, where it ends and the next row starts another."""
    writer = make_writer()
    failures: queue.SimpleQueue[object] = queue.SimpleQueue()
    before, threading.excepthook = threading.excepthook, lambda arguments: failures.put(arguments.exc_value)
    try:
        writer._backlog._store = None  # type: ignore[assignment]  # the worst that can happen
        writer.finish(1, call(DAY))
        assert not writer.flush(5)
        assert isinstance(failures.get(timeout=5), AttributeError)
    finally:
        threading.excepthook = before
    writer._backlog._store = writer._store
    wait_until(lambda: threads() == [])
    assert writer.flush()
    assert query(path, "SELECT count(*) FROM calls") == [(1,)]


def test_a_network_filesystem_is_refused_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before any row is lost."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw 0 0\n")
    refuse = partial(location.refuse_network_filesystem, mounts=mounts)
    monkeypatch.setattr(location, "refuse_network_filesystem", refuse)
    with pytest.raises(JournalError, match="network filesystem"):
        JournalWriter(tmp_path / "journal.db")


def test_a_file_from_a_newer_genotel_is_refused_at_once(path: Path) -> None:
    """In one line that says what to do."""
    path.parent.mkdir()
    connection = sqlite3.connect(path, isolation_level=None)
    prepare(connection, path, (*MIGRATIONS, "CREATE TABLE future (x)"))
    connection.close()
    with pytest.raises(JournalError, match="upgrade genotel"):
        JournalWriter(path)


def test_close_may_be_called_by_a_signal_handler_inside_of_us(path: Path) -> None:
    """Whatever line the program is at: no lock of ours is waited for by its own holder."""
    program = """
import os, signal, sys, threading
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
writer = JournalWriter(sys.argv[1], flush_interval_seconds=0.001)
def end(*_):
    writer.close()
    os._exit(0 if writer.rows_written > 100 else 3)
signal.signal(signal.SIGTERM, end)
key = 0
while True:
    key += 1
    writer.start(key, lambda: CallRow(1e9, "m", "o", "p"))
    writer.finish(key, CallRow(1e9, "m", "o", "p", outcome="ok"))
    if key == 2000:
        print("ready", flush=True)
"""
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
