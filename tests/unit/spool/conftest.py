"""Workers of a spool within one process: a lock belongs to an open file, so they are strangers to each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from genotel.clock import Clock
from genotel.exposition.series import Block, Family, HistogramSeries, NumberSeries
from genotel.spool.snapshot import Encoder, share
from genotel.spool.worker_file import WorkerFile

JOBS = Family("jobs", "counter", "Jobs done.")
LOAD = Family("load", "gauge", "How full.")
SECONDS = Family("took_seconds", "histogram", "How long.", "seconds")


class Now:
    """A clock that stands until it is moved."""

    def __init__(self, wall: float = 1_700_000_000.0) -> None:
        self.seconds = wall
        self.clock = Clock(wall=lambda: self.seconds, monotonic=lambda: self.seconds)


@pytest.fixture
def now() -> Now:
    """Return a stopped clock."""
    return Now()


class FakeWorker:
    """A worker that writes what it is told; killing it takes its lock away, as the system does."""

    def __init__(self, folder: Path, pid: int = 7, clock: Clock | None = None) -> None:
        self.file = WorkerFile(folder) if clock is None else WorkerFile(folder, clock)
        self._encoder = Encoder(pid)
        self.count = 0

    @property
    def name(self) -> str:
        """Return the name of its file."""
        return self.file.name

    def write(self, blocks: Sequence[Block] | None = None, *, jobs: int | float | None = None) -> None:
        """Write blocks, or the number of jobs."""
        if blocks is None:
            self.count = self.count + 1 if jobs is None else jobs
            blocks = [number(JOBS, self.count, model="sdxl")]
        self.file.write(self._encoder.encode(share(blocks)))

    def kill(self) -> None:
        """End without another word."""
        self.file.close()


def number(family: Family, value: float, *, created: float | None = None, **labels: str) -> Block:
    """Return a block of one number."""
    return Block(family, [(NumberSeries(labels, created), value)])


def histogram(
    counts: Sequence[int], total: float, *, bounds: Sequence[float] = (1.0, 2.0), created: float | None = None
) -> Block:
    """Return a block of one histogram."""
    return Block(SECONDS, [(HistogramSeries({"model": "sdxl"}, bounds, created), counts, total)])
