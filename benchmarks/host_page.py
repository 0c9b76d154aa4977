"""What a page of the machine costs: `genotel serve`, node_exporter, and OpenTelemetry's system-metrics.

    python benchmarks/host_page.py [--rounds 9] [--scrapes 50] [--idle SECONDS]

Three exporters run side by side as processes of their own and are scraped over HTTP in turn, as
Prometheus does: one kept connection, its Accept header, gzip asked for. Printed are medians over the
rounds. The bars: CPU a scrape at most 0.3 times system-metrics and at most 1.5 times node_exporter
with the same six collectors; at most 32 MB of memory (PSS); idle at most 0.1 % of a core.

Needs Linux, `prometheus-node-exporter` (Debian's package) and, in this interpreter's environment,
`opentelemetry-instrumentation-system-metrics` and `opentelemetry-exporter-prometheus`; what is not
there is left out and said.
"""

from __future__ import annotations

import argparse
import http.client
import importlib.util
import shutil
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

# What Prometheus 2.42 sends.
HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
    "User-Agent": "Prometheus/2.42.0",
    "X-Prometheus-Scrape-Timeout-Seconds": "10",
}
SIX = ("cpu", "meminfo", "loadavg", "diskstats", "filesystem", "netdev")
GENOTEL = "genotel serve"
NODE = "node_exporter, six collectors"
SYSTEM_METRICS = "OTel system-metrics, stock exporter"
SYSTEM_METRICS_PROGRAM = """
import sys, time
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.instrumentation.system_metrics import SystemMetricsInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import start_http_server
SystemMetricsInstrumentor().instrument(meter_provider=MeterProvider([PrometheusMetricReader()]))
start_http_server(int(sys.argv[1]), "127.0.0.1")
time.sleep(86400)
"""


def commands() -> dict[str, list[str]]:
    """Return how each exporter that is there is started; ``{port}`` stands for its port."""
    found = {GENOTEL: [sys.executable, "-m", "genotel", "serve", "--port", "{port}"]}
    node = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
    if node:
        chosen = [f"--collector.{name}" for name in SIX]
        found[NODE] = [node, "--web.listen-address=127.0.0.1:{port}", "--collector.disable-defaults", *chosen]
    try:
        if importlib.util.find_spec("opentelemetry.instrumentation.system_metrics"):
            found[SYSTEM_METRICS] = [sys.executable, "-W", "ignore", "-c", SYSTEM_METRICS_PROGRAM, "{port}"]
    except ModuleNotFoundError:
        pass
    for name in {NODE, SYSTEM_METRICS} - found.keys():
        print(f"left out, not installed: {name}")
    return found


@dataclass
class Exporter:
    """One process, its kept connection and what it cost."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection
    page: bytes = b""
    cpu_ms: list[float] = field(default_factory=list)
    wall_ms: list[float] = field(default_factory=list)

    def scrape(self) -> None:
        self.connection.request("GET", "/metrics", headers=HEADERS)
        self.page = self.connection.getresponse().read()

    def round(self, scrapes: int) -> None:
        cpu, walls = cpu_seconds(self.process.pid), []
        for _ in range(scrapes):
            begun = time.perf_counter()
            self.scrape()
            walls.append(time.perf_counter() - begun)
        self.cpu_ms.append((cpu_seconds(self.process.pid) - cpu) / scrapes * 1e3)
        self.wall_ms.append(statistics.median(walls) * 1e3)

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


def start(name: str, command: list[str]) -> Exporter:
    port = free_port()
    process = subprocess.Popen(
        [part.format(port=port) if part == "{port}" or "address" in part else part for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
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


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare what a page of the machine costs.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--scrapes", type=int, default=50)
    parser.add_argument("--idle", type=float, default=20.0, help="seconds without a scrape")
    options = parser.parse_args()
    exporters: list[Exporter] = []
    try:
        for name, command in commands().items():
            exporters.append(start(name, command))
        for exporter in exporters:
            exporter.round(options.scrapes)
            exporter.cpu_ms.clear()
            exporter.wall_ms.clear()
        for _ in range(options.rounds):
            for exporter in exporters:
                exporter.round(options.scrapes)
        before = [cpu_seconds(exporter.process.pid) for exporter in exporters]
        time.sleep(options.idle)
        idle = [
            (cpu_seconds(exporter.process.pid) - cpu) / options.idle
            for exporter, cpu in zip(exporters, before, strict=True)
        ]
        report(exporters, idle)
    finally:
        for exporter in exporters:
            exporter.process.kill()
            exporter.process.wait()


def report(exporters: list[Exporter], idle: list[float]) -> None:
    cpu = {exporter.name: statistics.median(exporter.cpu_ms) for exporter in exporters}
    print(f"{'':<38}{'CPU a scrape':>14}{'wall':>10}{'idle CPU':>11}{'PSS':>10}{'samples':>9}{'genotel is':>12}")
    for exporter, share in zip(exporters, idle, strict=True):
        print(
            f"{exporter.name:<38}{cpu[exporter.name]:>11.2f} ms{statistics.median(exporter.wall_ms):>7.2f} ms"
            f"{share:>10.3%}{pss_mb(exporter.process.pid):>7.1f} MB{exporter.samples():>9}"
            f"{cpu[GENOTEL] / cpu[exporter.name]:>10.2f} x"
        )


if __name__ == "__main__":
    main()
