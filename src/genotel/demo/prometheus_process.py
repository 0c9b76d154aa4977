"""A real Prometheus beside the demo: on loopback, in a temporary folder, ended with the demo."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

from genotel.demo.local_http import get
from genotel.errors import ServerError, SettingsError

PROGRAM = "prometheus"
AUTO, NONE = "auto", "none"

_TERMINATE_SECONDS = 5.0
_HOST = "127.0.0.1"
# Scraped every second, since people watch; a production server asks every 15 s or so.
_CONFIGURATION = """\
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: genotel-demo
    metrics_path: {path}
    static_configs:
      - targets: ["{target}"]
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold one series of a query's answer."""

    labels: Mapping[str, str]
    value: float


def find_prometheus(choice: str) -> Path | None:
    """Return the program to start: for ``auto`` that of the path if there is one, for ``none`` None.

    Raises:
        SettingsError: a program was named that is not there.
    """
    if choice == NONE:
        return None
    found = shutil.which(PROGRAM if choice == AUTO else choice)
    if found is None and choice != AUTO:
        raise SettingsError(f"no program {choice}; give --prometheus the path of a Prometheus, auto or none")
    return None if found is None else Path(found)


class PrometheusProcess:
    """Run a Prometheus that scrapes one page every second; a context manager.

    Args:
        program: the Prometheus to start.
        folder: an empty folder for its configuration, data and log.
        page_url: what it scrapes.
    """

    def __init__(self, program: Path, folder: Path, page_url: str) -> None:
        self._program = program
        self._folder = folder
        self._page = urlsplit(page_url)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://{_HOST}:{_free_port()}/"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "prometheus.yml"
        text = _CONFIGURATION.format(path=self._page.path, target=self._page.netloc)
        configuration.write_text(text, encoding="utf-8")
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the user's own program, no shell
                [
                    *_ends_with_parent(),
                    os.fspath(self._program),
                    f"--config.file={configuration}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    "--storage.tsdb.retention.time=1d",
                    "--enable-feature=exemplar-storage",
                    f"--web.listen-address={urlsplit(self.url).netloc}",
                    "--log.level=warn",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C in the terminal is for the demo, which ends this one in order.
                process_group=0,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process, by force if it does not listen."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_TERMINATE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def failure(self) -> str | None:
        """Return the last line that it said if it ended by itself, None while it runs."""
        if self._process is None or self._process.poll() is None:
            return None
        lines = (self._folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else f"exit code {self._process.returncode}"

    @property
    def is_ready(self) -> bool:
        """Return whether it answers queries."""
        try:
            get(f"{self.url}-/ready")
        except ServerError:
            return False
        return True

    def query(self, promql: str) -> list[Sample]:
        """Return the answer to an instant query; series without a value (NaN) are left out.

        Raises:
            ServerError: it does not answer or refuses.
        """
        body = json.loads(get(f"{self.url}api/v1/query?query={quote(promql, safe='')}"))
        samples = [Sample(entry["metric"], float(entry["value"][1])) for entry in body["data"]["result"]]
        return [sample for sample in samples if sample.value == sample.value]


def _ends_with_parent() -> list[str]:
    """Return what to put before a command so that even a killed demo leaves nothing behind (util-linux)."""
    program = shutil.which("setpriv")
    return [] if program is None else [program, "--pdeathsig", "TERM", "--"]


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
