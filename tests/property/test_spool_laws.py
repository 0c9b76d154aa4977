"""Whatever order workers write, die and are folded in, the page has every count once and never goes back."""

from __future__ import annotations

import os
import tempfile
from fractions import Fraction
from pathlib import Path
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle as Pool
from hypothesis.stateful import RuleBasedStateMachine, consumes, invariant, rule

from genotel.exposition.series import Block, Family, HistogramSeries, NumberSeries
from genotel.spool import folding
from genotel.spool.folder import SpoolFolder
from genotel.spool.folding import fold
from genotel.spool.merge import Merger, Part
from genotel.spool.snapshot import Encoder, share
from genotel.spool.worker_file import WorkerFile

JOBS = Family("jobs", "counter")
SECONDS = Family("busy_seconds", "counter")
TOOK = Family("took", "histogram")
LAST = Family("genotel_model_last_used_timestamp_seconds", "gauge")
LOAD = Family("load", "gauge")


class Killed(BaseException):
    """Stand for SIGKILL: nothing of ours catches it."""


class Worker:
    """A worker that counts, and remembers what it has written."""

    def __init__(self, folder: Path) -> None:
        self.file = WorkerFile(folder)
        self._encoder = Encoder(os.getpid())
        self._series = [NumberSeries(), NumberSeries(), HistogramSeries({}, (1.0,)), NumberSeries(), NumberSeries()]
        self.jobs = 0
        self.seconds = 0.0
        self.counts = [0, 0]
        self.last = 0
        self.written = (0, 0.0, (0, 0), 0)

    def work(self, jobs: int, seconds: float, moment: int) -> None:
        """Count something."""
        self.jobs += jobs
        self.seconds += seconds
        self.counts[jobs % 2] += 1
        self.last = max(self.last, moment)

    def write(self) -> None:
        """Write what was counted."""
        jobs, busy, took, last, load = self._series
        blocks = [
            Block(JOBS, [(jobs, self.jobs)]),
            Block(SECONDS, [(busy, self.seconds)]),
            Block(TOOK, [(took, list(self.counts), self.seconds)]),
            Block(LAST, [(last, self.last)]),
            Block(LOAD, [(load, 1)]),
        ]
        self.file.write(self._encoder.encode(share(blocks)))
        self.written = (self.jobs, self.seconds, tuple(self.counts), self.last)


class SpoolMachine(RuleBasedStateMachine):
    """Let workers live and die, folders be folded or not quite, and two readers watch."""

    workers = Pool("workers")

    def __init__(self) -> None:
        super().__init__()
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name)
        self.everybody: list[Worker] = []
        self.living: set[int] = set()
        self.readers = [(SpoolFolder(self.folder), Merger()) for _ in range(2)]
        self.seen: list[dict[str, float]] = [{}, {}]

    def teardown(self) -> None:
        """End everybody."""
        for worker in self.everybody:
            worker.file.close()
        self._temporary.cleanup()

    @rule(target=workers)
    def begin(self) -> Worker:
        """Start a worker, which writes its zeros."""
        worker = Worker(self.folder)
        worker.write()
        self.everybody.append(worker)
        self.living.add(id(worker))
        return worker

    @rule(
        worker=workers,
        jobs=st.integers(0, 9),
        seconds=st.floats(0, 1e6),
        moment=st.integers(0, 9),
        writes=st.booleans(),
    )
    def work(self, worker: Worker, jobs: int, seconds: float, moment: int, writes: bool) -> None:
        """Let a worker count; what it does not write is lost when it is killed."""
        worker.work(jobs, seconds, moment)
        if writes:
            worker.write()

    @rule(worker=consumes(workers))
    def kill(self, worker: Worker) -> None:
        """End a worker without another word."""
        worker.file.close()
        self.living.discard(id(worker))

    @rule(batch=st.integers(1, 4), batches=st.sampled_from([None, 1]))
    def fold(self, batch: int, batches: int | None) -> None:
        """Fold, some or all."""
        fold(self.folder, batch=batch, batches=batches)

    @rule(step=st.integers(1, 6), operation=st.sampled_from(["rename", "unlink", "fsync", "listdir"]))
    def fold_until_killed(self, step: int, operation: str) -> None:
        """Fold until the n-th time that this is asked of the system, and be killed there."""
        real, left = getattr(os, operation), iter(range(step - 1))

        def killing(*arguments):
            if next(left, None) is None:
                raise Killed
            return real(*arguments)

        try:
            with patch.object(folding.os, operation, killing):
                fold(self.folder, batch=2)
        except Killed:
            pass

    @rule(reader=st.integers(0, 1))
    def read(self, reader: int) -> None:
        """Let one of the readers look; the other one's memory grows old."""
        self.look(reader)

    @invariant()
    def everything_is_there_once(self) -> None:
        """Counts are exact, sums to the last bit, and gauges those of the living."""
        found = self.look(0)
        written = [worker.written for worker in self.everybody]
        if not written:
            return
        assert found["jobs"] == sum(jobs for jobs, *_ in written)
        assert found["busy_seconds"] == float(sum(Fraction(seconds) for _, seconds, *_ in written))
        assert found["took"] == sum(sum(counts) for _, _, counts, _ in written)
        assert found[LAST.name] == max(last for *_, last in written)
        assert found.get("load", 0) == bool(self.living)

    def look(self, reader: int) -> dict[str, float]:
        """Return family to value, and check that none of them went backwards for this reader."""
        folder, merger = self.readers[reader]
        contents = folder.read()
        parts = [
            Part(reading.snapshot.pid, reading.snapshot.families, reading.is_live, 0)
            for reading in (contents.ended, *contents.workers)
            if reading is not None and reading.snapshot is not None
        ]
        found = {}
        for family, _, rows in merger.merge(parts):
            assert len(rows) == 1
            found[family.name] = sum(rows[0][1]) if family is TOOK or family.kind == "histogram" else rows[0][1]
        for name in ("jobs", "busy_seconds", "took", LAST.name):
            assert found.get(name, 0) >= self.seen[reader].get(name, 0)
        self.seen[reader] = found
        return found


SpoolMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestSpool = SpoolMachine.TestCase
