"""Cost of a spool: page time by the number of ended and living workers, one look at the values, lateness.

    python benchmarks/spool.py [--lines 300,10000] [--dead 7000] [--live 8] [--rounds 15] [--seconds 10]

Workers have the same series as the page that is measured: 80 % of the lines in histograms of 15 bounds,
the rest counters and gauges. Every way is taken in turn in every round; medians are printed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider

# The synchronous gauge's class has no public name.
from opentelemetry.sdk.metrics._internal.instrument import Gauge

from genotel.exposition.page import Page
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.spool.folding import fold
from genotel.spool.snapshot import Encoder, share
from genotel.spool.spool import Spool
from genotel.spool.worker_file import WorkerFile
from genotel.telemetry.reader import PageReader

BOUNDS = [0.01 * 2**exponent for exponent in range(15)]


def measured(lines: int) -> tuple[PageReader, Callable[[], None]]:
    """Return a reader with about so many lines, and what records once more."""
    reader = PageReader()
    for kind in (Counter, Histogram, Gauge):
        reader._instrument_class_cardinality_limit[kind] = 10**6
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("bench")
    rng = random.Random(7)
    labels = [{"model": f"model-{i % 50}", "operation": "chat", "server": f"10.0.0.1:{i}"} for i in range(lines)]
    histogram = meter.create_histogram("duration", unit="s", explicit_bucket_boundaries_advisory=BOUNDS)
    for each in labels[: max(1, int(lines * 0.8 / 18))]:
        histogram.record(rng.lognormvariate(0, 1), each)
    counter = meter.create_counter("calls")
    gauge = meter.create_up_down_counter("active")
    for each in labels[: max(1, lines // 10)]:
        counter.add(rng.randrange(1, 10**6), each)
        gauge.add(1, each)
    return reader, lambda: histogram.record(0.2, labels[0])


def joined(folder: Path, reader: PageReader) -> tuple[Page, Spool]:
    page = Page([reader])
    spool = Spool(folder, page)
    page.join(spool.join)
    return page, spool


def leave(folder: Path, count: int, reader: PageReader, *, ended: bool) -> list[WorkerFile]:
    """Write the files of so many workers."""
    body = Page([reader]).take(lambda blocks: Encoder(1).encode(share(blocks)))
    files = []
    for _ in range(count):
        file = WorkerFile(folder)
        file.write(body)
        if ended:
            file.close()
        files.append(file)
    return files


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def medians(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            times[name].append(milliseconds(way))
    return {name: statistics.median(values) for name, values in times.items()}


def pages(lines: int, dead: int, live: int, rounds: int, base: Path) -> None:
    folders = {name: base / f"{lines}-{name}" for name in ("none", "folded", "live")}
    reader, record = measured(lines)
    made = {name: joined(folder, reader)[0] for name, folder in folders.items()}
    leave(folders["folded"], dead, reader, ended=True)
    kept = leave(folders["live"], live, reader, ended=False)
    folded = folders["folded"]
    size = sum(os.stat(folded / name).st_size for name in os.listdir(folded)) / 1e6
    print(f"\n{lines} lines a worker; {dead} ended workers have {size:.1f} MB")
    unfolded = lambda: made["folded"].render(TEXT_0_0_4)  # noqa: E731
    print(f"  first page with {dead} ended, not folded   {milliseconds(unfolded):10.1f} ms")
    print(f"  second page with {dead} ended, not folded  {milliseconds(unfolded):10.1f} ms")
    print(f"  folding {dead}                             {milliseconds(lambda: fold(folded)):10.1f} ms")
    alone = Page([reader])

    def render(page: Page) -> Callable[[], object]:
        def way() -> None:
            record()
            page.render(TEXT_0_0_4)

        return way

    found = medians(
        {"no spool": render(alone), "spool, nobody else": render(made["none"])}
        | {f"spool, {dead} ended": render(made["folded"]), f"spool, {live} living": render(made["live"])},
        rounds,
    )
    for name, value in found.items():
        print(f"  page: {name:<28} {value:10.2f} ms  {value / found['spool, nobody else']:6.2f} x")
    for file in kept:
        file.close()


def looks(lines: int, rounds: int, base: Path) -> None:
    reader, record = measured(lines)
    page, spool = joined(base / f"look-{lines}", reader)

    def changed() -> None:
        record()
        spool._look()

    found = medians(
        {"collect alone": lambda: page.take(len), "nothing changed": spool._look, "changed": changed}, rounds
    )
    for name, value in found.items():
        print(f"  look at {lines} lines, {name:<20} {value:10.3f} ms")


def lateness(record: Callable[[], None], seconds: float) -> float:
    """Return the 99.9th percentile of due-to-done of a 1 kHz recorder, ms."""
    late = []
    due = time.perf_counter()
    end = due + seconds
    while due < end:
        due = max(due + 0.001, time.perf_counter() - 0.05)
        wait = due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        record()
        late.append((time.perf_counter() - due) * 1e3)
    return sorted(late)[int(0.999 * len(late))]


def disturbance(lines: int, seconds: float, base: Path) -> None:
    reader, record = measured(lines)
    without, with_spool = [], []
    for number in range(3):
        without.append(lateness(record, seconds))
        _, spool = joined(base / f"late-{lines}-{number}", reader)
        spool.start()
        with_spool.append(lateness(record, seconds))
        spool.close()
    print(
        f"  1 kHz recorder, {lines} lines, lateness p99.9: {statistics.median(without):.2f} ms without, "
        f"{statistics.median(with_spool):.2f} ms with a look every second"
    )


PEER = """
import os, shutil, sys, time
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
folder, dead, lines = os.environ["PROMETHEUS_MULTIPROC_DIR"], int(sys.argv[1]), int(sys.argv[2])
names = ("model", "operation", "server")
histogram = Histogram("duration", "", names, buckets=[0.01 * 2**exponent for exponent in range(15)])
calls, active = Counter("calls", "", names), Counter("active", "", names)
labels = [(f"model-{i % 50}", "chat", f"10.0.0.1:{i}") for i in range(lines)]
for each in labels[: max(1, int(lines * 0.8 / 18))]:
    histogram.labels(*each).observe(0.5)
for each in labels[: max(1, lines // 10)]:
    calls.labels(*each).inc()
    active.labels(*each).inc()
for name in os.listdir(folder):
    kind, pid = name.removesuffix(".db").split("_")
    for number in range(dead):
        shutil.copy(f"{folder}/{name}", f"{folder}/{kind}_{int(pid) + 1 + number}.db")
registry = CollectorRegistry()
MultiProcessCollector(registry)
start = time.perf_counter()
generate_latest(registry)
print((time.perf_counter() - start) * 1e3)
"""


def peer(lines: int, dead: int, base: Path) -> None:
    """Time a page of prometheus_client's multiprocess mode, each one like the first."""
    for count in (0, dead):
        folder = base / f"peer-{count}"
        folder.mkdir()
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
        words = [sys.executable, "-c", PEER, str(count), str(lines)]
        took = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout
        print(f"  prometheus_client, {lines} lines, {count:5} ended  {float(took):10.1f} ms")
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", default="300,10000")
    parser.add_argument("--dead", type=int, default=7000)
    parser.add_argument("--live", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--peer", type=int, default=0, help="ended workers of prometheus_client to compare with")
    parser.add_argument("--folder", help="where spools are made; a memory filesystem by default, where there is one")
    given = parser.parse_args()
    print(sys.version.split()[0], "of", os.cpu_count(), "cores, load", os.getloadavg()[0])
    where = given.folder or ("/dev/shm" if os.path.isdir("/dev/shm") else None)
    with tempfile.TemporaryDirectory(dir=where) as base:
        for lines in map(int, given.lines.split(",")):
            pages(lines, given.dead, given.live, given.rounds, Path(base))
            looks(lines, given.rounds, Path(base))
            disturbance(lines, given.seconds, Path(base))
            if given.peer:
                peer(lines, given.peer, Path(base))


if __name__ == "__main__":
    main()
