"""Whatever OpenTelemetry a program already has is respected; its globals can be set once, so each runs alone."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PROLOGUE = """
import json, logging, os, sys
import genotel
from opentelemetry import metrics, trace
from genotel.exposition.text_format import TEXT_0_0_4

@genotel.measure(model="m")
def generate():
    return trace.get_current_span().get_span_context()

def shown(handle, name="genotel_generation_requests_total"):
    return sum(
        float(line.rpartition(" ")[2])
        for line in handle.page.render(TEXT_0_0_4).decode().splitlines()
        if line.startswith(name + "{")
    )

def say(**facts):
    print(json.dumps(facts), flush=True)
"""

OWN_PROVIDERS = """
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

memory, exporter = InMemoryMetricReader(), InMemorySpanExporter()
meters, tracers = MeterProvider([memory]), TracerProvider()
tracers.add_span_processor(SimpleSpanProcessor(exporter))

def recorded():
    data = memory.get_metrics_data()
    return {
        metric.name
        for resource in (data.resource_metrics if data else [])
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
"""


def run(program: str, **environment: str) -> tuple[list[dict[str, Any]], str]:
    """Return what a program said, and its standard error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROLOGUE + program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_a_programs_own_providers_get_everything_and_the_page_has_it_too() -> None:
    """Set before configure(); after shutdown() they live on, and calls still go there."""
    (before, after), errors = run(
        OWN_PROVIDERS
        + """
metrics.set_meter_provider(meters); trace.set_tracer_provider(tracers)
handle = genotel.configure(port=0)
generate()
say(page=shown(handle), spans=[span.name for span in exporter.get_finished_spans()],
    recorded="genotel.generation.requests" in recorded(),
    kept=metrics.get_meter_provider() is meters and trace.get_tracer_provider() is tracers)
handle.shutdown()
generate()
say(spans=len(exporter.get_finished_spans()), recorded=bool(recorded()))
"""
    )
    assert before == {"page": 1, "spans": ["generate_content m"], "recorded": True, "kept": True}
    assert after == {"spans": 2, "recorded": True}
    assert errors == ""


def test_a_program_that_never_configures_us_is_measured_into_its_own_providers() -> None:
    """Also when it sets them after the first call."""
    said, errors = run(
        OWN_PROVIDERS
        + """
generate()
say(valid=generate().is_valid)
metrics.set_meter_provider(meters); trace.set_tracer_provider(tracers)
generate()
say(spans=len(exporter.get_finished_spans()), recorded="gen_ai.client.operation.duration" in recorded())
"""
    )
    assert said == [{"valid": False}, {"spans": 1, "recorded": True}]
    assert errors == ""


def test_without_providers_ours_are_the_global_ones() -> None:
    """The program's own spans and metrics go the same way."""
    ((said),), errors = run(
        """
handle = genotel.configure(port=0)
metrics.get_meter("app").create_counter("jobs").add(3)
with trace.get_tracer("app").start_as_current_span("request") as request:
    inner = generate()
say(jobs=shown(handle, "jobs_total"), same=inner.trace_id == request.get_span_context().trace_id)
genotel.shutdown()
"""
    )
    assert said == {"jobs": 3, "same": True}
    assert errors == ""


def test_a_disabled_sdk_measures_nothing_and_says_nothing() -> None:
    """``OTEL_SDK_DISABLED``: with or without configure()."""
    ((said),), errors = run(
        """
context = generate()
handle = genotel.configure(port=0)
generate()
say(url=handle.url, page=shown(handle), valid=context.is_valid)
genotel.shutdown()
""",
        OTEL_SDK_DISABLED="true",
    )
    assert said == {"url": None, "page": 0, "valid": False}
    assert errors == ""


class _Collector(http.server.BaseHTTPRequestHandler):
    """Be an OTLP collector that keeps what it gets."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        """Take one export."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.bodies.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Collector:
    """Hold what a collector got."""

    def __init__(self, port: int, bodies: list[tuple[str, bytes]]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._bodies = bodies

    def spans(self) -> list[str]:
        """Return the names of the spans."""
        return [
            span.name
            for path, body in self._bodies
            if path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict[str, Any]:
        """Return the last data of each metric."""
        return {
            metric.name: metric
            for path, body in self._bodies
            if path == "/v1/metrics"
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Collector)
    server.bodies = []  # type: ignore[attr-defined]  # ours
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Collector(server.server_address[1], server.bodies)  # type: ignore[attr-defined]  # as above
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


ENDS = {
    "shutdown": "genotel.shutdown()",
    "exit": "",
    "SIGTERM": "import signal; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); genotel.shutdown(); "
    "genotel.configure(port=0, handle_signals=True); generate(); os.kill(os.getpid(), signal.SIGTERM)",
    "fork": "import os\nif os.fork() == 0:\n    generate(); sys.exit(0)\nos.wait()",
    "multiprocessing": "import multiprocessing\n"
    "child = multiprocessing.get_context('fork').Process(target=generate); child.start(); child.join()",
}
# How many calls each makes beside the first.
MORE = {"shutdown": 0, "exit": 0, "SIGTERM": 1, "fork": 1, "multiprocessing": 1}


@pytest.mark.parametrize("end", ENDS)
def test_spans_and_metrics_are_pushed_to_a_collector_before_the_end(end: str) -> None:
    """Whatever end that is, of the process or of its child; nothing that was made is lost."""
    with collecting() as collector:
        _, errors = run(
            f"genotel.configure(port=0)\ngenerate()\n{ENDS[end]}\n", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url
        )
        assert errors == ""
        assert collector.spans() == ["generate_content m"] * (1 + MORE[end])
        requests = collector.metrics()["genotel.generation.requests"].sum
        assert sum(point.as_int for point in requests.data_points) >= 1
        (duration,) = collector.metrics()["gen_ai.client.operation.duration"].histogram.data_points
        assert duration.count == 1
        assert duration.explicit_bounds[-1] == 5242.88


def test_a_program_with_providers_of_its_own_pushes_by_them_alone() -> None:
    """Set by the program, they are not doubled by ours, though the endpoint is set."""
    with collecting() as collector:
        ((said),), _ = run(
            OWN_PROVIDERS
            + """
metrics.set_meter_provider(meters); trace.set_tracer_provider(tracers)
genotel.configure(port=0)
generate()
genotel.shutdown()
say(spans=len(exporter.get_finished_spans()))
""",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        )
        assert said == {"spans": 1}
        assert (collector.spans(), collector.metrics()) == ([], {})


def test_without_the_extra_there_is_one_warning_and_the_page_is_served() -> None:
    """An endpoint in the environment of a program that has no exporter."""
    ((said),), errors = run(
        """
sys.modules["opentelemetry.exporter.otlp.proto.http.trace_exporter"] = None
sys.modules["opentelemetry.exporter.otlp.proto.http.metric_exporter"] = None
handle = genotel.configure(port=0)
generate()
say(page=shown(handle), url=bool(handle.url))
genotel.shutdown()
""",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
    )
    assert said == {"page": 1, "url": True}
    assert errors == (
        "genotel: an OTLP endpoint is set but its exporter is not installed; nothing is pushed. "
        "Install it: pip install 'genotel[otlp]'\n"
    )
