"""Who wrote, whether it still lives, and whose calls nobody will finish."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from genotel.journal import sessions
from genotel.journal.sessions import ProcessIdentity, dead_sessions, is_alive, this_process
from tests.unit.journal.conftest import DAY


def proc_with(folder: Path, pid: int, state: str = "S", started: int = 500) -> Path:
    """Make a process filesystem of one process, whose name is made to confuse."""
    (folder / str(pid)).mkdir(parents=True)
    fields = " ".join([state, *["0"] * 18, str(started), "0"])
    (folder / str(pid) / "stat").write_text(f"{pid} (a) b (c) {fields}\n")
    return folder


HERE = ProcessIdentity("box", "boot-1", "pid:[1]", 10, 400)
OTHER = ProcessIdentity("box", "boot-1", "pid:[1]", 77, 500)


def test_this_process_is_alive() -> None:
    """Found by its own identity, whatever the system tells of it."""
    here = this_process()
    assert here.pid == os.getpid()
    assert is_alive(here, this_process()) is True


def test_a_process_that_ended_is_dead() -> None:
    """Also while its parent has not asked for its exit code: it can finish nothing any more."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    here = this_process()
    started = sessions._started(child.pid, sessions.PROC)
    identity = here._replace(pid=child.pid, pid_started=started or 0)
    assert is_alive(identity, here) is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(identity, here) is False
    child.communicate()
    assert is_alive(identity, here) is False


def test_a_number_that_was_given_to_another_process_is_dead(tmp_path: Path) -> None:
    """Numbers of processes come round again; the start tells them apart."""
    proc = proc_with(tmp_path, 77)
    assert is_alive(OTHER, HERE, proc) is True
    assert is_alive(OTHER._replace(pid_started=499), HERE, proc) is False


@pytest.mark.parametrize("state", ["Z", "X"])
def test_what_only_waits_to_be_buried_is_dead(tmp_path: Path, state: str) -> None:
    """A zombie finishes nothing."""
    assert is_alive(OTHER, HERE, proc_with(tmp_path, 77, state)) is False


def test_nothing_lives_through_a_restart_of_the_machine(tmp_path: Path) -> None:
    """Even if a process of the same number and start exists again."""
    assert is_alive(OTHER._replace(boot="boot-0"), HERE, proc_with(tmp_path, 77)) is False


@pytest.mark.parametrize("identity", [OTHER._replace(host="elsewhere"), OTHER._replace(namespace="pid:[2]")])
def test_other_hosts_and_containers_cannot_be_asked(tmp_path: Path, identity: ProcessIdentity) -> None:
    """Their numbers of processes mean nothing here."""
    assert is_alive(identity, HERE, proc_with(tmp_path, 77)) is None


def test_without_a_process_filesystem_the_system_is_asked_by_signal() -> None:
    """As on macOS: no boot, no namespace, no start."""
    here = ProcessIdentity("box", "", "", os.getpid(), 0)
    assert is_alive(here, here) is True
    assert is_alive(here._replace(pid=1), here) is True
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert is_alive(here._replace(pid=child.pid), here) is False


def test_without_a_process_filesystem_there_is_still_an_identity(tmp_path: Path) -> None:
    """Host and number are always known."""
    identity = this_process(tmp_path)
    assert identity[1:3] == ("", "")
    assert (identity.pid, identity.pid_started) == (os.getpid(), 0)


def session_with_running_call(connection: sqlite3.Connection, identity: ProcessIdentity) -> int:
    """Add a session and a call of it that runs."""
    session = sessions.begin(connection, identity, DAY, DAY)
    connection.execute(
        "INSERT INTO calls (session, started_at, model, operation, provider) VALUES (?, ?, 'm', 'o', 'p')",
        (session, DAY),
    )
    return session


def test_sessions_are_dead_that_nobody_can_finish(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """Gone, closed, or silent for long where they cannot be asked; only those with calls are named."""
    proc = proc_with(tmp_path / "proc", 77)
    alive = session_with_running_call(connection, OTHER)
    gone = session_with_running_call(connection, OTHER._replace(pid=78))
    closed = session_with_running_call(connection, OTHER)
    sessions.close(connection, closed, DAY + 5, 0)
    silent = session_with_running_call(connection, OTHER._replace(host="elsewhere"))
    sessions.beat(connection, silent, DAY + 60, 3)
    sessions.begin(connection, OTHER._replace(pid=78), DAY, DAY)
    soon, later = DAY + 600, DAY + 661
    assert dead_sessions(connection, HERE, soon, proc=proc) == {gone, closed}
    assert dead_sessions(connection, HERE, later, proc=proc) == {gone, closed, silent}
    assert alive not in dead_sessions(connection, HERE, DAY + 1e9, proc=proc)
    assert connection.execute("SELECT last_seen_at, rows_dropped FROM sessions WHERE id = ?", (silent,)).fetchone() == (
        DAY + 60,
        3,
    )
