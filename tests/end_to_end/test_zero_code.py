"""``opentelemetry-instrument python job.py``: a page, a journal or another exporter, without a line of code."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from genotel.journal.reader import JournalReader
from tests.servers import free_port

JOB = """
import sys, urllib.request
import genotel
with genotel.generation("zero"):
    pass
url = sys.argv[1]
if url:
    print(urllib.request.urlopen(url).read().decode())
"""
COUNT = 'genotel_generation_requests_total{gen_ai_operation_name="generate_content"'


def run(url: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the job under opentelemetry-instrument and return what it said."""
    tool = Path(sys.executable).with_name("opentelemetry-instrument")
    return subprocess.run(
        [tool, sys.executable, "-c", JOB, url],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def counts(page: str) -> list[str]:
    """Return the values of the counter of calls that went well."""
    lines = [line for line in page.splitlines() if line.startswith(COUNT) and 'genotel_outcome="ok"' in line]
    return [line.rsplit(" ", 1)[1] for line in lines]


@pytest.mark.parametrize(
    ("environment", "value"),
    [
        ({}, "1"),
        ({"OTEL_METRICS_EXPORTER": "genotel"}, "1"),
        # The stock exporter, by the user's choice: the same series, written its way.
        ({"OTEL_METRICS_EXPORTER": "prometheus"}, "1.0"),
    ],
    ids=["nothing said", "genotel by name", "the stock exporter"],
)
def test_a_page_is_served(environment, value):
    """The call is on the page that the environment asks for, once."""
    port = free_port()
    done = run(f"http://127.0.0.1:{port}/metrics", OTEL_EXPORTER_PROMETHEUS_PORT=str(port), **environment)
    assert counts(done.stdout) == [value]
    assert done.stderr == ""


def test_the_reader_by_name_serves_under_another_configurator(tmp_path):
    """A distro that only knows OTEL_METRICS_EXPORTER gets a page too."""
    (tmp_path / "other_configurator.py").write_text(
        "from opentelemetry.sdk._configuration import _OTelSDKConfigurator\n"
        "class Other(_OTelSDKConfigurator):\n    pass\n"
        "Other().configure(auto_instrumentation_version='0')\n"
    )
    port = free_port()
    job = f"import other_configurator\n{JOB}"
    done = subprocess.run(
        [sys.executable, "-c", job, f"http://127.0.0.1:{port}/metrics"],
        env={
            **os.environ,
            "PYTHONPATH": str(tmp_path),
            "OTEL_METRICS_EXPORTER": "genotel",
            "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert counts(done.stdout) == ["1"]


def test_a_taken_port_is_one_warning_for_the_reader_by_name(tmp_path):
    """The program goes on without its page."""
    script = "from genotel.telemetry.entry_points import ServedPageReader\nServedPageReader().shutdown()\nprint('on')"
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as taken:
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "OTEL_EXPORTER_PROMETHEUS_PORT": str(taken.server_port)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert done.stdout == "on\n"
    assert done.stderr.count("is not served") == 1


def test_the_journal_is_kept_where_the_environment_asks(tmp_path):
    """GENOTEL_JOURNAL works without code."""
    path = tmp_path / "journal.db"
    run("", GENOTEL_JOURNAL=str(path), GENOTEL_PAGE="false")
    with JournalReader(path) as reader:
        assert [record.model for record in reader.calls()] == ["zero"]


@contextmanager
def otlp_collector():
    """Serve a collector that remembers which paths it was posted to."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_otlp_endpoint_gets_traces_and_metrics_beside_the_page():
    """An endpoint in the environment is enough to push both."""
    port = free_port()
    with otlp_collector() as (endpoint, seen):
        done = run(
            f"http://127.0.0.1:{port}/metrics",
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_EXPORTER_PROMETHEUS_PORT=str(port),
        )
    assert counts(done.stdout) == ["1"]
    assert {"/v1/traces", "/v1/metrics"} <= set(seen)


def test_a_missing_exporter_is_one_clear_warning(tmp_path):
    """An endpoint without the extra says what to install, and the page is served all the same."""
    blocker = tmp_path / "sitecustomize.py"
    blocker.write_text(
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.startswith('opentelemetry.exporter.otlp'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "from opentelemetry.instrumentation.auto_instrumentation import initialize\n"
        "initialize()\n"
    )
    port = free_port()
    done = subprocess.run(
        [sys.executable, "-c", JOB, f"http://127.0.0.1:{port}/metrics"],
        env={
            **os.environ,
            "PYTHONPATH": str(tmp_path),
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert counts(done.stdout) == ["1"]
    assert "pip install 'genotel[otlp]'" in done.stderr
