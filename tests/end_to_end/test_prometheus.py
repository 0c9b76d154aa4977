"""A real Prometheus reads what genotel serves: names, values, exemplars, and every rare use."""

from __future__ import annotations

import re
import shutil
import subprocess
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from genotel.promql import catalog
from genotel.semconv.generation_metrics import DURATION
from tests import rare_use
from tests.conftest import require
from tests.programs import Program
from tests.servers import RealPrometheus, fetch, wait_for

pytestmark = pytest.mark.real_servers

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
# promtool would have no gauge end in _count; these are OpenTelemetry's names, and we keep to them.
UPSTREAM_COUNTS = {"process_thread_count", "process_unix_file_descriptor_count", "system_process_count"}


def target(url: str) -> str:
    """Return host:port of a page."""
    return re.match(r"http://([^/]+)/", url)[1]


def test_prometheus_reads_the_page_of_a_program_with_exemplars(tmp_path):
    """Counts, durations and a bucket's exemplar arrive, and the exemplar's trace is a call of the run."""
    with Program(port=0, collectors="all", models=["never-used"]) as program:
        with RealPrometheus(tmp_path / "prometheus", {"app": target(program.url)}) as prometheus:
            traces = {program.call("sdxl"), program.call("sdxl"), program.call("flux", "error")}
            wait_for(
                "three calls",
                lambda: (
                    prometheus.query(catalog.calls_so_far()) and prometheus.query(catalog.calls_so_far())[0][1] == 3
                ),
            )
            selector = f"{DURATION.prometheus_name}_bucket"
            found = wait_for(
                "an exemplar",
                lambda: prometheus.api("query_exemplars", query=selector, start=time.time() - 60, end=time.time() + 60),
            )
            shown = {exemplar["labels"]["trace_id"] for series in found for exemplar in series["exemplars"]}
            assert shown
            assert shown <= traces
            zeros = prometheus.query('genotel_generation_requests_total{gen_ai_request_model="never-used"}')
            assert [value for _, value in zeros] == [0.0] * 5
            assert prometheus.query("up") == [(prometheus.query("up")[0][0], 1.0)]
            assert prometheus.query("system_memory_limit_bytes")[0][1] > 0
        program.end()


def test_both_parsers_and_promtool_accept_the_page_of_a_program(tmp_path):
    """Text and OpenMetrics of a page with everything on it are what the reference tools read."""
    promtool = require(shutil.which("promtool"), "promtool (Debian package prometheus)")
    with Program(port=0, collectors="all", journal=str(tmp_path / "journal.db")) as program:
        program.call("sdxl")
        program.call("sdxl", "error")
        text = fetch(program.url).decode()
        openmetrics = fetch(program.url, OPENMETRICS).decode()
        families = {family.name for family in parse_text(text)}
        assert len(families) > 40
        assert {family.name for family in parse_openmetrics(openmetrics)}
        said = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        complaints = [line for line in said.stderr.splitlines() if line.split(" ")[0] not in UPSTREAM_COUNTS]
        assert complaints == []
        program.end()


def test_every_rare_use_is_counted(tmp_path):
    """Twelve models with 0 to 3 calls each and two restarts: every server counts what the journal holds.

    Prometheus 2.42, a newer one with its windows open to the left, and VictoriaMetrics scrape one program;
    the query of the catalogue and ``genotel.Prometheus`` are asked. The hour is scaled down to a scrape
    every second instead of every 15; the arithmetic is the same. `benchmarks/rare_use.py` runs it in real time.
    """
    counted, kept = rare_use.run(tmp_path, scrape_seconds=1, hour_seconds=40)
    assert sum(kept.values()) == 18
    assert counted == dict.fromkeys(counted, kept)
    assert len(counted) == 6
