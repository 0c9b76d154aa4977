"""Open folders and rename within them so that no link can lead out of a root, whoever changes it meanwhile.

Every part of a path is opened on its own, relative to the one before, and never through a link.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Filesystems without hard links say one of these.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})


def split(path: str) -> tuple[tuple[str, ...], str]:
    """Return the folders and the last part of a path below a root.

    Raises:
        ValueError: the path leads out of the root, or is no plain one.

    Example:
        >>> split("unet/model.bin")
        (('unet',), 'model.bin')
    """
    parts = tuple(path.split("/"))
    if any(part in {"", ".", ".."} for part in parts) or "\0" in path:
        raise ValueError("a path below a folder has plain parts only")
    return parts[:-1], parts[-1]


@contextmanager
def opened(root: int | str, folders: tuple[str, ...], *, create: bool = False) -> Iterator[int]:
    """Open a folder below a root and close it again.

    Args:
        root: its descriptor, or its path, whose own links are followed.
        folders: the parts below it.
        create: make what is missing, for this user only.

    Raises:
        OSError: a part is missing, a link, or no folder.
    """
    here = os.dup(root) if isinstance(root, int) else os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folders:
            if create:
                _make(here, part)
            below = os.open(part, _FOLDER, dir_fd=here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)


def state(folder: int, name: str) -> os.stat_result | None:
    """Return what an entry of an open folder is, links not followed; None where there is none."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def rename_without_replacing(source: int, name: str, target: int, new_name: str) -> None:
    """Rename an entry from one open folder to another, where nothing of that name may be.

    Raises:
        FileExistsError: there is something.
        OSError: as ``rename``.
    """
    found = os.stat(name, dir_fd=source, follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode):
        try:
            # A link is refused where a name is taken; a rename would replace it.
            os.link(name, new_name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            os.unlink(name, dir_fd=source)
            return
    if state(target, new_name) is not None:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new_name)
    os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)


def _make(folder: int, name: str) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
    except FileExistsError:
        return
    os.fsync(folder)
