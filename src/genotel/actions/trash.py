"""Move a model aside so that it can come back: a folder in the trash of its store, with an undo file.

What is to be moved is written down and fsynced before anything moves, each move is one rename on one
filesystem, and both ways can be begun again after a kill at any moment: nothing is ever in no place.
Files in the trash are called by number, so that no program takes them for models.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genotel.actions.beneath import opened, rename_without_replacing, split, state
from genotel.actions.removal import TRASH, Entry, Obstacle, RefusedError, Removal, identity_of
from genotel.actions.undo_file import UNDO, Undo, read_undo, undo_text
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.errors import InputError

_FILES = "files"
# A folder that is being emptied: what is left of it cannot come back.
_EMPTIED = ".emptied"


@dataclass(frozen=True, slots=True)
class Trashed:
    """Name what lies in a trash: its undo file and what that says."""

    undo_file: Path
    undo: Undo


@dataclass(frozen=True, slots=True)
class Restored:
    """Say what an undo did: how many paths are back, and which could not go back since something is there."""

    model: str
    restored: int
    in_the_way: tuple[str, ...]


def move_to_trash(removal: Removal, clock: Clock = SYSTEM_CLOCK) -> Path:
    """Move a model into the trash of its store, and return its undo file.

    Raises:
        RefusedError: a file changed since it was planned, or cannot be moved; then all is where it was.
    """
    now = clock.wall()
    name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}-{secrets.token_hex(4)}"
    undo_file = Path(removal.root, TRASH, name, UNDO)
    undo = Undo(removal.model, removal.location, now, removal.freed_bytes, removal.entries)
    try:
        with opened(removal.root, (TRASH, name), create=True) as folder:
            _write(folder, undo_text(undo))
            with opened(folder, (_FILES,), create=True) as files:
                _move(removal, files)
    except RefusedError:
        restore(undo_file)
        raise
    except OSError as error:
        with contextlib.suppress(InputError, OSError):
            restore(undo_file)
        raise RefusedError(Obstacle.NO_ACCESS, f"{error.strerror}: {error.filename or removal.root}") from error
    return undo_file


def _move(removal: Removal, files: int) -> None:
    for number, entry in enumerate(removal.entries):
        folders, name = split(entry.path)
        with opened(removal.root, folders) as folder:
            if not _is_unchanged(removal.root, entry):
                raise RefusedError(Obstacle.CHANGED, f"{entry.path} changed while it was looked at")
            os.rename(name, str(number), src_dir_fd=folder, dst_dir_fd=files)
            os.fsync(folder)
    os.fsync(files)


def _is_unchanged(root: str, entry: Entry) -> bool:
    try:
        return identity_of(os.path.join(root, entry.path)) == (entry.device, entry.inode, entry.fingerprint)
    except OSError:
        return False


def restore(undo_file: Path) -> Restored:
    """Move everything back that an undo file names; may be begun again after it was cut off.

    What was never moved or is back already counts as restored. Where something new lies in the old
    place, that stays and the old file stays in the trash.

    Raises:
        InputError: it is no undo file in a trash, or what it names is gone.
        OSError: a folder cannot be written.
    """
    undo = read_undo(undo_file)
    root, name = undo_file.parent.parent.parent, undo_file.parent.name
    in_the_way: list[str] = []
    with opened(str(root), (TRASH, name)) as folder, _files_of(folder) as files:
        for number, entry in enumerate(undo.entries):
            if not _put_back(str(root), files, str(number), entry, undo_file):
                in_the_way.append(entry.path)
    restored = len(undo.entries) - len(in_the_way)
    if not in_the_way:
        _forget(undo_file)
    return Restored(undo.model, restored, tuple(in_the_way))


@contextlib.contextmanager
def _files_of(folder: int) -> Iterator[int | None]:
    try:
        with opened(folder, (_FILES,)) as files:
            yield files
    except FileNotFoundError:
        # Killed before anything moved.
        yield None


def _put_back(root: str, files: int | None, number: str, entry: Entry, undo_file: Path) -> bool:
    folders, name = split(entry.path)
    trashed = None if files is None else state(files, number)
    with opened(root, folders, create=trashed is not None) as folder:
        there = state(folder, name)
        if trashed is None or files is None:
            if there is None:
                raise InputError(f"{entry.path} is neither there nor in the trash", file=str(undo_file))
            return True
        if there is not None and (there.st_dev, there.st_ino) == (trashed.st_dev, trashed.st_ino):
            # Killed between the two halves of going back: it has both names.
            os.unlink(number, dir_fd=files)
            return True
        try:
            rename_without_replacing(files, number, folder, name)
        except OSError as error:
            if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
                raise
            return False
        os.fsync(folder)
    return True


def _forget(undo_file: Path) -> None:
    """Remove an emptied folder of a trash; the undo file goes last but the folder itself."""
    for remove, path in ((os.rmdir, undo_file.parent / _FILES), (os.unlink, undo_file), (os.rmdir, undo_file.parent)):
        with contextlib.suppress(FileNotFoundError):
            remove(path)
    with contextlib.suppress(OSError):
        os.rmdir(undo_file.parent.parent)  # others may lie in it


def trashed_in(root: Path) -> list[Trashed]:
    """Return what lies in the trash of a store, the oldest first; a folder that cannot be read is left out."""
    found: list[Trashed] = []
    for undo_file in sorted((root / TRASH).glob(f"*/{UNDO}")):
        with contextlib.suppress(InputError):
            found.append(Trashed(undo_file, read_undo(undo_file)))
    return found


def empty(trashed: Trashed) -> None:
    """Delete for good what lies in one folder of a trash.

    Raises:
        OSError: it cannot be deleted.
    """
    folder = trashed.undo_file.parent
    # Half of a model must never come back as a whole one.
    gone = folder.with_name(f"{folder.name}{_EMPTIED}")
    folder.rename(gone)
    _delete(gone)


def finish_emptying(root: Path) -> None:
    """Delete what a killed emptying left, so that its bytes come free."""
    for folder in sorted((root / TRASH).glob(f"*{_EMPTIED}")):
        _delete(folder)


def _delete(folder: Path) -> None:
    shutil.rmtree(folder)  # follows no links
    with contextlib.suppress(OSError):
        os.rmdir(folder.parent)


def _write(folder: int, text: str) -> None:
    descriptor = os.open(f"{UNDO}.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    os.rename(f"{UNDO}.new", UNDO, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)
