"""A journal lies on a local disk, is private, and is never deleted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genotel.errors import JournalError
from genotel.journal.location import make_private, refuse_network_filesystem, set_aside, size_bytes
from tests.unit.journal.conftest import DAY

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
//server/share /mnt/my\\040share cifs rw 0 0
sshfs /mnt/remote fuse.sshfs rw 0 0
drive /mnt/drive 9p rw 0 0
/dev/sdc1 /over ext4 rw 0 0
server:/over /over nfs rw 0 0
broken
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    """A machine with disks of many kinds."""
    file = tmp_path / "mounts"
    file.write_text(MOUNTS)
    return file


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/ann/journal.db", "nfs4"),
        ("/mnt/my share/journal.db", "cifs"),
        ("/mnt/remote/a/b/journal.db", "fuse.sshfs"),
        ("/mnt/drive/journal.db", "9p"),
        ("/over/journal.db", "nfs"),
    ],
)
def test_a_network_filesystem_is_refused_by_name(mounts: Path, path: str, kind: str) -> None:
    """The line says where it is mounted and what it is; a later mount hides an earlier one."""
    with pytest.raises(JournalError, match=rf"^{path}: lies on /.* network filesystem \({kind}\)"):
        refuse_network_filesystem(Path(path), mounts)


@pytest.mark.parametrize("path", ["/journal.db", "/home/local/journal.db", "/homestead/journal.db", "/mnt/journal.db"])
def test_a_local_disk_below_or_beside_a_network_one_is_taken(mounts: Path, path: str) -> None:
    """The longest mount point counts, by whole names."""
    refuse_network_filesystem(Path(path), mounts)


def test_the_real_path_counts(mounts: Path, tmp_path: Path) -> None:
    """A link to a network filesystem does not hide it."""
    link = tmp_path / "link"
    link.symlink_to("/home/ann")
    with pytest.raises(JournalError, match="nfs4"):
        refuse_network_filesystem(link / "journal.db", mounts)


def test_a_system_without_a_table_of_mounts_is_trusted(tmp_path: Path) -> None:
    """Not every system has one."""
    refuse_network_filesystem(tmp_path / "journal.db", tmp_path / "absent")


def test_file_and_folder_are_made_for_their_owner_only(tmp_path: Path) -> None:
    """0600 in 0700, whatever the umask allows."""
    before = os.umask(0)
    try:
        make_private(tmp_path / "state" / "journal.db")
    finally:
        os.umask(before)
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / "journal.db").stat().st_mode & 0o777 == 0o600


def test_modes_that_somebody_chose_are_kept(tmp_path: Path) -> None:
    """A journal that was opened to a group stays so."""
    file = tmp_path / "journal.db"
    file.write_bytes(b"kept")
    file.chmod(0o640)
    make_private(file)
    assert file.stat().st_mode & 0o777 == 0o640
    assert file.read_bytes() == b"kept"


def test_a_file_is_set_aside_with_its_log(tmp_path: Path) -> None:
    """Nothing is deleted, nothing is overwritten, and a second one in the same second finds a name."""
    file = tmp_path / "journal.db"
    for content in (b"first", b"second"):
        for side in ("", "-wal"):
            file.with_name(file.name + side).write_bytes(content)
        target = set_aside(file, DAY)
        assert target.read_bytes() == content
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "journal.db.corrupt-20260302T000000Z",
        "journal.db.corrupt-20260302T000000Z-1",
        "journal.db.corrupt-20260302T000000Z-1-wal",
        "journal.db.corrupt-20260302T000000Z-wal",
    ]


def test_the_size_is_that_of_all_files(tmp_path: Path) -> None:
    """The log counts; a file that is not there is 0."""
    file = tmp_path / "journal.db"
    assert size_bytes(file) == 0
    file.write_bytes(b"1234")
    file.with_name("journal.db-wal").write_bytes(b"12")
    assert size_bytes(file) == 6
