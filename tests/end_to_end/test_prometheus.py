"""A real Prometheus reads what genotel serves: names, values, exemplars, and every rare use."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections import Counter

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from genotel.journal.reader import JournalReader
from genotel.promql import catalog
from genotel.semconv.generation_metrics import DURATION
from tests.conftest import require
from tests.servers import RealPrometheus, fetch, free_port, wait_for

pytestmark = pytest.mark.real_servers

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
# promtool would have no gauge end in _count; these are OpenTelemetry's names, and we keep to them.
UPSTREAM_COUNTS = {"process_thread_count", "process_unix_file_descriptor_count", "system_process_count"}

# One line of JSON in, one line out; so the test decides when what happens.
PROGRAM = """
import json, sys
import genotel
from opentelemetry import trace
settings = json.loads(sys.argv[1])
handle = genotel.configure(**settings)
print(json.dumps(handle.url), flush=True)
for line in sys.stdin:
    model, outcome = json.loads(line)
    try:
        with genotel.generation(model, output="image", parameters={"steps": 3, "width": 64, "height": 64}) as call:
            for _ in range(3):
                call.step()
            call.outputs(1)
            trace_id = trace.get_current_span().get_span_context().trace_id
            if outcome != "ok":
                raise ValueError("told to")
    except ValueError:
        pass
    print(json.dumps(f"{trace_id:032x}"), flush=True)
genotel.shutdown()
"""


class Program:
    """Run an instrumented program that makes the calls it is told to."""

    def __init__(self, **settings: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = json.loads(self._process.stdout.readline())

    def call(self, model: str, outcome: str = "ok") -> str:
        """Make one call and return its trace id."""
        self._process.stdin.write(json.dumps([model, outcome]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """Let the program come to its end."""
        self._process.stdin.close()
        assert self._process.wait(20) == 0
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            pipe.close()


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
    """Twelve models with 0 to 3 calls each and two restarts: PromQL counts what the journal holds.

    The hour is scaled down to a scrape every second instead of every 15; the arithmetic is the same.
    `benchmarks/rare_use.py --realtime` runs it at 15 s.
    """
    journal = tmp_path / "journal.db"
    port = free_port()
    plan = rare_plan()
    began = time.time()
    with RealPrometheus(tmp_path / "prometheus", {"app": f"127.0.0.1:{port}"}) as prometheus:
        for calls in plan:
            with Program(port=port, journal=str(journal)) as program:
                scraped_again(prometheus)
                for model, outcome in calls:
                    program.call(model, outcome)
                    time.sleep(0.7)
                scraped_again(prometheus)
                program.end()
        counted = uses(prometheus, time.time() - began)
    with JournalReader(journal) as reader:
        kept = Counter(record.model for record in reader.calls())
    assert sum(kept.values()) == sum(len(calls) for calls in plan)
    assert counted == dict(kept)


def rare_plan() -> list[list[tuple[str, str]]]:
    """Return the calls of three runs of a program: 12 models with 0, 1, 2 or 3 calls in all."""
    plan: list[list[tuple[str, str]]] = [[], [], []]
    for number in range(12):
        for use in range(number % 4):
            # Some models are used in every run, some only in the last.
            plan[(number + use) % 3].append((f"model-{number}", "ok" if use % 2 == 0 else "error"))
    return plan


def scraped_again(prometheus: RealPrometheus) -> None:
    """Wait until the page was scraped twice from now on: once may have begun before now."""
    last = "timestamp(up)"
    now = time.time()
    wait_for(
        "two scrapes",
        lambda: (
            [1 for _, at in prometheus.query(last) if at > now + 1.0] and [1 for _, up in prometheus.query("up") if up]
        ),
    )


def uses(prometheus: RealPrometheus, seconds: float) -> dict[str, int]:
    """Return the uses of each model in the last seconds, as the catalogue asks for them."""
    rows = prometheus.query(catalog.requests(seconds + 5))
    return {labels[catalog.MODEL_LABEL]: round(value) for labels, value in rows if round(value)}
