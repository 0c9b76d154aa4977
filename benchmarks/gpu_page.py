"""What a page of a GPU box costs: host, container, 8 GPUs with 30 processes each, 1,000 models.

    python benchmarks/gpu_page.py [--rounds 9] [--scrapes 50] [--idle SECONDS]

`genotel serve` reads a driver library that is not there (tests/fixtures/fake_nvml, built with gcc) and
a Hugging Face cache of 1,000 models; node_exporter runs with its defaults beside it. They are scraped
over HTTP in turn, as Prometheus does. genotel's CPU and memory are those of its process and of the child
that talks to the driver. Two more exporters read the same box, one of them with 2 ms in every call to the
driver: their scrapes are timed in turn, 300 each, seven times.

The bars: CPU a scrape at most 1.5 times node_exporter's; at most 50 MB (PSS) in all; the 99th
percentile unchanged (within 20 %) by the slow driver. What looking at the GPUs costs between scrapes is
printed beside: one look every 5 s, whoever scrapes.
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.fake_nvml import built  # noqa: E402
from tests.model_trees import cached_repository  # noqa: E402

# What Prometheus 2.42 sends.
HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
    "User-Agent": "Prometheus/2.42.0",
    "X-Prometheus-Scrape-Timeout-Seconds": "10",
}
GPUS, PROCESSES, MODELS = 8, 30, 1000
GENOTEL = "genotel serve, with its child"
NODE = "node_exporter, defaults"
SCRAPE_SECONDS = 15
DELAY_RUNS, DELAY_SCRAPES = 7, 300


@dataclass
class Exporter:
    """A process with a page, and what its pages cost."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection
    cpu_ms: list[float] = field(default_factory=list)
    wall_ms: list[float] = field(default_factory=list)

    def scrape(self) -> bytes:
        self.connection.request("GET", "/metrics", headers=HEADERS)
        response = self.connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise SystemExit(f"{self.name} answered {response.status}")
        return body

    def pids(self) -> list[int]:
        pids = [self.process.pid]
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            pids += map(int, (task / "children").read_text().split())
        return pids

    def cpu_seconds(self) -> float:
        return sum(cpu_seconds(pid) for pid in self.pids())

    def pss_mb(self) -> list[float]:
        return [pss_mb(pid) for pid in self.pids()]

    def timed(self) -> float:
        begun = time.perf_counter()
        self.scrape()
        return (time.perf_counter() - begun) * 1e3

    def round(self, scrapes: int) -> None:
        cpu = self.cpu_seconds()
        walls = [self.timed() for _ in range(scrapes)]
        self.cpu_ms.append((self.cpu_seconds() - cpu) / scrapes * 1e3)
        self.wall_ms.append(statistics.median(walls))

    def samples(self) -> int:
        self.connection.request("GET", "/metrics")
        lines = self.connection.getresponse().read().splitlines()
        return sum(1 for line in lines if line and not line.startswith(b"#"))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and all its threads, ended ones too, to the nanosecond."""
    # clock_getcpuclockid(3), which Python does not have: bits 3 and up are the inverted process id.
    return time.clock_gettime(~pid << 3 | 2)


def pss_mb(pid: int) -> float:
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("Pss:"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(name: str, command: list[str], environment: dict[str, str]) -> Exporter:
    port = free_port()
    words = [word.replace("{port}", str(port)) for word in command]
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    exporter = Exporter(name, port, process, http.client.HTTPConnection("127.0.0.1", port, timeout=30))
    for _ in range(200):
        try:
            exporter.scrape()
            return exporter
        except OSError:
            exporter.connection.close()
            time.sleep(0.05)
    process.kill()
    raise SystemExit(f"{name} did not come up")


def box(folder: Path, programs: list[subprocess.Popen[bytes]], call_seconds: float = 0.0) -> dict[str, str]:
    """Make the files of a box and return the environment in which genotel finds it."""
    folder.mkdir()
    lines = [f"devices = {GPUS}", "gpu.*.memory_total = 85520809984", "gpu.*.memory_used = 60000000000"]
    lines += [f"gpu.*.procs = {','.join(f'{program.pid}:1900000000' for program in programs)}"]
    if call_seconds:
        lines += [f"gpu.*.hang.* = {call_seconds}"]
    (folder / "state").write_text("\n".join(lines) + "\n")
    (folder / "genotel.toml").write_text("[gpu]\ngpu_pids = true\n")
    for number in range(MODELS):
        cached_repository(folder / "hub", f"org/model-{number}", {"config.json": 700, "model.safetensors": 2_000_000})
    return {
        "FAKE_NVML_STATE": str(folder / "state"),
        "FAKE_NVML_QUICK": "1",
        "LD_LIBRARY_PATH": str(Path(built()).parent),
        "HOME": str(folder),
        "HF_HUB_CACHE": str(folder / "hub"),
        "GENOTEL_CONFIG": str(folder / "genotel.toml"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare what a page of a GPU box costs.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--scrapes", type=int, default=50)
    parser.add_argument("--idle", type=float, default=30.0, help="seconds without a scrape")
    options = parser.parse_args()
    serve = [sys.executable, "-m", "genotel", "serve", "--port", "{port}"]
    exporters: list[Exporter] = []
    programs = [subprocess.Popen(["sleep", "86400"]) for _ in range(PROCESSES)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            exporters.append(start(GENOTEL, serve, box(Path(folder, "box"), programs)))
            node = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
            if node:
                exporters.append(start(NODE, [node, "--web.listen-address=127.0.0.1:{port}"], {}))
            compare(exporters, options.rounds, options.scrapes, options.idle)
            slow = start("slow driver", serve, box(Path(folder, "slow"), programs, call_seconds=0.002))
            exporters.append(slow)
            time.sleep(2)
            delays(exporters[0], slow)
    finally:
        for child in [*(exporter.process for exporter in exporters), *programs]:
            child.kill()
            child.wait()


def compare(exporters: list[Exporter], rounds: int, scrapes: int, idle_seconds: float) -> None:
    for number in range(rounds + 1):
        for exporter in exporters:
            exporter.round(scrapes)
            if number == 0:
                # The first pages build what the others use.
                exporter.cpu_ms.clear()
                exporter.wall_ms.clear()
    before = [exporter.cpu_seconds() for exporter in exporters]
    time.sleep(idle_seconds)
    idle = [(exporter.cpu_seconds() - cpu) / idle_seconds for exporter, cpu in zip(exporters, before, strict=True)]
    cpu = [statistics.median(exporter.cpu_ms) for exporter in exporters]
    print(f"{'':<32}{'CPU a scrape':>14}{'wall':>10}{'idle CPU':>11}{'PSS':>24}{'samples':>9}{'genotel is':>12}")
    for exporter, share, ms in zip(exporters, idle, cpu, strict=True):
        parts = exporter.pss_mb()
        memory = f"{sum(parts):.1f} MB" + (f" ({' + '.join(f'{part:.1f}' for part in parts)})" if parts[1:] else "")
        print(
            f"{exporter.name:<32}{ms:>11.2f} ms{statistics.median(exporter.wall_ms):>7.2f} ms{share:>10.3%}{memory:>24}"
            f"{exporter.samples():>9}{cpu[0] / ms:>10.2f} x"
        )
    for exporter, share, ms in zip(exporters, idle, cpu, strict=True):
        print(f"{exporter.name}, scraped every {SCRAPE_SECONDS} s: {(ms / 1e3 / SCRAPE_SECONDS + share):.3%} of a core")


def delays(usual: Exporter, slow: Exporter) -> None:
    names = ("usual driver", "2 ms in every call")
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    # A shared machine pauses for tens of milliseconds; the median of several runs does not see that.
    for _ in range(DELAY_RUNS):
        times: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(DELAY_SCRAPES):
            for name, exporter in zip(names, (usual, slow), strict=True):
                times[name].append(exporter.timed())
        for name, values in times.items():
            ranked = sorted(values)
            figures[name].append((ranked[len(ranked) // 2], ranked[len(ranked) * 99 // 100]))
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in figures.items()
    }
    for name, (half, most) in medians.items():
        print(f"{name:<20} p50 {half:6.2f} ms   p99 {most:6.2f} ms   (medians of {DELAY_RUNS} runs)")
    print(f"p99 with 2 ms in every call is {medians[names[1]][1] / medians[names[0]][1]:.2f} times that without")


if __name__ == "__main__":
    main()
