"""Folding loses nothing and counts nothing twice, whoever is killed at whatever moment."""

from __future__ import annotations

import errno
import os
import signal
import sys

import pytest

from genotel.spool import folding
from genotel.spool.folder import ENDED_NAME, SpoolFolder, folding_lock, read_ended
from genotel.spool.folding import fold
from genotel.spool.merge import Merger, Part
from genotel.spool.snapshot import header
from tests.unit.spool.conftest import JOBS, LOAD, FakeWorker, histogram, number


def page(folder):
    """Return family name to value as a page of this folder would have it."""
    contents = SpoolFolder(folder).read()
    parts = [
        Part(reading.snapshot.pid, reading.snapshot.families, reading.is_live, 0)
        for reading in (contents.ended, *contents.workers)
        if reading is not None and reading.snapshot is not None
    ]
    return {shared.family.name: shared.rows[0][1] for shared in Merger().merge(parts)}


def ended_workers(folder, count, first=1):
    """Leave the files of ended workers with 1, 2, 3 … jobs."""
    for jobs in range(first, first + count):
        worker = FakeWorker(folder, pid=jobs)
        worker.write([number(JOBS, jobs, model="sdxl"), number(LOAD, 0.5), histogram([jobs, 0, 0], 0.1 * jobs)])
        worker.kill()


def worker_files(folder):
    """Return the names of the workers' files."""
    return [name for name in os.listdir(folder) if name.endswith(".worker")]


def test_ended_workers_become_one_file(tmp_path):
    """Their totals stay, their gauges go, and so do their files."""
    ended_workers(tmp_path, 10)
    before = page(tmp_path)
    assert fold(tmp_path) == 10
    assert worker_files(tmp_path) == []
    assert page(tmp_path) == before
    assert page(tmp_path)["jobs"] == 55
    assert fold(tmp_path) == 0


def test_folding_goes_on_where_it_was(tmp_path):
    """A thousand workers later it is still one file with one row a series."""
    total = 0
    for first in range(1, 50, 7):
        ended_workers(tmp_path, 7, first)
        total += sum(range(first, first + 7))
        fold(tmp_path)
    assert page(tmp_path)["jobs"] == total
    ended = read_ended(tmp_path)
    assert ended.header.sequence == 7
    assert [len(shared.rows) for shared in ended.snapshot.families] == [1, 1]


def test_many_are_folded_a_batch_at_a_time(tmp_path):
    """So that a kill costs no more than the work of one batch."""
    ended_workers(tmp_path, 10)
    assert fold(tmp_path, batch=3) == 10
    assert read_ended(tmp_path).header.sequence == 4
    assert page(tmp_path)["jobs"] == 55


def test_the_work_can_be_limited(tmp_path):
    """A user's program has other things to do; the rest is for the next time."""
    ended_workers(tmp_path, 10)
    assert fold(tmp_path, batch=3, batches=2) == 6
    assert len(worker_files(tmp_path)) == 4
    assert page(tmp_path)["jobs"] == 55


def test_the_living_are_left_alone(tmp_path):
    """Whatever their pid is."""
    worker = FakeWorker(tmp_path)
    worker.write(jobs=7)
    ended_workers(tmp_path, 2)
    assert fold(tmp_path) == 2
    assert worker_files(tmp_path) == [worker.name]
    assert page(tmp_path)["jobs"] == 10


def test_nobody_folds_while_another_does(tmp_path):
    """The one who comes second has nothing to do."""
    ended_workers(tmp_path, 2)
    held = folding_lock(tmp_path)
    assert fold(tmp_path) == 0
    held.close()
    assert fold(tmp_path) == 2


def test_a_corrupt_workers_file_stays(tmp_path):
    """It is not this genotel's to delete."""
    ended_workers(tmp_path, 1)
    (tmp_path / "9-ab.worker").write_bytes(b"nothing of ours")
    assert fold(tmp_path) == 1
    assert worker_files(tmp_path) == ["9-ab.worker"]


def test_a_corrupt_file_of_ended_processes_is_set_aside(tmp_path, now, caplog):
    """Its counts begin again, and somebody may still look into it."""
    (tmp_path / ENDED_NAME).write_bytes(header(3, 1) + b"torn")
    ended_workers(tmp_path, 2)
    assert page(tmp_path)["jobs"] == 3
    assert fold(tmp_path, clock=now.clock) == 2
    assert (tmp_path / f"{ENDED_NAME}.corrupt-20231114T221320Z").read_bytes().endswith(b"torn")
    assert page(tmp_path)["jobs"] == 3
    assert "left out" in caplog.text


def test_a_newer_genotels_file_is_not_touched(tmp_path, caplog):
    """Nothing is folded into what cannot be read."""
    data = header(3, 1).replace(b"0001", b"0002", 1) + b"new"
    (tmp_path / ENDED_NAME).write_bytes(data)
    ended_workers(tmp_path, 2)
    assert fold(tmp_path) == 0
    assert (tmp_path / ENDED_NAME).read_bytes() == data
    assert len(worker_files(tmp_path)) == 2
    assert "version 2" in caplog.text


def test_a_half_written_file_is_deleted_when_it_is_old(tmp_path, now):
    """Its writer was killed; a young one may still be written."""
    for name, age in (("1-ab.worker.new", 61), ("2-cd.worker.new", 59)):
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (now.seconds - age,) * 2)
    fold(tmp_path, clock=now.clock)
    assert sorted(os.listdir(tmp_path)) == ["2-cd.worker.new", "folding.lock"]


def test_a_file_that_cannot_be_deleted_is_counted_once(tmp_path, monkeypatch, caplog):
    """Another user's, in a folder that protects it; it is tried again at every folding."""
    ended_workers(tmp_path, 3)
    kept = worker_files(tmp_path)[0]
    unlink = os.unlink

    def refuse(path):
        if str(path).endswith(kept):
            raise PermissionError(errno.EPERM, "Operation not permitted")
        unlink(path)

    monkeypatch.setattr(folding.os, "unlink", refuse)
    assert fold(tmp_path) == 3
    assert worker_files(tmp_path) == [kept]
    assert page(tmp_path)["jobs"] == 6
    ended_workers(tmp_path, 1, first=4)
    assert fold(tmp_path) == 1
    assert page(tmp_path)["jobs"] == 10
    monkeypatch.undo()
    assert fold(tmp_path) == 0
    assert worker_files(tmp_path) == []
    assert page(tmp_path)["jobs"] == 10
    assert caplog.text.count("cannot be deleted") == 1


@pytest.mark.parametrize("fault", ["fsync", "rename"])
def test_a_full_disk_loses_nothing(tmp_path, monkeypatch, fault):
    """The workers' files stay until the new one is safe."""
    ended_workers(tmp_path, 3)

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(folding.os, fault, fail)
        with pytest.raises(OSError, match="No space"):
            fold(tmp_path)
    assert page(tmp_path)["jobs"] == 6
    assert fold(tmp_path) == 3
    assert page(tmp_path)["jobs"] == 6


def fold_until(folder, line):
    """Fold in a child that is killed before the ``line``-th line of folding.py that it runs; say if it was."""
    pid = os.fork()
    if pid == 0:
        left = line

        def count(frame, event, argument):
            nonlocal left
            if frame.f_code.co_filename != folding.__file__:
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return count

        try:
            sys.settrace(count)
            fold(folder, batch=2)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_a_kill_at_any_line_loses_nothing_and_counts_nothing_twice(tmp_path, monkeypatch):
    """At every single step: readers see the same before, between and after, and the next folding ends it."""
    # A disk is slow, and a kill is no power cut.
    monkeypatch.setattr(folding.os, "fsync", lambda _: None)
    line = 0
    while True:
        line += 1
        folder = tmp_path / str(line)
        folder.mkdir()
        ended_workers(folder, 2)
        fold(folder)
        ended_workers(folder, 3, first=3)
        before = page(folder)
        assert before["jobs"] == 15
        was_killed = fold_until(folder, line)
        assert page(folder) == before
        fold(folder)
        assert page(folder) == before
        assert worker_files(folder) == []
        if not was_killed:
            break
    assert line > 60
