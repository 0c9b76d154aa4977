"""A worker's file is whole at every moment, locked at every moment, and rewritten only where it must be."""

from __future__ import annotations

import errno
import os

import pytest

from genotel.spool.folder import read_file
from genotel.spool.snapshot import HEADER_BYTES
from tests.unit.spool.conftest import JOBS, FakeWorker, number


def told(folder, worker):
    """Return what others read."""
    return read_file(folder / worker.name)


def test_what_is_written_is_there_under_the_lock_of_its_writer(tmp_path, now):
    """With the time of writing."""
    worker = FakeWorker(tmp_path, pid=7, clock=now.clock)
    worker.write(jobs=3)
    reading = told(tmp_path, worker)
    assert reading.is_live
    assert reading.header == (1, int(now.seconds * 1e9))
    assert reading.snapshot.pid == 7
    assert reading.snapshot.families[0].rows[0][1] == 3
    assert os.listdir(tmp_path) == [worker.name]


def test_its_name_says_whose_it_is_and_never_comes_again(tmp_path):
    """A pid does."""
    names = {FakeWorker(tmp_path).name for _ in range(10)}
    assert len(names) == 10
    assert all(name.startswith(f"{os.getpid()}-") and name.endswith(".worker") for name in names)


def test_the_same_values_are_not_written_again(tmp_path, now):
    """Only the time at which they were looked at."""
    worker = FakeWorker(tmp_path, clock=now.clock)
    worker.write(jobs=3)
    inode = os.stat(tmp_path / worker.name).st_ino
    now.seconds += 5
    worker.write(jobs=3)
    assert os.stat(tmp_path / worker.name).st_ino == inode
    assert told(tmp_path, worker).header == (1, int(now.seconds * 1e9))
    worker.write(jobs=4)
    assert told(tmp_path, worker).header.sequence == 2


def test_an_ended_worker_has_no_lock(tmp_path):
    """Its values stay."""
    worker = FakeWorker(tmp_path)
    worker.write(jobs=3)
    worker.kill()
    worker.kill()
    reading = told(tmp_path, worker)
    assert not reading.is_live
    assert reading.snapshot.families[0].rows[0][1] == 3


def test_a_file_that_somebody_deleted_is_written_again(tmp_path):
    """Also where no value changed."""
    worker = FakeWorker(tmp_path)
    worker.write(jobs=3)
    os.unlink(tmp_path / worker.name)
    worker.write(jobs=3)
    assert told(tmp_path, worker).is_live


def test_a_file_that_somebody_put_there_is_replaced(tmp_path):
    """It says nothing of this worker's life."""
    worker = FakeWorker(tmp_path)
    worker.write(jobs=3)
    (tmp_path / "copy").write_bytes((tmp_path / worker.name).read_bytes())
    os.rename(tmp_path / "copy", tmp_path / worker.name)
    worker.write(jobs=3)
    assert told(tmp_path, worker).is_live


def test_a_lock_that_somebody_closed_is_taken_again(tmp_path):
    """A daemon closes all descriptors that it does not know."""
    worker = FakeWorker(tmp_path)
    worker.write(jobs=3)
    os.close(worker.file._held._descriptor)
    assert not told(tmp_path, worker).is_live
    worker.write(jobs=3)
    assert told(tmp_path, worker).is_live


def test_nothing_is_beaten_before_the_first_writing(tmp_path):
    """There is no file to say it in."""
    assert FakeWorker(tmp_path).file.beat() is False


@pytest.mark.parametrize("fault", ["open", "write", "rename"])
def test_a_failed_writing_leaves_what_was_there(tmp_path, monkeypatch, fault):
    """A full disk, say: the values of before, whole and locked, and nothing half written beside them."""
    worker = FakeWorker(tmp_path)
    worker.write(jobs=3)

    def fail(*arguments, **_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, fault, fail)
        with pytest.raises(OSError, match="No space"):
            worker.write(jobs=4)
    reading = told(tmp_path, worker)
    assert reading.is_live
    assert reading.snapshot.families[0].rows[0][1] == 3
    assert os.listdir(tmp_path) == [worker.name]
    worker.write(jobs=4)
    assert told(tmp_path, worker).snapshot.families[0].rows[0][1] == 4


def test_a_write_in_pieces_is_whole(tmp_path, monkeypatch):
    """The system may take less than it was given."""
    worker = FakeWorker(tmp_path)
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:10]))
    worker.write([number(JOBS, 5)])
    monkeypatch.undo()
    assert told(tmp_path, worker).snapshot.families[0].rows[0][1] == 5
    assert os.stat(tmp_path / worker.name).st_size > HEADER_BYTES
