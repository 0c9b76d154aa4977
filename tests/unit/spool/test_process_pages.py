"""Each process of a spool on a page of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genotel import guard
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.spool import process_pages
from genotel.spool.process_pages import ProcessPage, SpoolProcesses
from tests.observed import lenient
from tests.servers import wait_for
from tests.unit.spool.conftest import FakeWorker


def name_of(worker: FakeWorker) -> str:
    """Return what a worker is called."""
    return worker.file.name.removesuffix(".worker")


def test_living_processes_are_known_but_not_the_one_that_asks(tmp_path: Path) -> None:
    """Ended ones are missed at the next look; what is no worker's file is none."""
    first, second, own = (FakeWorker(tmp_path, pid) for pid in (1, 2, 3))
    for worker in (first, second, own):
        worker.write(jobs=1)
    (tmp_path / "ended.spool").touch()
    (tmp_path / "dead.worker").touch()
    processes = SpoolProcesses(tmp_path, own.file.name)
    assert processes.names() == ()
    processes.look()
    assert processes.names() == tuple(sorted(map(name_of, (first, second))))
    second.kill()
    processes.look()
    assert processes.names() == (name_of(first),)
    assert processes.page(name_of(second)) is None
    assert processes.page("../" + name_of(first)) is None


def test_a_page_is_of_one_process_alone(tmp_path: Path) -> None:
    """While everybody's page has the sum."""
    first, second = FakeWorker(tmp_path, 1), FakeWorker(tmp_path, 2)
    first.write(jobs=3)
    second.write(jobs=4)
    processes = SpoolProcesses(tmp_path, "")
    processes.look()
    page = processes.page(name_of(first))
    assert page is not None
    assert 'jobs_total{model="sdxl"} 3\n' in page.render(TEXT_0_0_4).decode()
    assert page.render(TEXT_0_0_4, frozenset({"other"})) == b""


def test_a_process_that_ended_meanwhile_has_nothing_to_tell(tmp_path: Path) -> None:
    """Its file is folded, or cannot be read."""
    assert ProcessPage(tmp_path / "gone.worker").render(TEXT_0_0_4) == b""
    (tmp_path / "torn.worker").write_bytes(b"torn")
    assert ProcessPage(tmp_path / "torn.worker").render(TEXT_0_0_4) == b""


def test_changes_are_told_once(tmp_path: Path) -> None:
    """At first, whoever there is; then only what is new. Who could not be told is told again."""
    told: list[list[str]] = []
    processes = SpoolProcesses(tmp_path, "")
    faults = iter([OSError(), None, None, None])

    def tell(names: object) -> None:
        if (fault := next(faults)) is not None:
            raise fault
        told.append(list(names))  # type: ignore[call-overload]

    with lenient():
        processes.start(tell)
    assert told == []
    assert guard.internal_errors() == {"spool.processes": 1}
    for _ in range(2):
        processes.look()
    assert told == [[]]
    worker = FakeWorker(tmp_path)
    worker.write(jobs=1)
    for _ in range(2):
        processes.look()
    assert told == [[], [name_of(worker)]]
    processes.close()


def test_it_goes_on_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a thread, until it is closed."""
    monkeypatch.setattr(process_pages, "LOOK_SECONDS", 0.01)
    processes = SpoolProcesses(tmp_path, "")
    processes.start()
    worker = FakeWorker(tmp_path)
    worker.write(jobs=1)
    wait_for("the worker", processes.names)
    processes.close()
    SpoolProcesses(tmp_path, "").close()


def test_a_folder_that_is_gone_has_no_processes(tmp_path: Path) -> None:
    """Nor has one that is closed to us."""
    processes = SpoolProcesses(tmp_path / "gone", "")
    processes.look()
    assert processes.names() == ()
    os.mkfifo(tmp_path / "pipe.worker")
    (tmp_path / "away.worker").symlink_to("nowhere")
    processes = SpoolProcesses(tmp_path, "")
    processes.look()
    assert processes.names() == ()
