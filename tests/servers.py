"""Real servers for the tests, on loopback and in temporary folders, ended with the test."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self

from tests.conftest import require


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


class RealPrometheus:
    """Run Debian's Prometheus against pages of this machine.

    Args:
        folder: empty, for configuration, data and log.
        targets: job name to host:port.
        interval: the scrape interval, in Prometheus' spelling.
        retention: how long it keeps what it has; older blocks are deleted when it starts.
    """

    def __init__(
        self, folder: Path, targets: Mapping[str, str], interval: str = "1s", *, retention: str = "15d"
    ) -> None:
        self._retention = retention
        self.url = f"http://127.0.0.1:{free_port()}"
        self._program = require(shutil.which("prometheus"), "prometheus")
        jobs = "".join(
            f'  - job_name: {job}\n    static_configs: [{{targets: ["{target}"]}}]\n' for job, target in targets.items()
        )
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        (folder / "prometheus.yml").write_text(
            f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}}}\nscrape_configs:\n{jobs}",
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--storage.tsdb.retention.time={self._retention}",
                    "--enable-feature=exemplar-storage",
                    f"--web.listen-address={self.url.removeprefix('http://')}",
                    "--log.level=warn",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for("Prometheus to be ready", lambda: fetch(f"{self.url}/-/ready"))
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
