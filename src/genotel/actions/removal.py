"""Plan what to move so that one model goes and no other loses a file; nothing is changed here."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Set
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from genotel.actions.model_places import ModelPlace, real_paths
from genotel.collectors.model_formats import LEAST_BYTES
from genotel.collectors.model_inventory import keeps_reads
from genotel.journal.location import MOUNTS, network_mount

# The folder of a store that takes what was removed; the inventory passes by what begins with a dot.
TRASH = ".genotel-trash"


class Obstacle(StrEnum):
    """Name why a model is not moved."""

    NOT_ON_THIS_MACHINE = "not_on_this_machine"
    SHARED_FILESYSTEM = "shared_filesystem"
    REACHED_BY_LINK = "reached_by_link"
    OTHER_FILESYSTEM = "other_filesystem"
    STORE_UNREADABLE = "store_unreadable"
    FILES_OF_OTHERS = "files_of_others"
    READ_SINCE = "read_since"
    USED_SINCE = "used_since"
    IN_USE = "in_use"
    CHANGED = "changed"
    NO_ACCESS = "no_access"


class RefusedError(Exception):
    """Say that a model stays where it is, and why; ``detail`` is for people."""

    def __init__(self, obstacle: Obstacle, detail: str) -> None:
        super().__init__(detail)
        self.obstacle = obstacle
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Entry:
    """Name one file or folder that is moved as a whole.

    Attributes:
        path: below the root.
        device, inode: what it is.
        fingerprint: of everything in it; another one tells that something changed.
    """

    path: str
    device: int
    inode: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Removal:
    """Hold what to move for one model in one store.

    Attributes:
        model, location, root: as of its place.
        entries: what is moved, each a file or a folder.
        files: how many files there are in it.
        freed_bytes: what emptying the trash gives back; files with another name elsewhere are not in it.
        kept: the paths that stay, since other models have them too.
        last_read: Unix time at which its weights were last read; None where that is not kept.
        last_modified: Unix time at which its files were last written.
        identities: (device, inode) of its files.
    """

    model: str
    location: str
    root: str
    entries: tuple[Entry, ...]
    files: int
    freed_bytes: int
    kept: tuple[str, ...]
    last_read: float | None
    last_modified: float
    identities: frozenset[tuple[int, int]]


def plan_removal(place: ModelPlace, needed: Set[str], mounts: Path = MOUNTS) -> Removal:
    """Return what to move for a model.

    Args:
        place: where it lies.
        needed: the real paths of every other model, which stay.
        mounts: the table of mounted filesystems.

    Raises:
        RefusedError: it must stay.
    """
    root = place.root
    found = network_mount(Path(root), mounts)
    if found is not None:
        raise RefusedError(
            Obstacle.SHARED_FILESYSTEM,
            f"{root} lies on {found[0]}, a network filesystem ({found[1]}): other machines may use what is there",
        )
    if not place.is_complete:
        raise RefusedError(Obstacle.STORE_UNREADABLE, f"a part of {root} cannot be read, which may share its files")
    try:
        device = os.stat(root).st_dev
        paths = [part for path in place.paths for part in _parts(_beneath(root, path), root, needed, device)]
        entries = tuple(Entry(os.path.relpath(path, root), *identity_of(path)) for path in paths)
        kept = tuple(sorted({path for path in real_paths(place) if path in needed or _is_in_any(path, needed)}))
        figures = _Figures()
        for path in paths:
            figures.add(path, device)
    except OSError as error:
        raise RefusedError(Obstacle.NO_ACCESS, f"{error.strerror}: {error.filename or root}") from error
    if not figures.identities:
        raise RefusedError(Obstacle.FILES_OF_OTHERS, "every file of it belongs to another model too")
    return Removal(
        model=place.model,
        location=place.location,
        root=root,
        entries=entries,
        files=len(figures.identities),
        freed_bytes=figures.freed_bytes,
        kept=kept,
        last_read=figures.last_read if _keeps_reads(root) else None,
        last_modified=figures.last_modified,
        identities=frozenset(figures.identities),
    )


def _beneath(root: str, path: str) -> str:
    """Return a path whose folders are no links.

    Raises:
        RefusedError: it is a link itself, or lies outside of the root.
    """
    if path.rstrip("/") == root or os.path.realpath(path) == root:
        return root
    folder = os.path.realpath(os.path.dirname(path.rstrip("/")))
    real = os.path.join(folder, os.path.basename(path.rstrip("/")))
    if os.path.islink(real) or not real.startswith(root.rstrip("/") + "/"):
        raise RefusedError(Obstacle.REACHED_BY_LINK, f"{path} is a link, or lies outside of {root}")
    return real


def _parts(path: str, root: str, needed: Set[str], device: int) -> Iterator[str]:
    """Yield the largest parts of a path that hold nothing which must stay."""
    found = os.lstat(path)
    if found.st_dev != device:
        raise RefusedError(Obstacle.OTHER_FILESYSTEM, f"{path} lies on another filesystem than {root}")
    if path in needed or _is_in_any(path, needed):
        return
    is_whole = path != root and not any(other.startswith(f"{path}/") for other in needed)
    if is_whole or not stat.S_ISDIR(found.st_mode):
        yield path
        return
    for name in sorted(os.listdir(path)):
        if name != TRASH:
            yield from _parts(os.path.join(path, name), root, needed, device)


def _is_in_any(path: str, needed: Set[str]) -> bool:
    folder = os.path.dirname(path)
    while folder != path:
        if folder in needed:
            return True
        path, folder = folder, os.path.dirname(folder)
    return False


def identity_of(path: str) -> tuple[int, int, str]:
    """Return device, inode and fingerprint of a file or folder, no link followed.

    The fingerprint is made of what names, sizes, times of writing and inodes say of everything in it.

    Raises:
        OSError: it is gone or cannot be read.
    """
    digest = hashlib.sha256()
    for name, found in _everything(path):
        fields = (found.st_mode, found.st_ino, found.st_size if stat.S_ISREG(found.st_mode) else 0, found.st_mtime_ns)
        digest.update(os.fsencode(name) + b"\0" + repr(fields).encode())
    top = os.lstat(path)
    return top.st_dev, top.st_ino, digest.hexdigest()


def _everything(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the names below a path, and what they are, in one order on every machine."""
    yield "", os.lstat(path)
    if os.path.islink(path) or not os.path.isdir(path):
        return
    for folder, folders, files in os.walk(path, onerror=_raise):
        folders.sort()
        for name in sorted((*folders, *files)):
            whole = os.path.join(folder, name)
            yield os.path.relpath(whole, path), os.lstat(whole)


class _Figures:
    """Add up what is moved."""

    def __init__(self) -> None:
        self.identities: set[tuple[int, int]] = set()
        self.freed_bytes = 0
        self.last_read: float | None = None
        self.last_modified = 0.0
        self._names_left: dict[tuple[int, int], int] = {}

    def add(self, path: str, device: int) -> None:
        for name, found in _everything(path):
            if found.st_dev != device:
                raise RefusedError(Obstacle.OTHER_FILESYSTEM, f"{os.path.join(path, name)} is mounted from elsewhere")
            if not stat.S_ISREG(found.st_mode):
                continue
            identity = found.st_dev, found.st_ino
            self.identities.add(identity)
            # The bytes of a file go with its last name.
            left = self._names_left[identity] = self._names_left.get(identity, found.st_nlink) - 1
            self.freed_bytes += 0 if left else found.st_size
            self.last_modified = max(self.last_modified, found.st_mtime)
            if found.st_size >= LEAST_BYTES:
                self.last_read = max(self.last_read or 0.0, found.st_atime)


def _keeps_reads(root: str) -> bool:
    try:
        return keeps_reads(root, Path("/proc/self/mountinfo").read_bytes())
    except OSError:
        return False


def _raise(error: OSError) -> None:
    raise error
