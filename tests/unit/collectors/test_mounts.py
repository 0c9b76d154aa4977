"""The mount table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.collectors.mounts import Mount, storage_mounts


def _table(*mounts):
    """Return a mount table of (number, root, place, type, device)."""
    lines = (f"1 2 {number} {root} {place} rw - {kind} {device} rw\n" for number, root, place, kind, device in mounts)
    return "".join(lines).encode("utf-8", "surrogateescape")


def test_the_fixture_machine_has_four_filesystems(machine):
    """Pseudo filesystems, images, container layers, bind mounts and hidden mounts are left out."""
    assert storage_mounts(machine.read("self/mountinfo")) == [
        Mount("/dev/mapper/vg-root", "/", "ext4", False),
        Mount("/dev/nvme0n1p1", "/data", "xfs", False),
        Mount("tmpfs", "/dev/shm", "tmpfs", False),
        Mount("nas:/models", "/mnt/model store", "nfs4", True),
    ]


@pytest.mark.parametrize(
    ("kind", "place", "kept"),
    [
        ("overlay", "/", True),
        ("overlay", "/var/lib/docker/overlay2/x/merged", False),
        ("overlay", "/other", False),
        ("tmpfs", "/dev/shm", True),
        ("tmpfs", "/dev/other", False),
        ("tmpfs", "/tmp", True),
        ("tmpfs", "/run/user/1000", False),
        ("ext4", "/devices", True),
        ("ext4", "/var/lib/dockers", True),
        ("zfs", "/tank", True),
        ("fuse.sshfs", "/far", True),
        ("cgroup2", "/sys/fs/cgroup", False),
        ("proc", "/somewhere/proc", False),
    ],
)
def test_what_counts_as_storage(kind, place, kept):
    """The type decides, and for some types the place."""
    assert bool(storage_mounts(_table(("0:1", "/", place, kind, "x")))) is kept


def test_one_filesystem_is_one_mount():
    """The whole one goes before a part, then the shortest place, whatever the order of mounting."""
    table = _table(
        ("8:1", "/sub", "/b", "ext4", "/dev/sda1"),
        ("8:1", "/", "/long/place", "ext4", "/dev/sda1"),
        ("8:1", "/", "/place", "ext4", "/dev/sda1"),
        ("8:2", "/etc/hosts", "/etc/hosts", "ext4", "/dev/sda2"),
    )
    assert [mount.mountpoint for mount in storage_mounts(table)] == ["/etc/hosts", "/place"]


def test_remote_filesystems_are_asked_last():
    """A dead file server must not delay the local disks."""
    table = _table(("0:9", "/", "/a", "nfs4", "nas:/x"), ("8:1", "/", "/b", "ext4", "/dev/sda1"))
    assert [mount.mountpoint for mount in storage_mounts(table)] == ["/b", "/a"]


def test_names_that_are_not_utf8_are_kept():
    """A label is made of them later, with a replacement for each byte."""
    assert storage_mounts(_table(("8:1", "/", "/\udcff", "ext4", "d")))[0].mountpoint == "/\udcff"


def test_lines_that_are_not_mounts_are_left_out():
    """A cut-off table gives what is whole."""
    whole = _table(("8:1", "/", "/", "ext4", "/dev/sda1"))
    assert len(storage_mounts(whole + b"1 2 8:2 / /half rw\n1 2 - ext4\n1 2 8:3 / /x rw - ext4\n\n")) == 1


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1))
def test_escaped_names_come_back(name):
    """What the kernel escapes (blank, tab, backslash) is read as it was."""
    place = "/" + name
    escaped = place.replace("\\", r"\134").replace(" ", r"\040").replace("\t", r"\011")
    # Only the line separators that Python knows beside "\n" are escaped here too: the kernel splits at "\n".
    mounts = storage_mounts(_table(("8:1", "/", escaped, "ext4", "d")))
    assert [mount.mountpoint for mount in mounts] in ([place], [])
