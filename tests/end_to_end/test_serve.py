"""``genotel serve`` as a process: it serves, it says where, it ends when told to."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from genotel.collectors.registry import COLLECTORS
from tests.conftest import require

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
# Nothing of this may be loaded by an exporter of a few megabytes.
HEAVY = ("numpy", "opentelemetry", "typer", "pydantic", "rich", "psutil", "prometheus_client", "urllib3")
# promtool would have no gauge end in _count; these are OpenTelemetry's names, and we keep to them.
UPSTREAM_COUNTS = {"process_thread_count", "process_unix_file_descriptor_count", "system_process_count"}


@contextmanager
def serving(*options, program=("-m", "genotel")):
    """Run a server on a free port and give its process and the address that it printed."""
    process = subprocess.Popen(
        [sys.executable, *program, "serve", "--port", "0", *options], stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stderr.readline()
        yield process, re.fullmatch(r"genotel: serving (http://\S+/metrics)\n", line)[1]
    finally:
        process.kill()
        process.stderr.close()
        process.wait()


def get(url, accept="*/*"):
    """Return the page."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def collectors_on(page):
    """Return the names of the collectors that the page tells about."""
    return re.findall(r'^genotel_collector_timeouts_total{genotel_collector="(\w+)"', page, re.MULTILINE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_told_to_stop(number):
    """The address is on stderr, every collector on the page, the exit code 0, and nothing else is said."""
    with serving() as (process, url):
        assert url.startswith("http://127.0.0.1:")
        assert collectors_on(get(url)) == list(COLLECTORS)
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_both_formats_are_read_by_the_reference_parsers_and_promtool():
    """The whole page, as Prometheus would take it."""
    promtool = require(shutil.which("promtool"), "promtool")
    with serving() as (_, url):
        get(url)
        page = get(url)
        families = {family.name: family for family in parse_text(page)}
        assert families["system_cpu_time_seconds"].type == "counter"
        assert families["system_memory_limit_bytes"].samples[0].labels == {"otel_scope_name": "genotel"}
        opened = {family.name: family for family in parse_openmetrics(get(url, OPENMETRICS))}
        assert opened["system_cpu_time_seconds"].unit == "seconds"
        # Two scrapes within one tick of the kernel have no utilization.
        assert opened.keys() ^ families.keys() <= {"system_cpu_utilization"}
    checked = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert {line.split(" ")[0] for line in checked.stderr.splitlines()} == UPSTREAM_COUNTS
    assert all(line.endswith('"_count" suffix') for line in checked.stderr.splitlines())
    assert checked.stdout == ""


def test_the_collectors_can_be_chosen():
    """By names; the order is that of the table."""
    with serving("--collectors", "memory,cpu") as (_, url):
        assert collectors_on(get(url)) == ["cpu", "memory"]


def test_no_collectors_is_a_page_of_genotel_alone(monkeypatch):
    """The environment says so too, and is no default that ``serve`` overrides."""
    monkeypatch.setenv("GENOTEL_COLLECTORS", "none")
    with serving() as (_, url):
        page = get(url)
    assert collectors_on(page) == []
    assert "genotel_scrapes_total" in page


def test_a_taken_port_is_one_clear_line():
    """Exit code 2, and what to do next."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "genotel", "serve", "--port", str(port)], capture_output=True, text=True, timeout=30
        )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert f"port {port} of 127.0.0.1 is taken" in ended.stderr
    assert "--port" in ended.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--collectors", "discs"), "no collector named discs; known are cpu,"),
        (("--port", "70000"), "expected a whole number from 0 to 65535"),
        (("--host", "256.0.0.1", "--port", "0"), "cannot serve on 256.0.0.1 port 0"),
    ],
)
def test_a_wrong_option_is_one_clear_line(options, says):
    """Exit code 2."""
    ended = subprocess.run(
        [sys.executable, "-m", "genotel", "serve", *options], capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert says in ended.stderr


def test_it_becomes_the_exporter():
    """The command line's libraries are gone from the process that serves, which is still the same one."""
    with serving() as (process, url):
        get(url)
        words = Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")
        assert words[-4:] == ["-m", "genotel.collectors.exporter", "port=0", ""]
        assert not re.search("|".join(HEAVY), Path(f"/proc/{process.pid}/maps").read_text())


def test_the_exporter_loads_nothing_heavy():
    """Neither numpy nor the SDK nor a terminal library: they would double its memory."""
    program = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print(sorted({set(HEAVY)} & set(sys.modules)), file=sys.stderr))\n"
        "from genotel.collectors.exporter import main\n"
        "main(['port=0'])\n"
    )
    with serving(program=("-c", program)) as (process, url):
        get(url)
        get(url, OPENMETRICS)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr.read() == "[]\n"
