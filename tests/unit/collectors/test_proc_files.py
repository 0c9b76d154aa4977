"""Reading the kernel's files."""

from __future__ import annotations

import os

import pytest

from genotel.collectors.collector import NoData
from genotel.collectors.proc_files import ProcFiles, numbers_after_names


def test_a_file_longer_than_one_read_is_whole(tmp_path):
    """The kernel gives long files piece by piece."""
    content = os.urandom(200_000)
    (tmp_path / "long").write_bytes(content)
    assert ProcFiles(str(tmp_path)).read("long") == content


def test_an_empty_file_is_empty(tmp_path):
    """Nothing was read, and that is what is returned."""
    (tmp_path / "empty").touch()
    assert ProcFiles(str(tmp_path)).read("empty") == b""


def test_what_is_missing_is_no_data(tmp_path):
    """A missing file, a missing folder, and a file where a folder was expected."""
    (tmp_path / "file").touch()
    files = ProcFiles(str(tmp_path))
    for name in ("nothing", "file/below"):
        with pytest.raises(NoData):
            files.read(name)
        with pytest.raises(NoData):
            files.names(name)
        assert files.find(name) is None


def test_what_cannot_be_read_is_an_error(tmp_path):
    """A folder instead of a file is no missing source; the descriptor is closed all the same."""
    before = os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd") else []
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        ProcFiles(str(tmp_path)).read("folder")
    assert (os.listdir("/proc/self/fd") if before else []) == before


def test_sys_is_looked_up_beside(tmp_path):
    """Names below sys are found, missing ones are not."""
    (tmp_path / "block" / "sda").mkdir(parents=True)
    files = ProcFiles("/nowhere", str(tmp_path))
    assert files.sys_exists("block/sda")
    assert not files.sys_exists("block/sdb")


def test_lines_without_a_number_are_left_out():
    """A name alone has no value."""
    assert numbers_after_names(b"HugePages:\n\nMemFree: 5 kB\n") == {b"MemFree": 5}
