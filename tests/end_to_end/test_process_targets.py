"""A real Prometheus finds the processes of a spool, by both kinds of service discovery, and misses them again."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import Program
from tests.servers import RealPrometheus, wait_for

pytestmark = pytest.mark.real_servers

CONFIGURATION = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: http
    http_sd_configs: [{{url: "http://{address}/sd", refresh_interval: 1s}}]
  - job_name: file
    file_sd_configs: [{{files: ["{file}"]}}]
  - job_name: whole
    static_configs: [{{targets: ["{address}"]}}]
"""


def test_prometheus_finds_each_process_and_misses_a_killed_one(tmp_path: Path) -> None:
    """Each has its own counts under its own name; the page of all has the sum."""
    spool, file = tmp_path / "spool", tmp_path / "targets" / "genotel.json"
    file.parent.mkdir()
    words = ["--port", "0", "--collectors", "none", "--spool", str(spool), "--file-sd", str(file)]
    exporter = subprocess.Popen(
        [sys.executable, "-m", "genotel", "serve", *words], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        line = exporter.stderr.readline()
        address = re.search(r"http://([^/]+)/metrics", line)[1]
        prometheus = RealPrometheus(tmp_path / "prometheus")
        (tmp_path / "prometheus" / "prometheus.yml").write_text(
            CONFIGURATION.format(address=address, file=file), encoding="utf-8"
        )
        with (
            Program(page=False, spool=str(spool)) as first,
            Program(page=False, spool=str(spool)) as second,
            prometheus,
        ):
            first.call("sdxl")
            for _ in range(2):
                second.call("sdxl")

            def counts(job: str) -> list[float]:
                query = f'genotel_generation_requests_total{{job="{job}",genotel_outcome="ok"}}'
                return sorted(value for _, value in prometheus.query(query))

            for job in ("http", "file"):
                wait_for(f"both processes by {job}_sd", lambda job=job: counts(job) == [1, 2])
                found = prometheus.query(f'up{{job="{job}"}}')
                assert len({labels["genotel_process"] for labels, _ in found}) == 2
                assert {value for _, value in found} == {1}
            wait_for("the sum", lambda: counts("whole") == [3])
            second._process.kill()
            for job in ("http", "file"):
                wait_for(f"one process by {job}_sd", lambda job=job: counts(job) == [1])
            assert counts("whole") == [3]
            first.end()
        exporter.send_signal(signal.SIGTERM)
        assert exporter.wait(20) == 0
    finally:
        exporter.kill()
        exporter.wait()
        exporter.stderr.close()
