"""Which model a process has loaded, where the SDK in it says so in the spool."""

from __future__ import annotations

import re
from pathlib import Path

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.collectors.proc_files import ProcFiles
from genotel.semconv import attributes as a
from genotel.semconv.model_metrics import RESIDENT
from genotel.semconv.spec import label_name
from genotel.spool.folder import FileReading, SpoolFolder

# A model stays loaded for longer; the page asks for a pid many times.
_REFRESH_SECONDS = 5.0
_MODEL = re.compile(rf'(?:^|,){label_name(a.MODEL)}="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
# "1: FLOCK  ADVISORY  WRITE 4711 fe:00:123 0 EOF"; the pid is as we see it, whatever namespace its process is in.
_LOCK = re.compile(rb"FLOCK\s+\S+\s+WRITE\s+(\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s")


class ResidentModels:
    """Tell the model of a process.

    Args:
        folder: of the spool.
        files: where the kernel lists who holds which lock: each worker holds that of its own file.
        clock: its monotonic time.
    """

    def __init__(self, folder: Path, files: ProcFiles, clock: Clock = SYSTEM_CLOCK) -> None:
        self._folder = SpoolFolder(folder)
        self._files = files
        self._monotonic = clock.monotonic
        self._next_look = 0.0
        self._models: dict[int, str] = {}

    def of(self, pid: int) -> str:
        """Return the one model that a process has loaded; empty where that is unknown or several are."""
        now = self._monotonic()
        if now >= self._next_look:
            self._next_look = now + _REFRESH_SECONDS
            self._models = self._look()
        return self._models.get(pid, "")

    def _look(self) -> dict[int, str]:
        try:
            workers = self._folder.read().workers
            locks = self._files.find("locks") or b""
        except OSError:
            return {}
        holders = {int(inode): int(pid) for pid, inode in _LOCK.findall(locks)}
        models: dict[int, str] = {}
        for worker in workers:
            loaded = _loaded(worker)
            pid = holders.get(worker.identity[1])
            if pid and len(loaded) == 1:
                [models[pid]] = loaded
        return models


def _loaded(worker: FileReading) -> set[str]:
    if worker.snapshot is None or not worker.is_live:
        return set()
    return {
        _ESCAPED.sub(lambda escaped: "\n" if escaped[1] == "n" else escaped[1], found[1])
        for shared in worker.snapshot.families
        if shared.family.name == RESIDENT.family
        for row in shared.rows
        if row[1] > 0 and (found := _MODEL.search(row[0].labels))
    }
