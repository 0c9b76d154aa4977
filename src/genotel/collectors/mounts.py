"""Which filesystems there are to measure: the mount table without what is not storage."""

from __future__ import annotations

import re
from typing import NamedTuple

# Kernel interfaces, and read-only images that are full by nature.
_PSEUDO_TYPES = frozenset(
    """
    autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs iso9660 mqueue
    nsfs proc pstore ramfs rootfs rpc_pipefs securityfs selinuxfs squashfs sysfs tracefs fuse.lxcfs fuse.portal
    fuse.gvfsd-fuse
    """.split()  # noqa: SIM905  (a table of words)
)
# Another machine answers for these, or does not; they are asked last.
_REMOTE_TYPES = frozenset(
    """
    9p afs beegfs ceph cifs fuse.glusterfs fuse.s3fs fuse.sshfs glusterfs gpfs lustre ncpfs nfs nfs4 smb3 smbfs
    """.split()  # noqa: SIM905  (as above)
)
# One mount per container, image layer or credential; what they hold is on a filesystem listed anyway.
_SKIPPED_PLACES = re.compile(
    r"(/proc|/sys|/run/credentials|/run/netns|/run/user|/run/containerd|/snap"
    r"|/var/lib/(docker|containers|containerd|kubelet))(/|$)"
)
_SHARED_MEMORY = "/dev/shm"  # noqa: S108  (no file is made there)
_ESCAPED = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """Name a mounted filesystem: device, place, type, and whether another machine serves it."""

    device: str
    mountpoint: str
    filesystem_type: str
    remote: bool


def storage_mounts(mountinfo: bytes) -> list[Mount]:
    """Return one mount per filesystem of a ``/proc/self/mountinfo``, remote ones last.

    A filesystem that is mounted at several places (bind mounts) is one filesystem: the whole one
    goes before a part of it, then the shortest place. Where places are stacked only the last one
    mounted can be seen. An ``overlay`` counts as the root of a container only, a ``tmpfs`` not
    below ``/dev`` unless it is ``/dev/shm``.

    Example:
        >>> storage_mounts(b"27 1 254:0 / / rw - ext4 /dev/vda rw\\n22 27 0:21 / /proc rw - proc proc rw\\n")
        [Mount(device='/dev/vda', mountpoint='/', filesystem_type='ext4', remote=False)]
    """
    visible: dict[str, tuple[str, bool, Mount]] = {}
    for line in mountinfo.decode("utf-8", "surrogateescape").splitlines():
        left, dash, right = line.partition(" - ")
        place, source = left.split(" "), right.split(" ")
        if not dash or len(place) < 5 or len(source) < 2:
            continue
        mountpoint = _unescape(place[4])
        # What is mounted over another hides it, even if it is not storage itself.
        visible.pop(mountpoint, None)
        kind = source[0]
        if _is_storage(kind, mountpoint):
            mount = Mount(_unescape(source[1]), mountpoint, kind, kind in _REMOTE_TYPES)
            visible[mountpoint] = (place[2], place[3] != "/", mount)
    chosen: dict[str, Mount] = {}
    for number, _, mount in sorted(visible.values(), key=lambda entry: (entry[1], len(entry[2].mountpoint), entry[2])):
        chosen.setdefault(number, mount)
    return sorted(chosen.values(), key=lambda mount: (mount.remote, mount.mountpoint))


def _is_storage(kind: str, mountpoint: str) -> bool:
    if kind in _PSEUDO_TYPES or _SKIPPED_PLACES.match(mountpoint):
        return False
    if kind == "overlay":
        return mountpoint == "/"
    return mountpoint == _SHARED_MEMORY or not mountpoint.startswith("/dev/")


def _unescape(text: str) -> str:
    """Return a name without the octal escapes that mountinfo has for blanks and backslashes."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), text) if "\\" in text else text
