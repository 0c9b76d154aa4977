"""Which process wrote, whether it still lives, and when somebody was watching.

A session is one stretch of time in which a process would have seen every call. A suspended machine
or a jump of the clock ends it and begins the next, so that no session claims time that nobody saw.
"""

from __future__ import annotations

import os
import socket
import sqlite3
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")

# A process of another container or host cannot be asked whether it lives; it counts as dead when it
# has not been seen for this long: ten missed heartbeats.
SILENT_SECONDS = 600.0
# Before its calls are settled as killed for good, it must have been silent for a day: a suspended
# laptop wakes up again.
SETTLE_SECONDS = 86_400.0


class ProcessIdentity(NamedTuple):
    """Name one process among all that ever wrote to a journal.

    ``boot`` and ``namespace`` are empty, ``pid_started`` (clock ticks since boot) is 0 where the
    system does not tell.
    """

    host: str
    boot: str
    namespace: str
    pid: int
    pid_started: int


def this_process(proc: Path = PROC) -> ProcessIdentity:
    """Return the identity of the calling process."""
    pid = os.getpid()
    return ProcessIdentity(
        host=socket.gethostname(),
        boot=_read(proc / "sys" / "kernel" / "random" / "boot_id"),
        namespace=_link(proc / "self" / "ns" / "pid"),
        pid=pid,
        pid_started=_started(pid, proc) or 0,
    )


def is_alive(session: ProcessIdentity, here: ProcessIdentity, proc: Path = PROC) -> bool | None:
    """Say whether the process of a session still runs; None where it cannot be known from here."""
    if session.host != here.host:
        return None
    if session.boot != here.boot:
        # The same machine, started again since.
        return False
    if session.namespace != here.namespace:
        return None
    if here.pid_started:
        return _started(session.pid, proc) == session.pid_started
    try:
        os.kill(session.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def begin(connection: sqlite3.Connection, identity: ProcessIdentity, started_at: float, now: float) -> int:
    """Insert a session and return its id; times are Unix seconds."""
    cursor = connection.execute(
        "INSERT INTO sessions (host, boot, namespace, pid, pid_started, started_at, last_seen_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*identity, started_at, now),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def beat(connection: sqlite3.Connection, session: int, now: float, rows_dropped: int) -> None:
    """Write that a session was still watching at ``now`` and how many rows it has lost."""
    connection.execute("UPDATE sessions SET last_seen_at=?, rows_dropped=? WHERE id=?", (now, rows_dropped, session))


def close(connection: sqlite3.Connection, session: int, now: float, rows_dropped: int) -> None:
    """Write that a session ended on purpose at ``now``."""
    connection.execute(
        "UPDATE sessions SET last_seen_at=?, closed_at=?, rows_dropped=? WHERE id=?", (now, now, rows_dropped, session)
    )


def dead_sessions(
    connection: sqlite3.Connection,
    here: ProcessIdentity,
    now: float,
    *,
    silent_seconds: float = SILENT_SECONDS,
    proc: Path = PROC,
) -> frozenset[int]:
    """Return the sessions that still have running calls although nobody can finish them.

    Args:
        connection: the journal.
        here: the process that asks.
        now: Unix time.
        silent_seconds: how long a process that cannot be asked may be silent.
        proc: the process filesystem.
    """
    dead = set()
    rows = connection.execute(
        "SELECT id, host, boot, namespace, pid, pid_started, last_seen_at, closed_at FROM sessions "
        "WHERE id IN (SELECT DISTINCT session FROM calls WHERE outcome IS NULL)"
    )
    for identifier, host, boot, namespace, pid, pid_started, last_seen_at, closed_at in rows:
        alive = is_alive(ProcessIdentity(host, boot, namespace, pid, pid_started), here, proc)
        if alive is None:
            alive = now - last_seen_at < silent_seconds
        if closed_at is not None or not alive:
            dead.add(identifier)
    return frozenset(dead)


def _started(pid: int, proc: Path) -> int | None:
    # Field 22 of /proc/PID/stat; the name in field 2 may hold blanks and brackets.
    text = _read(proc / str(pid) / "stat")
    fields = text.rpartition(")")[2].split()
    # A zombie can finish nothing any more.
    if len(fields) < 20 or fields[0] in {"Z", "X"}:
        return None
    return int(fields[19])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
