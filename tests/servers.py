"""Real servers for the tests, on loopback and in temporary folders, ended with the test."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self

import pytest

from tests.architecture.sources import ROOT
from tests.conftest import require

NEWER = ROOT / ".servers" / "bin"


def free_port() -> int:
    """Return a port that nobody has right now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def fetch(url: str, headers: Mapping[str, str] | None = None, timeout: float = 10.0) -> bytes:
    """Return the body of a URL on this machine."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers or {})), timeout=timeout) as answer:
        body: bytes = answer.read()
        return body


def wait_for(what: str, look: Callable[[], Any], timeout: float = 30.0, pause: float = 0.05) -> Any:
    """Return the first answer of ``look`` that is true; fail after the timeout."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            found = look()
        except (OSError, ValueError, HTTPException):
            found = None
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"waited {timeout:g} s for {what}")


def program(name: str, *, newer: bool = False) -> str:
    """Return the path of a server or its tool: Debian's own, or the newer one of ``tools/set_up_servers.sh``."""
    if newer:
        path = NEWER / name
        return require(str(path) if path.exists() else None, f"a newer {name} (tools/set_up_servers.sh)")
    return require(shutil.which(name), f"{name} (tools/set_up.sh)")


class RealServer:
    """Run one server that answers PromQL, on loopback, from entering to leaving.

    Args:
        folder: for configuration, data and log; what a server of this kind left there is read again.
        targets: job name to host:port.
        interval: the scrape interval, in Prometheus' spelling.
        retention: how long it keeps what it has, from 1d up; older blocks are deleted when it starts.
        newer: whether to run the version of ``tools/set_up_servers.sh`` instead of Debian's.
        client: what every job says beside its targets: ``scheme``, ``tls_config``, ``basic_auth``.
    """

    name: str
    ready: str

    def __init__(
        self,
        folder: Path,
        targets: Mapping[str, str] | None = None,
        interval: str = "1s",
        *,
        retention: str = "15d",
        newer: bool = False,
        client: Mapping[str, object] | None = None,
    ) -> None:
        self._retention = retention
        self.is_newer = newer
        self.url = f"http://127.0.0.1:{free_port()}"
        self._program = program(self.name, newer=newer)
        says = "".join(f"\n    {key}: {json.dumps(value)}" for key, value in (client or {}).items())
        jobs = "".join(
            f'\n  - job_name: {job}\n    static_configs: [{{targets: ["{target}"]}}]{says}'
            for job, target in (targets or {}).items()
        )
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        (folder / "prometheus.yml").write_text(
            f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}}}\nscrape_configs:{jobs or ' []'}\n",
            encoding="utf-8",
        )

    def arguments(self) -> list[str]:
        """Return the command line after the program."""
        raise NotImplementedError

    def load(self, text: str) -> None:
        """Put a history into it, as OpenMetrics with timestamps; Prometheus takes it only before it is entered."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen([self._program, *self.arguments()], stdout=log, stderr=subprocess.STDOUT)
        wait_for(f"{self.name} to be ready", lambda: fetch(f"{self.url}{self.ready}"))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def api(self, path: str, **parameters: str) -> Any:
        """Return the data of an API call."""
        query = urllib.parse.urlencode(parameters)
        answer = json.loads(fetch(f"{self.url}/api/v1/{path}?{query}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, promql: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
        """Return the labels and values of an instant query."""
        parameters = {"query": promql} | ({} if at is None else {"time": repr(at)})
        return [(row["metric"], float(row["value"][1])) for row in self.api("query", **parameters)["result"]]


class RealPrometheus(RealServer):
    """Run Prometheus: 2.42 of Debian 12, or 3.5 and newer."""

    name = "prometheus"
    ready = "/-/ready"

    def arguments(self) -> list[str]:
        """Return the command line after the program."""
        return [
            f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--storage.tsdb.retention.time={self._retention}",
            "--enable-feature=exemplar-storage",
            f"--web.listen-address={self.url.removeprefix('http://')}",
            "--log.level=warn",
        ]

    def load(self, text: str) -> None:
        """Write blocks with promtool of the same version."""
        write_blocks(text, self._folder, newer=self.is_newer)


def write_blocks(text: str, folder: Path, *, newer: bool = False) -> None:
    """Put a history into the data folder of a Prometheus that is not running."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "history.txt"
    file.write_text(text, encoding="utf-8")
    # By default the whole text is parsed again for every two hours.
    command = (program("promtool", newer=newer), "tsdb", "create-blocks-from", "--max-block-duration=744h")
    subprocess.run([*command, "openmetrics", file, folder / "data"], check=True, capture_output=True)


class RealVictoriaMetrics(RealServer):
    """Run VictoriaMetrics, single: 1.79 of Debian 12, or 1.145 and newer."""

    name = "victoria-metrics"
    ready = "/health"

    def arguments(self) -> list[str]:
        """Return the command line after the program."""
        return [
            f"-promscrape.config={self._folder / 'prometheus.yml'}",
            f"-storageDataPath={self._folder / 'data'}",
            f"-retentionPeriod={self._retention}",
            f"-httpListenAddr={self.url.removeprefix('http://')}",
            # By default a sample is hidden for its first 30 s, and answers are kept.
            "-search.latencyOffset=0s",
            "-search.disableCache",
            "-memory.allowedPercent=10",
            "-loggerLevel=WARN",
        ]

    def load(self, text: str) -> None:
        """Send the text to the server that runs."""
        request = urllib.request.Request(f"{self.url}/api/v1/import/prometheus", text.encode(), method="POST")
        urllib.request.urlopen(request, timeout=60).close()

    def api(self, path: str, **parameters: str) -> Any:
        """Return the data of an API call; by default a new series is seen after ten seconds only."""
        fetch(f"{self.url}/internal/force_flush")
        return super().api(path, **parameters)


@contextmanager
def server_with_history(kind: str, folder: Path, text: str, retention: str = "1000d") -> Iterator[RealServer]:
    """Run a server of one of ``KINDS`` that holds a history: OpenMetrics with timestamps."""
    if kind == "victoria-metrics":
        with RealVictoriaMetrics(folder, retention=retention, newer=True) as running:
            running.load(text)
            # Others than this test may ask it.
            fetch(f"{running.url}/internal/force_flush")
            yield running
        return
    server = RealPrometheus(folder, retention=retention, newer=kind == "prometheus-3")
    server.load(text)
    with server:
        yield server


# Whoever reads Prometheus meets these three; they differ in windows, in freshness and in answers.
KINDS = ("prometheus", "prometheus-3", "victoria-metrics")
every_server = pytest.mark.parametrize("kind", KINDS)
