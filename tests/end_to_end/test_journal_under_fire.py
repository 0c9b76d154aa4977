"""Journals in real processes that lose their disk, their lock, their clock or their life.

Each time: the program goes on, one line says what happened, what is lost is counted, the file is sound.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from genotel.journal.reader import JournalReader
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
from tests.conftest import require
from tests.leftovers import ended_with_test

PROLOGUE = """
import json, logging, os, resource, sys, time
from pathlib import Path
from genotel.clock import Clock
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
logging.basicConfig(format="%(message)s", stream=sys.stderr)
path = Path(sys.argv[1])

def row(model="sdxl", outcome="ok", at=None, **fields):
    return CallRow(at or time.time(), model, "o", "p", outcome=outcome, duration_seconds=1.0, **fields)

def say(**facts):
    print(json.dumps(facts), flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is made."""
    return tmp_path / "state" / "journal.db"


def start(path: Path, program: str, *, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start a program that keeps a journal."""
    command = [*before, sys.executable, "-W", "error", "-c", PROLOGUE + program, str(path)]
    return ended_with_test(
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=path.parent.parent,
        )
    )


def finish(process: subprocess.Popen[str], code: int = 0) -> tuple[list[Any], list[str]]:
    """Let a program end; return what it said and what it logged."""
    out, log = process.communicate(timeout=60)
    assert process.returncode == code, log
    return [json.loads(line) for line in out.splitlines()], log.splitlines()


def run(path: Path, program: str, *, before: tuple[str, ...] = ()) -> tuple[Any, list[str]]:
    """Run a program; return the last thing that it said and what it logged."""
    facts, log = finish(start(path, program, before=before))
    return facts[-1], log


def journal(path: Path) -> tuple[int, int]:
    """Return how many finished calls the rows and the rollups hold, after asking whether the file is sound."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()
    with JournalReader(path) as reader:
        calls = sum(record.outcome not in (None, "killed") for record in reader.calls())
        assert sum(hour.total for hour in reader.hourly()) == sum(day.total for day in reader.daily()) == calls
        return calls, sum(model.total for model in reader.models())


@pytest.fixture
def small_disk(tmp_path: Path) -> tuple[str, ...]:
    """A way to run a program that has a disk of 600 KiB at ``state``."""
    unshare = require(shutil.which("unshare"), "unshare (util-linux)")
    (tmp_path / "state").mkdir()
    mount = 'mount -t tmpfs -o size=600k,mode=700 none state && exec "$@"'
    before = (unshare, "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh")
    is_allowed = subprocess.run([*before, "true"], cwd=tmp_path, capture_output=True).returncode == 0
    require("yes" if is_allowed else None, "a mount in a user namespace")
    return before


def test_a_full_disk_costs_what_does_not_fit(path: Path, small_disk: tuple[str, ...]) -> None:
    """What is over the bound is counted; when there is room again, what waited is written."""
    facts, log = run(
        path,
        """
import sqlite3
filler = path.with_name("filler")
filler.write_bytes(bytes(200_000))
writer = JournalWriter(path, flush_interval_seconds=0.001, max_pending=500)
key = 0
while writer.rows_dropped < 100:
    key += 1
    writer.finish(key, row(error_type="x" * 50))
    if key % 100 == 0:
        writer.flush()
assert not writer.flush()
before = writer.rows_written
filler.unlink()
assert writer.flush()
assert writer.rows_written > before > 100, (writer.rows_written, before)
writer.close()
connection = sqlite3.connect(path)
say(
    handed=key, written=writer.rows_written, dropped=writer.rows_dropped,
    calls=connection.execute("SELECT count(*) FROM calls").fetchone()[0],
    hours=connection.execute("SELECT sum(total) FROM hourly").fetchone()[0],
    sound=connection.execute("PRAGMA integrity_check").fetchone()[0],
)
""",
        before=small_disk,
    )
    assert facts["calls"] == facts["hours"] == facts["written"] == facts["handed"] - facts["dropped"]
    assert facts["sound"] == "ok"
    assert sum("disk of the journal is full" in line for line in log) == 1
    assert len(log) == 2  # and one that calls are dropped


def test_a_file_that_may_not_grow_is_one_line(path: Path) -> None:
    """A limit of the shell or of a container shows as another error than a full disk."""
    facts, log = run(
        path,
        """
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
writer = JournalWriter(path, flush_interval_seconds=0.001)
key = 0
while writer.flush():
    for _ in range(100):
        key += 1
        writer.finish(key, row())
writer.close()
say(handed=key, written=writer.rows_written, dropped=writer.rows_dropped)
""",
    )
    assert facts["written"] + facts["dropped"] == facts["handed"]
    assert journal(path) == (facts["written"], facts["written"])
    assert len(log) == 1
    assert "disk of the journal" in log[0]


def test_a_lock_that_lasts_is_waited_for(path: Path) -> None:
    """The program never waits; the line is said once; everything is there in the end."""
    JournalWriter(path).close()
    writer = start(
        path,
        """
writer = JournalWriter(path, flush_interval_seconds=0.01)
writer.finish(0, row())
assert writer.flush()
say(ready=True)
sys.stdin.readline()
longest = 0.0
for key in range(1, 1001):
    before = time.perf_counter()
    writer.start(key, lambda: row(outcome=None))
    writer.finish(key, row())
    longest = max(longest, time.perf_counter() - before)
assert not writer.flush(2.5)
say(longest=longest, written=writer.rows_written)
sys.stdin.readline()
assert writer.flush()
writer.close()
say(written=writer.rows_written, dropped=writer.rows_dropped)
""",
    )
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdout.readline()
    thief = sqlite3.connect(path, isolation_level=None)
    thief.execute("BEGIN EXCLUSIVE")
    writer.stdin.write("\n")
    writer.stdin.flush()
    while_locked = json.loads(writer.stdout.readline())
    thief.execute("ROLLBACK")
    thief.close()
    (facts,), log = finish_after_line(writer)
    assert while_locked["written"] == 1
    # A call that waited for the lock would take 2.5 s; a busy machine takes some moments away.
    assert while_locked["longest"] < 1.0
    assert facts == {"written": 1001, "dropped": 0}
    assert journal(path) == (1001, 1001)
    assert len(log) == 1
    assert "keeps the journal locked" in log[0]


def finish_after_line(process: subprocess.Popen[str]) -> tuple[list[Any], list[str]]:
    """Send an empty line and let the program end."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return finish(process)


def test_a_lock_that_never_ends_is_counted_at_the_close(path: Path) -> None:
    """A program that ends does not wait for ever."""
    JournalWriter(path).close()
    begin_file(path)
    thief = sqlite3.connect(path, isolation_level=None)
    thief.execute("BEGIN EXCLUSIVE")
    facts, log = run(
        path,
        """
from genotel.journal import writer as module
module.CLOSE_PATIENCE_SECONDS = 2.5
writer = JournalWriter(path)
for key in range(10):
    writer.finish(key, row())
writer.close()
say(written=writer.rows_written, dropped=writer.rows_dropped)
""",
    )
    thief.execute("ROLLBACK")
    thief.close()
    assert facts == {"written": 0, "dropped": 10}
    assert len(log) == 1


def begin_file(path: Path) -> None:
    """Let the file exist with its tables."""
    writer = JournalWriter(path)
    writer.watch()
    writer.flush()
    writer.close()


def as_mortal() -> tuple[str, ...]:
    """Return what makes a superuser obey the modes of files."""
    if os.geteuid() != 0:
        return ()
    return (require(shutil.which("setpriv"), "setpriv (util-linux)"), "--bounding-set=-dac_override,-dac_read_search")


@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_cannot_be_written_is_one_line(path: Path, what: str) -> None:
    """A folder without room for us, a file of somebody else."""
    path.parent.mkdir()
    if what == "file":
        begin_file(path)
        path.chmod(0o444)
    path.parent.chmod(0o555)
    facts, log = run(
        path,
        """
writer = JournalWriter(path, flush_interval_seconds=0.01, max_pending=5)
for key in range(7):
    writer.finish(key, row())
assert not writer.flush()
writer.close()
say(written=writer.rows_written, dropped=writer.rows_dropped)
""",
        before=as_mortal(),
    )
    path.parent.chmod(0o755)
    assert facts["written"] == 0
    assert facts["dropped"] == 7
    assert "cannot be written" in log[-1] or "cannot be written" in log[0]
    assert len(log) <= 2


def test_a_journal_on_a_medium_that_cannot_be_written_is_read(path: Path) -> None:
    """A copy on a read-only medium has no log and can have no shared memory."""
    with_call(path)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    facts, log = run(
        path,
        """
from genotel.journal.reader import JournalReader
with JournalReader(path) as reader:
    say(calls=len(list(reader.calls())), hours=sum(hour.total for hour in reader.hourly()))
""",
        before=as_mortal(),
    )
    path.parent.chmod(0o755)
    assert facts == {"calls": 1, "hours": 1}
    assert log == []


def with_call(path: Path) -> None:
    """Make a journal of one call."""
    writer = JournalWriter(path)
    writer.finish(1, CallRow(writer._clock.wall(), "sdxl", "o", "p", outcome="ok"))
    writer.close()


@pytest.mark.parametrize("damage", ["garbage", "torn", "zeroed page"])
def test_a_corrupt_file_is_set_aside(path: Path, damage: str) -> None:
    """It is renamed, byte by byte as it was; a fresh one takes the calls; nothing is lost from then on."""
    facts, _ = run(
        path,
        """
writer = JournalWriter(path)
for key in range(3000):
    writer.finish(key, row())
writer.close()
say(written=writer.rows_written)
""",
    )
    content = bytearray(path.read_bytes())
    if damage == "garbage":
        content = bytearray(b"this is no database" * 500)
    elif damage == "torn":
        del content[4096 * 3 :]
    else:
        content[4096:-4096] = bytes(len(content) - 2 * 4096)
    path.write_bytes(content)
    facts, log = run(
        path,
        """
writer = JournalWriter(path, flush_interval_seconds=0.01)
for key in range(100):
    writer.finish(key, row())
assert writer.flush()
writer.close()
say(written=writer.rows_written, dropped=writer.rows_dropped)
""",
    )
    assert facts == {"written": 100, "dropped": 0}
    assert journal(path) == (100, 100)
    (aside,) = [entry for entry in path.parent.iterdir() if ".corrupt-" in entry.name and "-wal" not in entry.name]
    assert aside.read_bytes() == content
    assert len(log) == 1
    assert f"kept as {aside.name}" in log[0]


def test_several_processes_set_a_corrupt_file_aside_once(path: Path) -> None:
    """Who comes second takes the fresh file."""
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 500)
    program = """
writer = JournalWriter(path, flush_interval_seconds=0.01)
sys.stdin.readline()
for key in range(100):
    writer.finish(key, row())
assert writer.flush(20)
writer.close()
say(written=writer.rows_written, dropped=writer.rows_dropped)
"""
    processes = [start(path, program) for _ in range(4)]
    results = [finish_after_line(process) for process in processes]
    assert [facts for facts, _ in results] == [[{"written": 100, "dropped": 0}]] * 4
    assert journal(path) == (400, 400)
    assert sum(len(log) for _, log in results) == 1
    assert sum(".corrupt-" in entry.name for entry in path.parent.iterdir()) == 1


def test_several_processes_write_at_once(path: Path) -> None:
    """Every call of each is there, the sums are exact, and nobody says a word."""
    program = """
writer = JournalWriter(path, flush_interval_seconds=0.002)
for key in range(3000):
    writer.start(key, lambda: row(outcome=None))
    writer.finish(key, row(model=f"model-{os.getpid()}", prompt=str(key % 7)))
    if key % 500 == 0:
        time.sleep(0.01)
assert writer.flush(30)
writer.close()
say(written=writer.rows_written, dropped=writer.rows_dropped)
"""
    processes = [start(path, program) for _ in range(4)]
    results = [finish(process) for process in processes]
    assert [facts for facts, _ in results] == [[{"written": 3000, "dropped": 0}]] * 4
    assert [log for _, log in results] == [[]] * 4
    assert journal(path) == (12_000, 12_000)
    with JournalReader(path) as reader:
        assert [model.total for model in reader.models()] == [3000] * 4
        assert len({session.pid for session in reader.sessions()}) == 4
        assert {day.unique_prompts for day in reader.daily()} == {7}


@pytest.mark.parametrize("moment", range(4))
def test_a_process_that_is_killed_leaves_a_sound_journal(path: Path, moment: int) -> None:
    """What it said was written is there, calls that ran are killed, the next process goes on."""
    process = start(
        path,
        """
writer = JournalWriter(path, flush_interval_seconds=0.002)
writer.start(-1, lambda: row(model="long", outcome=None))
key = 0
while True:
    for _ in range(200):
        key += 1
        writer.start(key, lambda: row(outcome=None))
        writer.finish(key, row())
    if key % 1000 == 0:
        writer.flush()
        say(written=writer.rows_written)
""",
    )
    assert process.stdout is not None
    said = [json.loads(process.stdout.readline())["written"] for _ in range(1 + moment)]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    calls, total = journal(path)
    assert calls == total >= said[-1]
    with JournalReader(path) as reader:
        assert [record.outcome for record in reader.calls(model="long")] == ["killed"]
        assert [(hour.total, hour.killed) for hour in reader.hourly(model="long")] == [(0, 1)]
    facts, log = run(
        path,
        """
writer = JournalWriter(path)
writer.finish(1, row())
writer.close()
say(written=writer.rows_written)
""",
    )
    assert (facts, log) == ({"written": 1}, [])
    assert journal(path) == (calls + 1, calls + 1)


def test_a_clock_that_jumps_leaves_exact_sums(path: Path) -> None:
    """Forwards over years and backwards over days: every call once, in the hour that the clock said."""
    facts, log = run(
        path,
        """
now = [1_772_409_600.0]
begin = time.monotonic()
writer = JournalWriter(path, clock=Clock(wall=lambda: now[0]), flush_interval_seconds=0.001, heartbeat_seconds=0.05)
for key, jump in enumerate([0, 3600, -86_400, 10 * 365 * 86_400, -10 * 365 * 86_400, 60, -7200, 1]):
    now[0] += jump
    for number in range(50):
        writer.finish(key * 100 + number, row(at=now[0], prompt=str(number % 3)))
    assert writer.flush()
    time.sleep(0.06)
writer.close()
say(written=writer.rows_written, dropped=writer.rows_dropped)
""",
    )
    assert (facts, log) == ({"written": 400, "dropped": 0}, [])
    assert journal(path) == (400, 400)
    with JournalReader(path) as reader:
        assert sum(hour.unique_prompts for hour in reader.hourly()) == 3 * len(list(reader.hourly()))
        sessions = reader.sessions()
        assert len(sessions) > 5
        assert sum(session.last_seen_at - session.started_at for session in sessions) < 120
