"""Who would notice that a model is gone."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from genotel.actions.in_use import loaded_on_page, open_files, used_in_journal
from genotel.clock import Clock
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
from genotel.semconv import attributes as a
from genotel.semconv.generation_metrics import ACTIVE
from genotel.semconv.model_metrics import RESIDENT
from genotel.semconv.spec import label_name
from tests.conftest import require
from tests.servers import free_port

HOLDER = """
import mmap, sys
with open(sys.argv[1], "rb") as file:
    if sys.argv[2] == "mapped":
        kept = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        file.close()
    print("ready", flush=True)
    sys.stdin.read()
"""


def identities(*paths: Path) -> frozenset[tuple[int, int]]:
    """Return device and inode of files."""
    return frozenset((path.stat().st_dev, path.stat().st_ino) for path in paths)


@pytest.mark.parametrize("way", ["open", "mapped"])
def test_a_process_that_has_a_file_is_found(tmp_path: Path, way: str) -> None:
    """Also where only its memory has it: weights are mapped and their descriptor closed."""
    require(Path("/proc/self/maps").exists() or None, "/proc")
    file, other = tmp_path / "weights", tmp_path / "other"
    for path in (file, other):
        path.write_bytes(bytes(mmap.PAGESIZE))
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file), way], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        found = open_files(identities(file))
        assert [pid for pid, _ in found.holders] == [holder.pid]
        assert found.holders[0][1]
        assert open_files(identities(other)).holders == ()


def process(proc: Path, pid: int, *, maps: str = "") -> Path:
    """Make a process of a stand-in for /proc."""
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "maps").write_text(maps)
    (folder / "comm").write_text("python\n")
    return folder


def test_a_map_with_another_device_is_told_by_its_path(tmp_path: Path) -> None:
    """As btrfs and overlays show it."""
    file = tmp_path / "weights"
    file.write_bytes(b"x")
    inode = file.stat().st_ino
    maps = f"7f00-7f01 r--p 00000000 00:fe {inode} {file}\n7f02-7f03 r--p 00000000 00:00 0\n"
    process(tmp_path / "proc", 10, maps=maps)
    process(tmp_path / "proc", 11, maps=f"7f00-7f01 r--p 00000000 00:fe {inode} /gone/weights\n")
    (tmp_path / "proc" / "self").mkdir()
    assert open_files(identities(file), str(tmp_path / "proc")).holders == ((10, "python"),)


def test_processes_that_hide_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of other users; one that ended meanwhile is none."""
    process(tmp_path, 10)
    (tmp_path / "11").mkdir()
    listed = os.listdir

    def guarded(path: str) -> list[str]:
        if path.endswith("/10/fd"):
            raise PermissionError(13, "no")
        return listed(path)

    monkeypatch.setattr(os, "listdir", guarded)
    found = open_files(frozenset({(1, 2)}), str(tmp_path))
    assert (found.holders, found.hidden_processes) == ((), 1)
    assert open_files(frozenset(), str(tmp_path / "none")).holders == ()


def test_a_name_that_cannot_be_read_is_empty(tmp_path: Path) -> None:
    """The process is a holder all the same; a descriptor of nothing is passed by."""
    file = tmp_path / "weights"
    file.write_bytes(b"x")
    folder = process(tmp_path / "proc", 10)
    (folder / "comm").unlink()
    (folder / "fd" / "3").symlink_to("/nowhere/at/all")
    (folder / "fd" / "4").symlink_to(file)
    assert open_files(identities(file), str(tmp_path / "proc")).holders == ((10, ""),)


def journal(path: Path, *rows: CallRow) -> Path:
    """Write a journal."""
    writer = JournalWriter(path)
    for key, finished in enumerate(rows):
        writer.finish(key, finished)
    assert writer.flush()
    writer.close()
    return path


def row(started_at: float) -> CallRow:
    """Return a call of the model ``m``."""
    return CallRow(started_at, "m", "chat", "test", outcome="ok", duration_seconds=1.0)


def test_a_later_use_in_the_journal_counts(tmp_path: Path) -> None:
    """Later than what the advice knew, or at all where it knew of none."""
    file = journal(tmp_path / "j.db", row(1000.0), row(2000.0))
    assert used_in_journal(file, "m", 2000.0) is None
    assert "after the advice" in (used_in_journal(file, "m", 1000.0) or "")
    assert "after the advice" in (used_in_journal(file, "m", None) or "")
    assert used_in_journal(file, "another", None) is None


def test_a_running_call_in_the_journal_counts(tmp_path: Path) -> None:
    """It has a row from its start on, and no outcome yet."""
    writer = JournalWriter(tmp_path / "j.db", clock=Clock(wall=lambda: 1000.0, monotonic=lambda: 0.0))
    writer.start(1, lambda: row(1000.0)._replace(outcome=None, duration_seconds=None))
    assert writer.flush()
    assert "running" in (used_in_journal(tmp_path / "j.db", "m", 1000.0) or "")
    writer.finish(1, row(1000.0))
    writer.close()
    assert used_in_journal(tmp_path / "j.db", "m", 1000.0) is None


def test_a_missing_journal_says_nothing(tmp_path: Path) -> None:
    """Nor does one that is none."""
    (tmp_path / "none.db").write_text("no journal at all")
    assert used_in_journal(tmp_path / "missing.db", "m", None) is None
    assert used_in_journal(tmp_path / "none.db", "m", None) is None


@pytest.fixture
def page() -> Iterator[list[str]]:
    """Serve the lines of the list; its first entry is the port."""
    lines: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = "".join(f"{line}\n" for line in lines[1:]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    lines.append(str(server.server_port))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield lines
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_page_tells_what_is_loaded_or_running(page: list[str]) -> None:
    """Of this model alone, and only while it is."""
    label = label_name(a.MODEL)
    port = int(page[0])
    page += [f'{RESIDENT.prometheus_name}{{{label}="m"}} 0', f'{RESIDENT.prometheus_name}{{{label}="n"}} 1', "x 1"]
    assert loaded_on_page("127.0.0.1", port, "m") is None
    assert "loaded" in (loaded_on_page("127.0.0.1", port, "n") or "")
    page.append(f'{ACTIVE.prometheus_name}{{{label}="m"}} 2')
    assert "running" in (loaded_on_page("127.0.0.1", port, "m") or "")


def test_a_page_that_is_none_says_nothing(page: list[str]) -> None:
    """Nobody listens, or somebody else does."""
    assert loaded_on_page("127.0.0.1", free_port(), "m") is None
    page.append(f"{RESIDENT.prometheus_name}{{{{ nonsense")
    assert loaded_on_page("127.0.0.1", int(page[0]), "m") is None
