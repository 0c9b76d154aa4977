"""What the journal costs a program, what it keeps up with, and how fast its history is read.

    python benchmarks/journal.py [--seconds 60] [--rate 20000] [--threads 4] [--days 90] [--calls-a-day 10000]

1. Load: threads hand over finished calls (start, finish, parameters, a prompt, trace ids) at a steady
   rate; the same load goes to a sink that does nothing. Each in a fresh process, in turn, in
   `--rounds` rounds. Cost = CPU time with the journal less CPU time without, over wall time.
2. Files: 90 days of 10,000 calls a day are written, settled, and read back by the hour and by the day.

Prints one JSON object; exit code 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.journal.reader import JournalReader
from genotel.journal.rows import CallRow, EventRow
from genotel.journal.store import JournalStore
from genotel.journal.writer import JournalWriter

MODELS = tuple(f"model-{number:02d}" for number in range(40))
TICK_SECONDS = 0.005
BARS = {"enqueue_p99_seconds": 50e-6, "core_ratio": 0.30, "hourly_read_seconds": 1.0, "file_bytes": 1e9}


class NoSink:
    def start(self, key, snapshot) -> None:
        pass

    def finish(self, key, row) -> None:
        pass


def produce(sink, number: int, rate: float, seconds: float, delays: list[int]) -> None:
    per_tick = rate * TICK_SECONDS
    begin = time.perf_counter()
    sent = ticks = 0
    key = number << 40
    parameters = {"steps": 30, "width": 1024, "height": 1024, "guidance": 5.0}
    clock = time.perf_counter_ns

    def running() -> CallRow:
        return CallRow(1.8e9, MODELS[0], "generate_content", "diffusers")

    while True:
        elapsed = time.perf_counter() - begin
        if elapsed >= seconds:
            break
        ticks += 1
        for _ in range(round(ticks * per_tick) - sent):
            key += 1
            sent += 1
            before = clock()
            sink.start(key, running)
            between = clock()
            row = CallRow(
                *(1.8e9 + elapsed, MODELS[key % 40], "generate_content", "diffusers", "image", "ok", None),
                *(1.25, 0.01, None, 30, 1, None, None, None, None, parameters, None),
                *(f"a fluffy cat number {key % 5000}", key << 64 | 5, key),
            )
            then = clock()
            sink.finish(key, row)
            delays.append(clock() - then + between - before)
        pause = begin + ticks * TICK_SECONDS - time.perf_counter()
        if pause > 0:
            time.sleep(pause)


def load(kind: str, folder: str, rate: float, threads: int, seconds: float) -> dict[str, float]:
    path = Path(folder) / "journal.db"
    sink = JournalWriter(path) if kind == "journal" else NoSink()
    delays: list[list[int]] = [[] for _ in range(threads)]
    workers = [
        threading.Thread(target=produce, args=(sink, number, rate / threads, seconds, delays[number]))
        for number in range(threads)
    ]
    cpu, wall = time.process_time(), time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    lasted = time.perf_counter() - wall
    if isinstance(sink, JournalWriter):
        sink.flush(60)
    cpu = time.process_time() - cpu
    every = sorted(delay for part in delays for delay in part)
    figures = {
        "records": len(every),
        "records_per_second": len(every) / lasted,
        "cpu_seconds": cpu,
        "wall_seconds": lasted,
        "enqueue_p50_seconds": every[len(every) // 2] / 1e9,
        "enqueue_p99_seconds": every[len(every) * 99 // 100] / 1e9,
        "enqueue_max_seconds": every[-1] / 1e9,
    }
    if isinstance(sink, JournalWriter):
        sink.close()
        with JournalReader(path) as reader:
            figures |= {
                "rows_dropped": sink.rows_dropped,
                "rows_readable": sum(1 for _ in reader.calls()),
                "rollup_total": sum(hour.total for hour in reader.hourly()),
                "file_bytes": path.stat().st_size,
            }
    return figures


def history(folder: str, days: int, calls_a_day: int) -> dict[str, float]:
    path = Path(folder) / "history.db"
    now = [time.time() // 86400 * 86400 - days * 86400.0]
    chance = random.Random(1)
    writer = JournalWriter(path, clock=Clock(wall=lambda: now[0], monotonic=lambda: now[0]), retention_days=365)
    begin = time.perf_counter()
    key = 0
    for _ in range(days):
        for _ in range(calls_a_day):
            key += 1
            at = now[0] + chance.random() * 86400
            parameters = {"steps": chance.choice((20, 30, 50)), "width": 1024, "height": 1024}
            writer.finish(
                key,
                CallRow(
                    *(at, chance.choice(MODELS), "generate_content", "diffusers", "image", "ok", None),
                    *(chance.lognormvariate(2, 1), 0.01, None, 30, 1, None, None, None, None, parameters, None),
                    *(f"a fluffy cat number {chance.randrange(100_000)}", key << 64 | 5, key),
                ),
            )
        writer.event(EventRow(now[0], chance.choice(MODELS), "load", "ok", 12.0))
        writer.watched(now[0], now[0] + 86400)
        now[0] += 86400
        assert writer.flush(60), "the journal cannot be written"
    built = time.perf_counter() - begin
    begin = time.perf_counter()
    writer.close()
    store = JournalStore(path, retention_days=365, heartbeat_seconds=60, clock=SYSTEM_CLOCK)
    while store.maintain():
        pass
    store.disconnect()
    settled = time.perf_counter() - begin
    figures = {"calls": key, "build_seconds": built, "settle_seconds": settled, "file_bytes": path.stat().st_size}
    for name in ("hourly", "daily", "models", "parameters", "calls"):
        with JournalReader(path) as reader:
            begin = time.perf_counter()
            rows = sum(1 for _ in getattr(reader, name)())
            figures[f"{name}_read_seconds"] = time.perf_counter() - begin
            figures[f"{name}_rows"] = rows
    return figures


def in_process(*arguments: object) -> dict[str, float]:
    command = [sys.executable, __file__, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=20_000.0)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--calls-a-day", type=int, default=10_000)
    parser.add_argument("--only", choices=("load", "history", "none", "journal"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder and options.only in ("none", "journal"):
        figures = load(options.only, options.folder, options.rate, options.threads, options.seconds)
        print(json.dumps(figures))
        return 0
    report: dict[str, object] = {}
    missed: list[str] = []
    if options.only in (None, "load"):
        rounds = []
        for _ in range(options.rounds):
            shared = ("--rate", options.rate, "--threads", options.threads, "--seconds", options.seconds)
            figures = {}
            for kind in ("none", "journal"):
                with tempfile.TemporaryDirectory() as folder:
                    figures[kind] = in_process("--only", kind, "--folder", folder, *shared)
            extra = figures["journal"]["cpu_seconds"] - figures["none"]["cpu_seconds"]
            figures["core_ratio"] = extra / figures["journal"]["wall_seconds"]
            rounds.append(figures)
        report["load"] = rounds
        report["core_ratio"] = statistics.median(figures["core_ratio"] for figures in rounds)
        report["enqueue_p99_seconds"] = statistics.median(
            figures["journal"]["enqueue_p99_seconds"] for figures in rounds
        )
        for figures in rounds:
            journal = figures["journal"]
            if journal["rows_dropped"] or not journal["records"] == journal["rows_readable"] == journal["rollup_total"]:
                missed.append("rows were lost")
            if journal["records_per_second"] < 0.99 * options.rate:
                missed.append("the load was not reached")
    if options.only in (None, "history"):
        with tempfile.TemporaryDirectory() as folder:
            report["history"] = history(folder, options.days, options.calls_a_day)
        report |= {name: report["history"][name] for name in ("hourly_read_seconds", "file_bytes")}
    missed += [name for name, bar in BARS.items() if name in report and report[name] > bar]
    report["missed"] = missed
    print(json.dumps(report, indent=2))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
