"""Advice for ten thousand models from a warm Prometheus: a month of hourly samples, backfilled.

    python benchmarks/advice_from_prometheus.py [--models 10000] [--days 30]

Each model has a series for two outcomes and two for its durations. Writing the month takes minutes; what counts
is printed at the end. On a machine that does other things too, compare the seconds of processor.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from genotel.clock import Clock
from genotel.history.from_prometheus import Prometheus
from genotel.promql.catalog import MODEL_LABEL, OUTCOME_LABEL
from genotel.recommenders.advice import advise
from genotel.recommenders.registry import KINDS
from genotel.semconv.generation_metrics import DURATION, REQUESTS
from genotel.settings import AdviceSettings
from tests.servers import RealPrometheus

HOUR = 3600


def write(file: Path, models: int, hours: int, start: int) -> None:
    """Write calls by outcome, born at 0, and their durations, as programs with the SDK would have told hourly."""
    rng = random.Random(1)
    times = [start + hour * HOUR for hour in range(hours)]
    counted: list[list[int]] = []
    for _ in range(models):
        rate, count, death = rng.expovariate(8.0), 0, rng.randrange(hours * 2)
        held = []
        for hour in range(hours):
            count += hour < death and rng.random() < rate
            held.append(count)
        counted.append(held)
    ours = 'job="app",instance="a:1",otel_scope_name="genotel"'
    duration = DURATION.family
    with file.open("w", encoding="utf-8") as out:
        out.write("# TYPE up gauge\n")
        out.writelines(f'up{{job="app",instance="a:1"}} 1 {time}\n' for time in times)
        out.write(f"# TYPE {REQUESTS.family} counter\n")
        for number, held in enumerate(counted):
            for outcome, is_it in (("ok", 1), ("error", 0)):
                labels = f'{{{ours},{MODEL_LABEL}="m{number:05d}",{OUTCOME_LABEL}="{outcome}"}}'
                lines = zip(held, times, strict=True)
                out.writelines(f"{REQUESTS.prometheus_name}{labels} {count * is_it} {time}\n" for count, time in lines)
        out.write(f"# TYPE {duration} unknown\n")
        for suffix, seconds in (("count", 1), ("sum", 3)):
            for number, held in enumerate(counted):
                labels = f'{{{ours},{MODEL_LABEL}="m{number:05d}"}}'
                lines = zip(held, times, strict=True)
                out.writelines(
                    f"{duration}_{suffix}{labels} {count * seconds} {time}\n" for count, time in lines if count
                )
        out.write("# EOF\n")


def processor(server: RealPrometheus) -> float:
    """Return the seconds of processor that this process and the server have used."""
    times = psutil.Process(server._process.pid).cpu_times()
    return time.process_time() + times.user + times.system


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=30)
    arguments = parser.parse_args()
    hours = arguments.days * 24
    start = (int(time.time()) // HOUR - hours) * HOUR
    now = float(start + (hours - 1) * HOUR)
    with tempfile.TemporaryDirectory(prefix="genotel-advice-") as name:
        folder = Path(name)
        write(folder / "history.txt", arguments.models, hours, start)
        promtool = shutil.which("promtool")
        assert promtool is not None, "promtool comes with Prometheus"
        subprocess.run(
            [
                promtool,
                "tsdb",
                "create-blocks-from",
                "--max-block-duration=1488h",
                "openmetrics",
                str(folder / "history.txt"),
                str(folder / "data"),
            ],
            check=True,
            capture_output=True,
        )
        (folder / "history.txt").unlink()
        with RealPrometheus(folder, {}, retention="90d") as prometheus:
            for run in ("cold", "warm", "warm"):
                began, worked = time.perf_counter(), processor(prometheus)
                history = Prometheus(prometheus.url, clock=Clock(wall=lambda: now), timeout_seconds=120).load_usage()
                read = time.perf_counter()
                advice = advise(history, KINDS, AdviceSettings())
                print(
                    f"{run}: {len(history.models)} models, {len(history.hourly.hour)} hours with use: read "
                    f"{read - began:.1f} s, advice {time.perf_counter() - read:.1f} s "
                    f"({len(advice.recommendations)} lines), "
                    f"{processor(prometheus) - worked:.1f} s of processor with the server's, "
                    f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
