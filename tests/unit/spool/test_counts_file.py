"""Counts in a mapped file: there whatever becomes of the process, and never more than was counted."""

from __future__ import annotations

import errno
import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.exposition.series import NumberSeries
from genotel.spool import counts_file
from genotel.spool.counts_file import MAX_BYTES, SEGMENT_BYTES, CountsFile, read_counts, with_counts
from genotel.spool.folder import SpoolFolder
from genotel.spool.folding import fold
from genotel.spool.snapshot import Encoder, decode, share
from tests.unit.spool.conftest import JOBS, LOAD, FakeWorker, number

SDXL = ("jobs", 'model="sdxl"')
FLUX = ("jobs", 'model="flux"')


@pytest.fixture
def path(tmp_path):
    """Return where counts may be kept."""
    return tmp_path / "7-ab.counts"


def test_what_is_counted_is_in_the_file(path):
    """At once, and without a system call."""
    counts = CountsFile(path).counts([SDXL, FLUX])
    assert [*counts] == [0, 0]
    counts[0] += 3
    counts[-1] += 1
    assert read_counts(path.read_bytes()) == {SDXL: 3, FLUX: 1}


def test_a_killed_process_has_lost_nothing(path):
    """Not even the last count before SIGKILL."""
    pid = os.fork()
    if pid == 0:
        counts = CountsFile(path).counts([SDXL])
        for _ in range(1000):
            counts[0] += 1
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert read_counts(path.read_bytes()) == {SDXL: 1000}


def test_a_file_grows_by_what_is_needed(path):
    """Earlier counts stay where they are; past the limit there is no more place."""
    file = CountsFile(path)
    labels = "x" * (SEGMENT_BYTES // 2)
    given_counts = []
    while (counts := file.counts([("jobs", f'model="{labels}{len(given_counts)}"')])) is not None:
        counts[0] += len(given_counts)
        given_counts.append(counts)
    assert len(given_counts) == MAX_BYTES // SEGMENT_BYTES
    assert os.stat(path).st_size == MAX_BYTES
    given_counts[1][0] += 5
    assert [*read_counts(path.read_bytes()).values()][:3] == [0, 6, 2]


def test_names_that_are_too_long_have_no_place(path):
    """They are counted in ordinary memory."""
    assert CountsFile(path).counts([("jobs", "x" * SEGMENT_BYTES)]) is None


@pytest.mark.parametrize("when", ["at the beginning", "later"])
def test_a_full_disk_is_seen_before_anything_is_mapped(path, monkeypatch, when):
    """A write to a mapped file on a full disk would end the program."""

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    if when == "at the beginning":
        monkeypatch.setattr(counts_file.os, "posix_fallocate", refuse)
        with pytest.raises(OSError, match="No space"):
            CountsFile(path)
    else:
        file = CountsFile(path)
        monkeypatch.setattr(counts_file.os, "posix_fallocate", refuse)
        names = [("jobs", "x" * (SEGMENT_BYTES - 100))]
        assert file.counts(names) is not None
        assert file.counts(names) is None


def test_no_descriptor_is_kept(path):
    """It would be passed on to children."""
    before = os.listdir("/proc/self/fd")
    CountsFile(path).counts([SDXL])
    assert os.listdir("/proc/self/fd") == before


def test_a_record_that_was_not_finished_is_none(path):
    """Its length is written last; its process was killed before."""
    file = CountsFile(path)
    file.counts([SDXL])[0] += 2
    finished = path.read_bytes()
    file.counts([FLUX])[0] += 9
    data = bytearray(path.read_bytes())
    at = next(index for index, (old, new) in enumerate(zip(finished, data, strict=True)) if old != new)
    assert 0 < data[at] < 100
    data[at] = 0
    assert read_counts(bytes(data)) == {SDXL: 2}


@given(st.binary(max_size=300))
def test_no_bytes_of_anybody_break_the_reader(data):
    """What comes out of it are counts that a page could have."""
    assert all(isinstance(count, int) and count >= 0 for count in read_counts(data).values())


@given(st.data())
def test_no_damage_breaks_the_reader(tmp_path_factory, data):
    """What is damaged ends the segment that it is in."""
    path = tmp_path_factory.mktemp("counts") / "7-ab.counts"
    file = CountsFile(path)
    for name in (SDXL, FLUX):
        file.counts([name, ("load", "")])[0] += 1
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, 160))] = data.draw(st.integers(0, 255))
    assert all('"' not in name and "\n" not in labels for name, labels in read_counts(bytes(damaged)))


def test_a_snapshot_gets_what_was_counted_after_it():
    """The greater one counts: a file that nobody could write to is behind."""
    blocks = [number(JOBS, 5, model="sdxl", created=1.0), number(LOAD, 0.5)]
    snapshot = decode(Encoder(7).encode(share(blocks)))
    later = with_counts(snapshot, {SDXL: 9, FLUX: 2, ("genotel_generation_requests", 'model="m"'): 1})
    jobs, load, requests = later.families
    assert [(row[0].labels, *row[1:]) for row in jobs.rows] == [('model="sdxl"', 9, 1.0), ('model="flux"', 2, None)]
    assert load == snapshot.families[1]
    assert requests.family.help.startswith("Finished generation calls")
    assert with_counts(snapshot, {SDXL: 3}).families[0].rows[0][1] == 5


def test_a_gauge_is_no_count():
    """Of the same name, in another program."""
    snapshot = decode(Encoder(7).encode(share([number(LOAD, 0.5)])))
    later = with_counts(snapshot, {("load", ""): 3})
    assert [(shared.family.kind, shared.rows[0][1]) for shared in later.families] == [("gauge", 0.5), ("counter", 3)]
    assert isinstance(later.families[1].rows[0][0], NumberSeries)


def jobs(folder):
    """Return the jobs on a page of this folder."""
    contents = SpoolFolder(folder).read()
    return sum(
        row[1]
        for reading in (contents.ended, *contents.workers)
        if reading is not None
        for shared in reading.snapshot.families
        for row in shared.rows
    )


def test_an_ended_worker_is_read_and_folded_with_its_counts(tmp_path):
    """While it lives, what it has written counts."""
    worker = FakeWorker(tmp_path)
    worker.write(jobs=2)
    counts = CountsFile(worker.file.counts_path).counts([SDXL])
    counts[0] = 7
    spool = SpoolFolder(tmp_path)
    assert jobs(tmp_path) == spool.read().workers[0].snapshot.families[0].rows[0][1] == 2
    worker.kill()
    assert jobs(tmp_path) == spool.read().workers[0].snapshot.families[0].rows[0][1] == 7
    assert fold(tmp_path) == 1
    assert jobs(tmp_path) == 7
    assert sorted(os.listdir(tmp_path)) == ["ended.spool", "folding.lock"]


def test_the_counts_of_a_file_that_is_already_counted_are_deleted_with_it(tmp_path, monkeypatch):
    """Its folding was killed before it could."""
    worker = FakeWorker(tmp_path)
    worker.write(jobs=2)
    CountsFile(worker.file.counts_path).counts([SDXL])[0] = 7
    worker.kill()
    with monkeypatch.context() as killed:
        killed.setattr("genotel.spool.folding._delete_worker", lambda _: False)
        fold(tmp_path)
    assert worker.file.counts_path.exists()
    fold(tmp_path)
    assert not worker.file.counts_path.exists()
    assert jobs(tmp_path) == 7
