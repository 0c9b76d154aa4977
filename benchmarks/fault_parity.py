"""What three exporters of GPU figures say when a card, its driver or a client misbehaves: same faults, one harness.

    python benchmarks/fault_parity.py --setup DIR       make the peers' environment (needs a package index)
    python benchmarks/fault_parity.py --peers DIR [--write README.md]

Compared are `genotel serve`, nvitop-exporter, and OpenTelemetry's SDK with its stock Prometheus reader and
observable gauges that read pynvml in their callbacks (STOCK below). All three load the driver library of
tests/fixtures/fake_nvml (built with gcc), and each runs alone while its faults are made. Nothing here was
run on a real card.

A page *says so* when a series whose name speaks of a fault, an error, a status, a success, an age or
a count of what is seen has changed since before the fault. `--write` puts the table between its two marks in a file.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.fake_nvml import STATE_VARIABLE, FakeDriver  # noqa: E402
from tests.servers import free_port  # noqa: E402

PEERS = ["nvitop-exporter", "opentelemetry-sdk", "opentelemetry-exporter-prometheus", "nvidia-ml-py", "psutil"]
BASE = "devices = 2\ngpu.*.memory_used = 9000000000\ngpu.0.power = 300000\ngpu.1.power = 100000"
FIRST, SECOND = (f"GPU-fa4e0000-0000-0000-0000-00000000000{number}" for number in range(2))
MARKS = ("<!-- faults: made by benchmarks/fault_parity.py -->", "<!-- /faults -->")
SPEAKS = re.compile(r"fault|error|status|success|fail|health|lost|stale|age_seconds|_seen|_up\b")
SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$", re.MULTILINE)

STOCK = """
import signal, sys, time
import psutil, pynvml
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import start_http_server

def power(options):
    found = []
    for index in range(pynvml.nvmlDeviceGetCount()):
        try:
            card = pynvml.nvmlDeviceGetHandleByIndex(index)
            labels = {"uuid": pynvml.nvmlDeviceGetUUID(card)}
            found.append(Observation(pynvml.nvmlDeviceGetPowerUsage(card) / 1000, labels))
        except pynvml.NVMLError:
            pass
    return found

pynvml.nvmlInit()
meter = MeterProvider(metric_readers=[PrometheusMetricReader()]).get_meter("stock")
meter.create_observable_gauge("gpu.power", [power], unit="W")
meter.create_observable_gauge("host.uptime", [lambda _: [Observation(time.time() - psutil.boot_time())]], unit="s")
certificate = dict(zip(("certfile", "keyfile"), sys.argv[2:]))
start_http_server(int(sys.argv[1]), "127.0.0.1", **certificate)
signal.sigwait([signal.SIGTERM])
"""


@dataclass(frozen=True)
class Exporter:
    """How one of the three is started, and where its page has the two figures that every one has."""

    name: str
    command: Callable[[int, Path | None], list[str]]
    power: str
    uptime: str


class Running:
    """An exporter that runs on the fake driver.

    Args:
        exporter: which one.
        folder: empty, for what the driver says and what the exporter logs.
        first: what the driver says at first beside its two cards.
        certificate: the folder of cert.pem and key.pem of a page with TLS.
    """

    def __init__(self, exporter: Exporter, folder: Path, first: str = "", certificate: Path | None = None) -> None:
        self._exporter = exporter
        self.driver = FakeDriver(folder / "state", BASE)
        self.driver.say(first)
        self.port = free_port()
        self._scheme = "https" if certificate else "http"
        self._context = ssl._create_unverified_context() if certificate else None
        environment = {
            **os.environ,
            STATE_VARIABLE: str(folder / "state"),
            "LD_LIBRARY_PATH": str(Path(self.driver.library).parent),
        }
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                exporter.command(self.port, certificate), env=environment, stdout=log, stderr=log, cwd=folder
            )

    def page(self, timeout: float = 10.0) -> str:
        """Return the page."""
        url = f"{self._scheme}://127.0.0.1:{self.port}/metrics"
        with urllib.request.urlopen(url, timeout=timeout, context=self._context) as answer:
            return answer.read().decode()

    def answers(self, timeout: float) -> bool:
        """Return whether the page comes within so many seconds."""
        try:
            self.page(timeout)
        except OSError:
            return False
        return True

    def power(self, card: str, page: str) -> str | None:
        """Return a card's power as the page has it."""
        found = re.search(rf"^{self._exporter.power}{{[^}}]*{card}[^}}]*}} (\S+)$", page, re.MULTILINE)
        return found and found[1]

    def watts(self, card: str) -> Callable[[], str | None]:
        """Return a function that asks for a card's power."""
        return lambda: self.power(card, self.page())

    def uptime(self) -> float:
        """Return the machine's uptime as the page has it."""
        found = re.search(rf"^{self._exporter.uptime}(?:{{.*}})? (\S+)$", self.page(), re.MULTILINE)
        assert found, "no uptime on the page"
        return float(found[1])

    def facts(self) -> dict[str, str]:
        """Return what the page says about faults."""
        found = SAMPLE.findall(self.page())
        return {name + labels: value for name, labels, value in found if SPEAKS.search(name)}

    def threads(self) -> int:
        """Return how many threads the process has."""
        return len(os.listdir(f"/proc/{self.process.pid}/task"))


def until(look: Callable[[], object], seconds: float) -> bool:
    """Return whether ``look`` came true within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, AssertionError):
            if look():
                return True
        time.sleep(0.2)
    return False


def said(before: dict[str, str], after: dict[str, str]) -> bool:
    """Return whether a fact changed that is no age: ages of healthy things change all the time."""
    return any(value != before.get(name) for name, value in after.items() if "age" not in name) or any(
        name not in after for name in before
    )


Start = Callable[..., contextlib.AbstractContextManager[Running]]


def hung(start: Start) -> Iterator[tuple[str, bool | str]]:
    """Have one card's call hang for a minute."""
    with start() as exporter:
        before, threads = exporter.facts(), exporter.threads()
        exporter.driver.say("gpu.0.hang.power = 60\ngpu.1.power = 111000")
        time.sleep(8)
        fault = "A card's driver call hangs for 60 s"
        slowest = 0.0
        for _ in range(20):
            began = time.monotonic()
            exporter.answers(2)
            slowest = max(slowest, time.monotonic() - began)
        yield f"{fault}: pages come within 1 s", slowest < 1
        answering = exporter.answers(2)
        if answering:
            first = exporter.uptime()
            time.sleep(3)
            yield "… the machine's values stay fresh", exporter.uptime() > first
            yield "… so do the other card's", exporter.power(SECOND, exporter.page()) in {"111", "111.0"}
            yield (
                "… the hung card's last value is not passed off as new",
                exporter.power(FIRST, exporter.page()) is None,
            )
            yield "… the page says so", said(before, exporter.facts())
        else:
            for question in ("the machine's values stay fresh", "so do the other card's"):
                yield f"… {question}", "no page"
            yield "… the hung card's last value is not passed off as new", "no page"
            yield "… the page says so", "no page"
        yield "… no threads pile up", exporter.threads() <= threads + 2
        exporter.process.terminate()
        try:
            exporter.process.wait(5)
        except subprocess.TimeoutExpired:
            yield "… SIGTERM ends the exporter within 5 s", False
        else:
            yield "… SIGTERM ends the exporter within 5 s", True


def lost(start: Start) -> Iterator[tuple[str, bool | str]]:
    """Let a card fall off the bus and come back."""
    with start() as exporter:
        before = exporter.facts()
        exporter.driver.say("gpu.0.error.* = GPU_IS_LOST")
        until(lambda: exporter.power(FIRST, exporter.page()) not in {"300", "300.0"}, 20)
        page = exporter.page()
        yield "A card falls off the bus: its last value goes", exporter.power(FIRST, page) not in {"300", "300.0"}
        yield "… and is not NaN, which would spoil sums", (exporter.power(FIRST, page) or "").lower() != "nan"
        yield "… the other card's value stays", exporter.power(SECOND, page) in {"100", "100.0"}
        yield "… the page says so", said(before, exporter.facts())
        exporter.driver.say("gpu.0.power = 222000")
        yield "… it is back without a restart", until(lambda: exporter.watts(FIRST)() in {"222", "222.0"}, 75)


def crashed(start: Start) -> Iterator[tuple[str, bool | str]]:
    """Let the driver library kill who calls it."""
    with start() as exporter:
        exporter.driver.say("gpu.0.crash.power = 1")
        with contextlib.suppress(OSError):
            exporter.page()
        time.sleep(8)
        yield "The driver kills its caller: the exporter lives", exporter.answers(2)
        exporter.driver.say("gpu.0.power = 222000")
        yield "… and the card comes back", until(lambda: exporter.watts(FIRST)() in {"222", "222.0"}, 75)


def reported(start: Start) -> Iterator[tuple[str, bool | str]]:
    """Let the driver report two errors of one code."""
    with start() as exporter:
        counted = re.compile(r"^\S*(?:xid|error)\S*?\{[^}]*79[^}]*\} (\S+)$", re.MULTILINE | re.IGNORECASE)

        def count() -> float | None:
            found = counted.search(exporter.page())
            return float(found[1]) if found else None

        yield "XID errors: a counter is there at 0 before the first", until(lambda: count() == 0, 10)
        for number in (1, 2):
            exporter.driver.say(f"gpu.0.xid = 79\ngpu.0.xid_seq = {number}")
            time.sleep(3)
        yield "… two of one code count 2", until(lambda: count() == 2, 10)


def late(start: Start) -> Iterator[tuple[str, bool | str]]:
    """Start before the driver is loaded."""
    with start(first="init_error = DRIVER_NOT_LOADED") as exporter:
        yield "No driver at the start: the page is served", until(lambda: exporter.answers(2), 15)
        exporter.driver.say("")
        yield "… cards are found when it comes", until(exporter.watts(FIRST), 75)


def silent(start: Start, folder: Path) -> Iterator[tuple[str, bool | str]]:
    """Connect to a page with TLS and say nothing."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    (folder / "web.yml").write_text("tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n")
    with start(certificate=folder) as exporter, socket.create_connection(("127.0.0.1", exporter.port)):
        time.sleep(0.5)
        yield "A silent client of a page with TLS delays nobody", exporter.answers(2)


def exporters(peers: Path) -> list[Exporter]:
    """Return the three."""

    def genotel(port: int, certificate: Path | None) -> list[str]:
        web = ["--web.config.file", str(certificate / "web.yml")] if certificate else []
        return [sys.executable, "-m", "genotel", "serve", "--port", str(port), *web]

    def nvitop(port: int, certificate: Path | None) -> list[str]:
        tls = ["--certfile", f"{certificate}/cert.pem", "--keyfile", f"{certificate}/key.pem"] if certificate else []
        return [str(peers / "bin/nvitop-exporter"), "--port", str(port), *tls]

    def stock(port: int, certificate: Path | None) -> list[str]:
        tls = [f"{certificate}/cert.pem", f"{certificate}/key.pem"] if certificate else []
        return [str(peers / "bin/python"), "-c", STOCK, str(port), *tls]

    return [
        Exporter("genotel", genotel, "hw_power_watts", "system_uptime_seconds"),
        Exporter("nvitop-exporter", nvitop, "gpu_power_usage_W", "host_uptime_Second"),
        Exporter("OTel SDK, stock reader", stock, "gpu_power_watts", "host_uptime_seconds"),
    ]


def outcomes(exporter: Exporter, folder: Path) -> dict[str, bool | str]:
    """Return what came of every fault."""
    answers: dict[str, bool | str] = {}
    for fault in (hung, lost, crashed, reported, late, silent):
        made = folder / fault.__name__
        made.mkdir()

        @contextlib.contextmanager
        def start(first: str = "", certificate: Path | None = None, made: Path = made) -> Iterator[Running]:
            running = Running(exporter, made, first, certificate)
            try:
                if not first:
                    assert until(lambda: running.watts(FIRST)() and running.watts(SECOND)(), 20), exporter.name
                yield running
            finally:
                running.process.kill()
                running.process.wait()

        questions = silent(start, made) if fault is silent else fault(start)
        # An ellipsis stands for the fault above it: the same words may follow two faults.
        answers |= {f"{fault.__name__}: {question}": outcome for question, outcome in questions}
        print(f"{exporter.name}: {fault.__name__} done", file=sys.stderr)
    return answers


def table(found: dict[str, dict[str, bool | str]]) -> str:
    """Return the outcomes as Markdown."""
    words = {True: "yes", False: "**no**"}
    lines = [f"| | {' | '.join(found)} |", f"|---|{'---|' * len(found)}"]
    for question in next(iter(found.values())):
        cells = [outcomes[question] for outcomes in found.values()]
        row = " | ".join(words[cell] if isinstance(cell, bool) else cell for cell in cells)
        lines.append(f"| {question.partition(': ')[2]} | {row} |")
    return "\n".join(lines) + "\n"


def versions(peers: Path) -> str:
    """Return what was compared, and when."""
    names = ("nvitop-exporter", "opentelemetry-sdk", "opentelemetry-exporter-prometheus", "nvidia-ml-py")
    program = (
        f"from importlib.metadata import version; print(*(f'{{name}} {{version(name)}}' for name in {names}), sep=', ')"
    )
    asked = subprocess.run([peers / "bin/python", "-c", program], capture_output=True, text=True, check=True)
    return f"{time.strftime('%Y-%m-%d')}, on a fake driver: {asked.stdout.strip()}.\n"


def main() -> None:
    """Make the faults and print the table."""
    parser = argparse.ArgumentParser(description="see the top of this file")
    parser.add_argument("--setup", metavar="DIR", type=Path)
    parser.add_argument("--peers", metavar="DIR", type=Path)
    parser.add_argument("--write", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    if arguments.setup:
        subprocess.run([sys.executable, "-m", "venv", arguments.setup], check=True)
        subprocess.run([arguments.setup / "bin/pip", "install", "--quiet", *PEERS], check=True)
        return
    if not arguments.peers:
        parser.error("name the peers' environment: --peers DIR")
    with tempfile.TemporaryDirectory(prefix="genotel-faults-") as folder:
        found = {}
        for number, exporter in enumerate(exporters(arguments.peers.absolute())):
            made = Path(folder, str(number))
            made.mkdir()
            found[exporter.name] = outcomes(exporter, made)
    text = table(found) + "\n" + versions(arguments.peers.absolute())
    print(text)
    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        before, _, rest = page.partition(MARKS[0])
        _, mark, after = rest.partition(MARKS[1])
        if not mark:
            parser.error(f"{arguments.write} lacks the marks {MARKS[0]} and {MARKS[1]}")
        arguments.write.write_text(f"{before}{MARKS[0]}\n\n{text}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
