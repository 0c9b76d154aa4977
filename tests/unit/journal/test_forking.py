"""A forked child begins a journal of its own, or none; the parent's is never broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from genotel.journal import forking
from genotel.journal.writer import JournalWriter, _Request
from tests.unit.journal.conftest import DAY, call, query, running

PROLOGUE = """
import json, logging, os, sys, threading, time
from pathlib import Path
from genotel.journal import writer as module
from genotel.journal.reader import JournalReader
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
logging.basicConfig(format="%(message)s", stream=sys.stderr)
path = Path(sys.argv[1])

def row(model, outcome="ok"):
    return CallRow(time.time(), model, "o", "p", outcome=outcome)

def in_child(work):
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(work() or 0)
        finally:
            os._exit(99)
    return pid

def wait(*pids):
    for pid in pids:
        status = os.waitpid(pid, 0)[1]
        assert status == 0, status
"""


def run(path: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program that forks, in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", "-c", PROLOGUE + program, path],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return result


def models(path: Path) -> dict[str, int]:
    """Return how many finished calls of each model are in the journal, after asking whether it is sound."""
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    counted: dict[str, int] = dict(query(path, "SELECT model, count(*) FROM calls WHERE outcome = 'ok' GROUP BY model"))
    assert counted == dict(query(path, "SELECT model, sum(total) FROM hourly GROUP BY model"))
    return counted


def test_a_child_writes_in_a_session_of_its_own(path: Path) -> None:
    """What waited at the fork is the parent's and is written once."""
    run(
        path,
        """
writer = JournalWriter(path, flush_interval_seconds=60)
writer.finish(1, row("before"))
writer.flush()
writer.finish(2, row("waiting"))
writer.start(3, lambda: row("open", None))
def work():
    assert (writer.rows_written, writer.rows_dropped) == (0, 0)
    writer.finish(3, row("child"))
    writer.close()
    assert (writer.rows_written, writer.rows_dropped) == (1, 0)
wait(in_child(work))
writer.finish(3, row("open"))
writer.close()
assert writer.rows_written == 3
""",
    )
    assert models(path) == {"before": 1, "waiting": 1, "open": 1, "child": 1}
    assert query(path, "SELECT count(DISTINCT pid) FROM sessions WHERE closed_at IS NOT NULL") == [(2,)]


def test_children_that_are_born_while_others_write_lose_nothing(path: Path) -> None:
    """Threads hand over calls all the time; every child writes, and some have children."""
    result = run(
        path,
        """
writer = JournalWriter(path, flush_interval_seconds=0.001)
stop = threading.Event()
made = []
def produce(first):
    key = first
    while not stop.is_set():
        key += 1
        writer.start(key, lambda: row("parent", None))
        writer.finish(key, row("parent"))
        made.append(1)
        time.sleep(0.0005)
threads = [threading.Thread(target=produce, args=(n * 10**9,)) for n in range(2)]
for thread in threads: thread.start()
def grandchild():
    writer.finish(1, row("grandchild"))
    writer.close()
def child():
    for key in range(20):
        writer.finish(key, row("child"))
    writer.flush()
    wait(in_child(grandchild))
    writer.finish(99, row("child"))
    writer.close()
    assert (writer.rows_written, writer.rows_dropped) == (21, 0), (writer.rows_written, writer.rows_dropped)
for _ in range(8):
    wait(in_child(child), in_child(child))
stop.set()
for thread in threads: thread.join()
writer.close()
assert writer.rows_dropped == 0
print(json.dumps(len(made)))
""",
    )
    assert models(path) == {"parent": json.loads(result.stdout), "child": 16 * 21, "grandchild": 16}
    assert result.stderr == ""


def test_workers_of_multiprocessing_write(path: Path) -> None:
    """The usual way to fork."""
    run(
        path,
        """
import multiprocessing
writer = JournalWriter(path)
writer.finish(1, row("parent"))
writer.flush()
def work(number):
    writer.finish(number, row("worker"))
    assert writer.flush(20)
with multiprocessing.get_context("fork").Pool(4) as pool:
    pool.map(work, range(40), chunksize=1)
writer.close()
""",
    )
    assert models(path) == {"parent": 1, "worker": 40}


@pytest.mark.parametrize(
    "obstacle",
    ["reader = JournalReader(path)", "module.FORK_PATIENCE_SECONDS = 0.01; writer._store.lock.acquire()"],
    ids=["a reader is open", "a transaction takes too long"],
)
def test_a_child_that_cannot_trust_the_file_keeps_no_journal(path: Path, obstacle: str) -> None:
    """One line says so, its calls are dropped and counted, and the parent goes on."""
    result = run(
        path,
        f"""
writer = JournalWriter(path)
writer.finish(1, row("parent"))
writer.flush()
{obstacle}
def work():
    for key in range(5):
        writer.finish(key, row("child"))
    assert not writer.flush()
    writer.close()
    assert (writer.rows_written, writer.rows_dropped) == (0, 5)
wait(in_child(work))
if writer._store.lock.locked():
    writer._store.lock.release()
writer.finish(2, row("parent"))
writer.close()
""",
    )
    assert models(path) == {"parent": 2}
    assert result.stderr.count("\n") == 1
    assert "this process was forked while the journal's file was in use" in result.stderr


class FakeHolder:
    """Hold a file open across a fork, or not."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.heard: list[str] = []

    def before_fork(self) -> None:
        """Note it."""
        self.heard.append("before")

    def open_path(self) -> Path | None:
        """Return what was told."""
        return self.path

    def after_fork_in_parent(self) -> None:
        """Note it."""
        self.heard.append("parent")

    def after_fork(self) -> None:
        """Note it."""
        self.heard.append("child")


def test_files_that_stay_open_are_inherited_by_their_real_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the child only; a name that leads to the same file does not help."""
    monkeypatch.setattr(forking, "_inherited", set())
    (tmp_path / "link").symlink_to(tmp_path)
    holder, other = FakeHolder(tmp_path / "link" / "journal.db"), FakeHolder(None)
    forking.register(holder)
    forking.register(other)
    forking._before()
    forking._after_in_parent()
    assert not forking.is_inherited(tmp_path / "journal.db")
    forking._before()
    forking._after_in_child()
    assert forking.is_inherited(tmp_path / "journal.db")
    assert not forking.is_inherited(tmp_path / "another.db")
    assert holder.heard == other.heard == ["before", "parent", "before", "child"]


def test_beginning_again_forgets_what_is_the_parents(path: Path) -> None:
    """As in a child: nothing waits, nothing is open, no session, no thread; in the parent nothing happens."""
    writer = JournalWriter(path, flush_interval_seconds=60, retention_days=36_500)
    writer.start(1, running(call(DAY, outcome=None)))
    writer.finish(2, call(DAY))
    assert writer.flush()
    writer.after_fork()
    thread = writer._thread
    assert thread is not None
    writer.before_fork()
    assert writer.open_path() is None
    writer.after_fork_in_parent()
    # A child has no thread but the one that forked.
    writer._wake.put(_Request(5, is_last=True))
    thread.join(5)
    writer._pending.append((3, call(DAY)))
    writer._pid = -1
    writer.after_fork()
    assert (writer.rows_written, writer.rows_dropped, writer._thread, writer._pid) == (0, 0, None, os.getpid())
    writer.finish(4, call(DAY))
    writer.close()
    assert sorted(query(path, "SELECT model, outcome FROM calls WHERE outcome = 'ok'")) == [("sdxl", "ok")] * 2
    assert query(path, "SELECT count(*) FROM sessions") == [(2,)]
