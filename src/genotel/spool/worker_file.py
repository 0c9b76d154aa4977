"""The file of this process: replaced as a whole, locked as long as the process lives.

Every writing makes a new file beside, locks it and gives it the name; so whoever opens the name sees
one whole writing, and the lock of its writer. It is not synced to the disk: it has to survive the
process, not the machine.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.spool.locked_file import LockedFile, identity_of
from genotel.spool.snapshot import HEARTBEAT_OFFSET, header

WORKER_SUFFIX = ".worker"
# Beside it, where calls are counted in memory that outlives the process.
COUNTS_SUFFIX = ".counts"
NEW_SUFFIX = ".new"


class WorkerFile:
    """Write the values of this process.

    Args:
        folder: of the spool; it must exist.
        clock: wall time for the heartbeat.
    """

    def __init__(self, folder: Path, clock: Clock = SYSTEM_CLOCK) -> None:
        self.name = f"{os.getpid()}-{os.urandom(8).hex()}{WORKER_SUFFIX}"
        self._path = folder / self.name
        self._new = folder / (self.name + NEW_SUFFIX)
        self.counts_path = counts_path(self._path)
        self._clock = clock
        self._held: LockedFile | None = None
        self._body = b""
        self._sequence = 0

    def write(self, body: bytes) -> None:
        """Replace what is in the file; where that is nothing new, only say that this process still looks.

        Raises:
            OSError: the folder is gone, full or not ours; what was in the file before is still there.
        """
        if body == self._body and self.beat():
            return
        descriptor = os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        held = LockedFile(descriptor)
        try:
            data = header(self._sequence + 1, self._now()) + body
            written = 0
            while written < len(data):
                written += os.write(descriptor, data[written:])
            # From here on readers see the new values and the new lock at once.
            os.rename(self._new, self._path)
        except BaseException:
            held.close()
            with suppress(OSError):
                os.unlink(self._new)
            raise
        before, self._held = self._held, held
        self._sequence += 1
        self._body = body
        if before is not None:
            before.close()

    def beat(self) -> bool:
        """Say that this process still looks; return False where there is no file of ours to say it in."""
        if self._held is None or not self._held.is_open():
            return False
        try:
            # By its name: the descriptor may be somebody else's the moment after it was looked at.
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            if identity_of(os.fstat(descriptor)) != self._held.identity:
                return False
            os.pwrite(descriptor, b"%020d" % self._now(), HEARTBEAT_OFFSET)
        finally:
            os.close(descriptor)
        return True

    def close(self) -> None:
        """Let go of the file: from now on this process counts as ended."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def _now(self) -> int:
        return max(0, int(self._clock.wall() * 1e9))


def counts_path(worker: Path) -> Path:
    """Return where the counts of a worker's file are."""
    return worker.with_suffix(COUNTS_SUFFIX)
