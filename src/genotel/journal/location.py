"""Where a journal may lie and what happens to its files: created private, never deleted.

A journal is refused on network filesystems: SQLite's write-ahead log keeps its index in shared
memory, which two machines do not share (https://www.sqlite.org/wal.html, "Disadvantages").
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from genotel.errors import JournalError

MOUNTS = Path("/proc/self/mounts")

# What SQLite keeps beside the file itself.
SIDE_FILES = ("-wal", "-shm")

_NETWORK_FILESYSTEMS = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "orangefs", "ncpfs"),
        *("ocfs2", "gfs2", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.ceph-fuse", "fuse.s3fs"),
        *(
            "fuse.gcsfuse",
            "fuse.rclone",
            "fuse.juicefs",
            "fuse.mount-s3",
            "fuse.blobfuse2",
            "fuse.davfs",
            "fuse.smbnetfs",
        ),
    }
)


def refuse_network_filesystem(path: Path, mounts: Path = MOUNTS) -> None:
    """Raise where ``path`` would lie on a filesystem that several machines share.

    Raises:
        JournalError: naming the kind of filesystem and where it is mounted.
    """
    found = network_mount(path, mounts)
    if found is not None:
        raise JournalError(
            f"lies on {found[0]}, a network filesystem ({found[1]}) on which SQLite loses data; name a local file",
            file=str(path),
        )


def network_mount(path: Path, mounts: Path = MOUNTS) -> tuple[str, str] | None:
    """Return mount point and kind of the network filesystem that a path lies on; None for a local one."""
    found = _mount_of(path, mounts)
    return found if found is not None and found[1] in _NETWORK_FILESYSTEMS else None


def make_private(path: Path) -> None:
    """Create the folder (0700) and the file (0600) of a journal where they do not exist.

    SQLite gives its side files the mode of the file. What exists already keeps its mode: somebody
    may have opened it to a group on purpose.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def set_aside(path: Path, now: float) -> Path:
    """Rename a corrupt journal and its side files, and return the new name.

    Args:
        path: the journal.
        now: Unix time, for the name.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    number = 0
    while True:
        suffix = f"-{number}" if number else ""
        target = path.with_name(f"{path.name}.corrupt-{stamp}{suffix}")
        if not target.exists():
            break
        number += 1
    # The log first: a fresh file must never meet the log of the corrupt one.
    for side in (*SIDE_FILES, ""):
        source = path.with_name(path.name + side)
        if source.exists():
            source.rename(target.with_name(target.name + side))
    return target


def size_bytes(path: Path) -> int:
    """Return the size of the journal and its side files, in bytes; what does not exist is 0."""
    total = 0
    for side in ("", *SIDE_FILES):
        try:
            total += path.with_name(path.name + side).stat().st_size
        except OSError:
            continue
    return total


def _mount_of(path: Path, mounts: Path) -> tuple[str, str] | None:
    # The mount with the longest prefix of the real path; of equal ones the last hides the others.
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    real = os.path.realpath(path)
    best: tuple[str, str] | None = None
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _unescape(fields[1])
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and (best is None or len(point) >= len(best[0])):
            best = (point, fields[2])
    return best


def _unescape(text: str) -> str:
    # proc(5): blank, tab, newline and backslash are written as \040, \011, \012 and \134.
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
