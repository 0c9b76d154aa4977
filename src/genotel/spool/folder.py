"""The folder of a spool, read as it was at one moment although others write, end and fold meanwhile.

Files of workers vanish only when they are folded, and the file of ended processes changes only then;
so a reading between whose begin and end that file stayed the same saw every process exactly once. A
reading that did not is made again.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from genotel import guard
from genotel.spool.counts_file import read_counts, with_counts
from genotel.spool.locked_file import LockedFile, identity_of, is_locked
from genotel.spool.snapshot import (
    HEADER_BYTES,
    MAX_BYTES,
    Header,
    Layouts,
    Snapshot,
    UnreadableSnapshotError,
    decode,
    read_header,
)
from genotel.spool.worker_file import WORKER_SUFFIX, counts_path

ENDED_NAME = "ended.spool"
LOCK_NAME = "folding.lock"

# Readings that others' folding may spoil, before folding has to wait.
_ATTEMPTS = 5


class FileReading(NamedTuple):
    """Hold what is known of one file: what it says, whether its writer lives.

    ``snapshot`` is None where the file cannot be read, and ``is_newer`` says that a newer genotel could.
    ``head`` are the bytes of the header, empty where there are none to compare.
    """

    name: str
    identity: tuple[int, int]
    header: Header
    is_live: bool
    snapshot: Snapshot | None
    is_newer: bool = False
    head: bytes = b""


@dataclass(frozen=True, slots=True)
class Contents:
    """Hold every process of a spool once; ``ended`` is the file of those that were folded."""

    ended: FileReading | None
    workers: list[FileReading]


class SpoolFolder:
    """Read a folder again and again; only what changed is read from the disk.

    Args:
        path: of the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, FileReading] = {}
        self._ended: FileReading | None = None
        self._layouts = Layouts()

    def read(self, skip: str | None = None) -> Contents:
        """Return every process but the one whose file is ``skip``.

        Raises:
            OSError: the folder cannot be listed.
        """
        for _ in range(_ATTEMPTS):
            contents = self._attempt(skip)
            if contents is not None:
                return contents
        # Somebody folds without end; nobody can while this is held.
        held = folding_lock(self.path, wait=True)
        try:
            contents = self._attempt(skip)
        finally:
            held.close()
        if contents is None:
            raise OSError("files of the spool vanish although nobody folds")
        return contents

    def _attempt(self, skip: str | None) -> Contents | None:
        self._ended = ended = read_ended(self.path, self._ended, self._layouts)
        included = ended.snapshot.included if ended is not None and ended.snapshot is not None else frozenset()
        known: dict[str, FileReading] = {}
        for name in os.listdir(self.path):
            if not name.endswith(WORKER_SUFFIX) or name == skip or name in included:
                continue
            before = self._known.get(name)
            if before is None or before.is_live:
                try:
                    before = read_file(self.path / name, before, self._layouts)
                except FileNotFoundError:
                    # Folded since the folder was listed. The next attempt need not read the others again.
                    self._known.update(known)
                    return None
                except OSError as error:
                    # Somebody else's file, and closed to us.
                    warn_unreadable(type(error).__name__)
                    continue
            known[name] = before
        if not _is_unchanged(self.path / ENDED_NAME, ended):
            self._known.update(known)
            return None
        self._known = known
        return Contents(ended, [known[name] for name in sorted(known)])


def read_ended(folder: Path, before: FileReading | None = None, layouts: Layouts | None = None) -> FileReading | None:
    """Read the file of the processes that were folded; None where there is none yet."""
    path = folder / ENDED_NAME
    try:
        if before is not None and _is_unchanged(path, before):
            return before
        return read_file(path, None, layouts)
    except FileNotFoundError:
        return None


def folding_lock(folder: Path, *, wait: bool = False) -> LockedFile:
    """Become the one process that folds.

    Raises:
        BlockingIOError: another one is at it.
        OSError: the folder cannot be written to.
    """
    return LockedFile(os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644), wait=wait)


def read_file(
    path: Path, before: FileReading | None = None, layouts: Layouts | None = None, *, live: bool = True
) -> FileReading:
    """Read one file of a spool.

    Args:
        path: of the file.
        before: what was read of it last time; it is returned with fresh header where nothing changed.
        layouts: what was understood of other files.
        live: whether the values of a living process are wanted too.

    Raises:
        FileNotFoundError: there is none.
        OSError: it may not be read.
    """
    while True:
        # Not to wait for somebody to write into what turns out to be a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            is_live = is_locked(descriptor)
            # An unlocked file of that name belongs to nobody; one that has just been replaced says nothing.
            if is_live or identity_of(os.stat(path)) == identity_of(status):
                if is_live and not live:
                    return FileReading(path.name, identity_of(status), Header(0, 0), is_live, None)
                reading = _read(path.name, descriptor, status, is_live, before, layouts)
                return reading if is_live else _with_last_counts(path, reading)
        finally:
            os.close(descriptor)


def _read(
    name: str,
    descriptor: int,
    status: os.stat_result,
    is_live: bool,
    before: FileReading | None,
    layouts: Layouts | None,
) -> FileReading:
    identity = identity_of(status)
    head = b""
    try:
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            raise UnreadableSnapshotError("it is no file that the spool could have")
        head = os.pread(descriptor, HEADER_BYTES, 0)
        header = read_header(head)
        if before is not None and before.identity == identity and before.header.sequence == header.sequence:
            return before._replace(header=header, is_live=is_live)
        body = os.pread(descriptor, status.st_size, HEADER_BYTES)
        return FileReading(name, identity, header, is_live, decode(body, layouts), head=head)
    except UnreadableSnapshotError as error:
        warn_unreadable(str(error))
        return FileReading(name, identity, Header(0, 0), is_live, None, error.is_newer, head)


def _with_last_counts(path: Path, reading: FileReading) -> FileReading:
    """Add what an ended worker counted after its last writing, where it counted in a file."""
    if reading.snapshot is None or path.suffix != WORKER_SUFFIX:
        return reading
    try:
        counts = read_counts(counts_path(path).read_bytes())
    except OSError:
        return reading
    return reading._replace(snapshot=with_counts(reading.snapshot, counts))


def warn_unreadable(why: str) -> None:
    """Say once that a file is left out; names and paths are not for the log."""
    guard.warn_once("spool.unreadable", "genotel: a file of the spool is left out: %s", why)


def _is_unchanged(path: Path, reading: FileReading | None) -> bool:
    """Say whether a file is the one that was read; by its sequence too, since inodes come again."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return reading is None
    try:
        return (
            reading is not None
            and identity_of(os.fstat(descriptor)) == reading.identity
            and (not reading.head or os.pread(descriptor, HEADER_BYTES, 0) == reading.head)
        )
    finally:
        os.close(descriptor)
