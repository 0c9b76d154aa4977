"""Fold the files of ended processes into one, so that a thousand of them cost a page what one costs.

One process at a time folds. The new file of ended processes names the files whose values it holds; it
takes the old one's place in one step, and only then are those files deleted. Whatever happens in
between, a file is either named there or still to be counted, never both and never neither.
"""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from itertools import repeat
from pathlib import Path

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.spool.folder import ENDED_NAME, FileReading, folding_lock, read_ended, read_file, warn_unreadable
from genotel.spool.merge import Merger, Part
from genotel.spool.snapshot import Encoder, Layouts, header, tell
from genotel.spool.worker_file import NEW_SUFFIX, WORKER_SUFFIX, counts_path

# Files at a time: no page waits longer for a reading of its own, and no more work is lost to a kill.
BATCH = 256
# A file that a killed process left half written is deleted after this time.
_ABANDONED_SECONDS = 60.0


def fold(folder: Path, *, batch: int = BATCH, batches: int | None = None, clock: Clock = SYSTEM_CLOCK) -> int:
    """Fold ended processes, and return how many there were; none where another process folds.

    Args:
        folder: of the spool.
        batch: files at a time.
        batches: how many times; by default until there is none left.
        clock: wall time for the new file.

    Raises:
        OSError: the folder cannot be read or written; nothing was lost or counted twice.
    """
    folded = 0
    for _ in repeat(None) if batches is None else repeat(None, batches):
        try:
            held = folding_lock(folder)
        except BlockingIOError:
            break
        with closing(held):
            count = _fold_batch(folder, batch, clock)
        folded += count
        if count < batch:
            break
    return folded


def _fold_batch(folder: Path, batch: int, clock: Clock) -> int:
    before = read_ended(folder)
    if before is not None and before.snapshot is None:
        if before.is_newer:
            # It is the newer genotel's to go on with.
            return 0
        _set_aside(folder, clock)
        before = None
    included = before.snapshot.included if before is not None and before.snapshot is not None else frozenset()
    layouts = Layouts()
    remaining: list[str] = []
    ended: list[FileReading] = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(WORKER_SUFFIX + NEW_SUFFIX):
            _delete_abandoned(folder / name, clock)
        elif name in included:
            # It is counted; whoever counted it was killed before it could delete it, or may not.
            if not _delete_worker(folder / name):
                remaining.append(name)
        elif name.endswith(WORKER_SUFFIX) and len(ended) < batch:
            with suppress(OSError):
                reading = read_file(folder / name, layouts=layouts, live=False)
                # None of a living process, and of a file that cannot be read.
                if reading.snapshot is not None:
                    ended.append(reading)
    if ended:
        _write(folder, before, ended, remaining, clock)
        for reading in ended:
            _delete_worker(folder / reading.name)
    return len(ended)


def _write(
    folder: Path, before: FileReading | None, ended: list[FileReading], remaining: list[str], clock: Clock
) -> None:
    readings = [*([] if before is None else [before]), *ended]
    parts = [
        Part(reading.snapshot.pid, reading.snapshot.families, False, reading.header.heartbeat)
        for reading in readings
        if reading.snapshot is not None
    ]
    names = [*remaining, *(reading.name for reading in ended)]
    body = Encoder(0, names).encode([tell(*merged) for merged in Merger(exact=True).merge(parts)])
    sequence = before.header.sequence + 1 if before is not None else 1
    new = folder / (ENDED_NAME + NEW_SUFFIX)
    with open(new, "wb", opener=_opener) as file:
        file.write(header(sequence, max(0, int(clock.wall() * 1e9))))
        file.write(body)
        file.flush()
        # The files that are deleted next must not be gone after a power cut that this one did not survive.
        os.fsync(file.fileno())
    os.rename(new, folder / ENDED_NAME)
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o644)


def _set_aside(folder: Path, clock: Clock) -> None:
    """Rename a corrupt file of ended processes; their counts are lost, but not the file."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock.wall()))
    os.rename(folder / ENDED_NAME, folder / f"{ENDED_NAME}.corrupt-{stamp}")
    warn_unreadable("that of ended processes is corrupt; it was set aside and their counts begin again")


def _delete_worker(path: Path) -> bool:
    # Its counts first: they are nothing without it, and nobody would look for them.
    return _delete(counts_path(path)) and _delete(path)


def _delete(path: Path) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        guard.warn_once(
            "spool.delete", "genotel: a folded file of the spool cannot be deleted: %s", error.strerror or "no reason"
        )
        return False
    return True


def _delete_abandoned(path: Path, clock: Clock) -> None:
    with suppress(OSError):
        if clock.wall() - os.stat(path).st_mtime > _ABANDONED_SECONDS:
            os.unlink(path)
