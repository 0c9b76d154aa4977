"""A folder is read as it was at one moment, whatever others do to it meanwhile."""

from __future__ import annotations

import os

import pytest

from genotel import guard
from genotel.spool import folder as folder_module
from genotel.spool.folder import ENDED_NAME, SpoolFolder, folding_lock, read_ended, read_file
from genotel.spool.folding import fold
from genotel.spool.snapshot import MAX_BYTES
from tests.unit.spool.conftest import FakeWorker


def jobs(contents):
    """Return the sum of all jobs."""
    readings = [contents.ended, *contents.workers]
    return sum(
        shared.rows[0][1]
        for reading in readings
        if reading is not None and reading.snapshot is not None
        for shared in reading.snapshot.families
    )


@pytest.fixture
def workers(tmp_path):
    """Return three workers with 1, 2 and 3 jobs."""
    made = [FakeWorker(tmp_path) for _ in range(3)]
    for count, worker in enumerate(made, 1):
        worker.write(jobs=count)
    return made


def test_every_worker_is_read_once(tmp_path, workers):
    """Living and ended, but not the one who reads."""
    workers[0].kill()
    contents = SpoolFolder(tmp_path).read()
    assert {(reading.name, reading.is_live) for reading in contents.workers} == {
        (worker.name, worker is not workers[0]) for worker in workers
    }
    assert contents.ended is None
    assert jobs(contents) == 6
    assert jobs(SpoolFolder(tmp_path).read(skip=workers[2].name)) == 3


def test_other_files_are_none_of_the_spools(tmp_path, workers):
    """Half written ones and a user's own."""
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "7-abc.worker.new").write_bytes(b"half")
    assert jobs(SpoolFolder(tmp_path).read()) == 6


def test_only_what_changed_is_read_again(tmp_path, workers):
    """The rest is what was read before."""
    spool = SpoolFolder(tmp_path)
    before = {reading.name: reading for reading in spool.read().workers}
    workers[0].write(jobs=9)
    after = {reading.name: reading for reading in spool.read().workers}
    assert after[workers[0].name].snapshot.families[0].rows[0][1] == 9
    assert after[workers[1].name].snapshot is before[workers[1].name].snapshot


def test_a_death_is_seen_although_nothing_changed(tmp_path, workers):
    """The lock is gone; the next reading takes an ended worker from memory."""
    spool = SpoolFolder(tmp_path)
    spool.read()
    workers[0].kill()
    [ended] = [reading for reading in spool.read().workers if not reading.is_live]
    assert ended.name == workers[0].name
    assert ended in spool.read().workers


def test_folded_workers_are_counted_by_the_file_of_ended_ones_only(tmp_path, workers):
    """Also where a file could not be deleted yet."""
    spool = SpoolFolder(tmp_path)
    for worker in workers:
        worker.kill()
    kept = (tmp_path / workers[0].name).read_bytes()
    assert fold(tmp_path) == 3
    (tmp_path / workers[0].name).write_bytes(kept)
    contents = spool.read()
    assert contents.workers == []
    assert jobs(contents) == 6


@pytest.mark.parametrize("moment", ["after the ended ones", "after the listing"])
def test_a_folding_meanwhile_spoils_no_reading(tmp_path, workers, monkeypatch, moment):
    """It is made again."""
    for worker in workers:
        worker.kill()
    listdir = os.listdir
    folds = iter([True])

    def list_while_folded(path):
        names = listdir(path)
        if next(folds, False):
            fold(tmp_path)
            if moment == "after the ended ones":
                names = listdir(path)
        return names

    monkeypatch.setattr(folder_module.os, "listdir", list_while_folded)
    contents = SpoolFolder(tmp_path).read()
    assert jobs(contents) == 6
    assert contents.workers == []


def test_folding_without_end_is_made_to_wait(tmp_path, monkeypatch):
    """A new worker ends and is folded at every listing, until the reader takes the lock."""
    listdir = os.listdir
    made = []

    def list_and_fold(path):
        names = listdir(path)
        monkeypatch.setattr(folder_module.os, "listdir", listdir)
        worker = FakeWorker(tmp_path)
        worker.write(jobs=1)
        worker.kill()
        made.append(fold(tmp_path))
        monkeypatch.setattr(folder_module.os, "listdir", list_and_fold)
        return names

    monkeypatch.setattr(folder_module.os, "listdir", list_and_fold)
    contents = SpoolFolder(tmp_path).read()
    assert sum(made) == 5
    assert jobs(contents) == 5


def test_files_that_vanish_without_folding_are_an_error(tmp_path, workers, monkeypatch):
    """Somebody else deletes them; nothing exact can be said."""
    listdir = os.listdir
    monkeypatch.setattr(folder_module.os, "listdir", lambda path: [*listdir(path), "0-gone.worker"])
    with pytest.raises(OSError, match="vanish"):
        SpoolFolder(tmp_path).read()


def test_one_process_folds(tmp_path):
    """Others wait or go."""
    held = folding_lock(tmp_path)
    with pytest.raises(BlockingIOError):
        folding_lock(tmp_path)
    held.close()
    folding_lock(tmp_path, wait=True).close()


@pytest.mark.parametrize(
    "spoil", [lambda data: b"", lambda data: data[:90], lambda data: data.replace(b"[[1]]", b"[1]")]
)
def test_a_corrupt_file_is_left_out_and_said_once(tmp_path, workers, spoil, caplog):
    """The others count; its name is not for the log."""
    path = tmp_path / workers[0].name
    path.write_bytes(spoil(path.read_bytes()))
    spool = SpoolFolder(tmp_path)
    for _ in range(3):
        contents = spool.read()
    assert jobs(contents) == 5
    assert [reading.snapshot for reading in contents.workers].count(None) == 1
    [record] = caplog.records
    assert "left out" in record.message
    assert workers[0].name not in record.message


def test_a_newer_workers_file_is_left_out_and_said(tmp_path, workers, caplog):
    """This genotel cannot know what it means."""
    path = tmp_path / workers[0].name
    path.write_bytes(path.read_bytes().replace(b"genotel-spool 0001", b"genotel-spool 0002"))
    contents = SpoolFolder(tmp_path).read()
    assert [reading.is_newer for reading in contents.workers].count(True) == 1
    assert "version 2" in caplog.text


def test_what_is_no_regular_file_is_left_out(tmp_path, workers):
    """A pipe would keep its reader waiting for ever."""
    os.mkfifo(tmp_path / "9-ab.worker")
    (tmp_path / "9-cd.worker").mkdir()
    contents = SpoolFolder(tmp_path).read()
    assert jobs(contents) == 6
    assert [reading.snapshot for reading in contents.workers].count(None) == 2


def test_a_file_larger_than_any_page_is_left_out(tmp_path, workers):
    """Before it is read."""
    with (tmp_path / "9-ab.worker").open("wb") as huge:
        huge.truncate(MAX_BYTES + 1)
    assert jobs(SpoolFolder(tmp_path).read()) == 6


def test_a_file_that_is_closed_to_us_is_left_out(tmp_path, workers, monkeypatch, caplog):
    """It is another user's."""
    open_file = os.open

    def refuse(path, *arguments):
        if str(path).endswith(workers[0].name):
            raise PermissionError(13, "Permission denied")
        return open_file(path, *arguments)

    monkeypatch.setattr(folder_module.os, "open", refuse)
    assert jobs(SpoolFolder(tmp_path).read()) == 5
    assert "PermissionError" in caplog.text
    guard.reset()


def test_the_values_of_the_living_need_not_be_read(tmp_path, workers):
    """Who folds wants to know only that they live."""
    reading = read_file(tmp_path / workers[0].name, live=False)
    assert (reading.is_live, reading.snapshot) == (True, None)
    workers[0].kill()
    assert read_file(tmp_path / workers[0].name, live=False).snapshot is not None


def test_a_file_that_is_replaced_while_it_is_opened_is_opened_again(tmp_path, workers, monkeypatch):
    """Its old inode has lost the lock; that is not a death."""
    open_file = os.open
    again = iter([True])

    def open_and_replace(path, *arguments):
        descriptor = open_file(path, *arguments)
        if next(again, False):
            workers[0].write(jobs=8)
        return descriptor

    monkeypatch.setattr(folder_module.os, "open", open_and_replace)
    reading = read_file(tmp_path / workers[0].name)
    assert reading.is_live
    assert reading.snapshot.families[0].rows[0][1] == 8


def test_there_is_no_file_of_ended_processes_before_one_is_folded(tmp_path):
    """None is no fault."""
    assert read_ended(tmp_path) is None
    assert ENDED_NAME not in os.listdir(tmp_path)


def test_a_folder_that_is_gone_is_an_error(tmp_path):
    """The page says so once and goes on with its own values."""
    with pytest.raises(FileNotFoundError):
        SpoolFolder(tmp_path / "gone").read()
