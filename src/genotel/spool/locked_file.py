"""An open file whose lock says that this process lives.

The system takes the lock away when the process ends, however it ends: no pid to be used again, no
clock, no namespace to look into. A lock is shared with forked children, who would go on holding
their parent's; so each child closes what it inherited before it does anything else.
"""

from __future__ import annotations

import fcntl
import os
import weakref

_open: weakref.WeakSet[LockedFile] = weakref.WeakSet()
_is_registered = False


class LockedFile:
    """Hold a file locked until closed.

    Args:
        descriptor: of the open file, which belongs to this object from now on.
        wait: wait for another holder instead of raising.

    Raises:
        BlockingIOError: somebody else holds the lock.
    """

    def __init__(self, descriptor: int, *, wait: bool = False) -> None:
        global _is_registered
        if not _is_registered:
            _is_registered = True
            os.register_at_fork(after_in_child=_let_go_of_parents_files)
        self._descriptor: int | None = descriptor
        _open.add(self)
        try:
            self._identity = identity_of(os.fstat(descriptor))
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise
        except OSError:
            # A filesystem without locks: readers learn nothing, and take every process for a living one.
            pass

    @property
    def identity(self) -> tuple[int, int]:
        """Return device and inode."""
        return self._identity

    def is_open(self) -> bool:
        """Return whether the descriptor still is this file's: a daemon closes all that it does not know."""
        try:
            return self._descriptor is not None and identity_of(os.fstat(self._descriptor)) == self._identity
        except OSError:
            return False

    def close(self) -> None:
        """Let go of the file; what else may have its number by now stays open."""
        if self.is_open():
            assert self._descriptor is not None
            os.close(self._descriptor)
        self._descriptor = None
        _open.discard(self)


def identity_of(status: os.stat_result) -> tuple[int, int]:
    """Return device and inode of a file."""
    return status.st_dev, status.st_ino


def is_locked(descriptor: int) -> bool:
    """Say whether some process holds the lock of an open file; where nobody can know, it counts as held."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    except OSError:
        return True
    return False


def _let_go_of_parents_files() -> None:
    for file in list(_open):
        file.close()
