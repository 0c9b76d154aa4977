"""The watching recommender as operators run it: scraped by a real Prometheus, ended by a signal."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.servers import RealPrometheus, fetch, program, wait_for

DAY = 86_400
SECONDS = 30.0


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Return the event list of a busy and a dead model, up to now."""
    now = int(time.time())
    lines = ["timestamp,model,status,duration_seconds,load_seconds,size_bytes"]
    lines += [f"{now - DAY * day - 60},busy,ok,2,9," for day in range(60, -1, -1)]
    lines += [f"{now - DAY * day},dead,ok,2,9,7000000000" for day in (60, 59)]
    file = tmp_path / "events.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


@contextmanager
def watching(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the watch until the end of the block; yield its process and its page's address."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "genotel", "recommend", "--watch", "--port", "0"),
            *("--interval", "1", "--memory", str(folder / "advice.json"), *options),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.fullmatch(r"genotel: advice on (http://127\.0\.0\.1:\d+)/metrics\n", line)
        assert found, line
        yield process, found[1]
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


@pytest.mark.real_servers
def test_prometheus_scrapes_advice_and_a_signal_ends_the_watch(tmp_path: Path, events: Path) -> None:
    """promtool has nothing to say, series join by model, what is new appears; SIGTERM is a clean end."""
    with watching(tmp_path, "--events", str(events)) as (process, address):
        wait_for("the first run", lambda: fetch(f"{address}/-/ready"), SECONDS)
        page = fetch(f"{address}/metrics")
        checked = subprocess.run(
            [program("promtool"), "check", "metrics"], input=page, capture_output=True, timeout=30, check=False
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
        with RealPrometheus(tmp_path / "prometheus", {"advice": address.removeprefix("http://")}) as prometheus:
            wait_for("advice in Prometheus", lambda: prometheus.query("genotel_advice_open"), SECONDS)
            about = 'gen_ai_request_model="dead",genotel_kind="cleanup"'
            joined = f"genotel_advice_confidence{{{about}}} * genotel_advice_saving_size_bytes{{{about}}}"
            ((_, worth),) = prometheus.query(joined)
            assert 3.5e9 < worth <= 7e9
            bands = prometheus.query('genotel_forecast_requests{gen_ai_request_model="busy",genotel_horizon="1d"}')
            assert {labels["genotel_band"] for labels, _ in bands} == {"lower", "level", "upper"}
            with events.open("a") as file:
                file.write("".join(f"{int(time.time()) - hour * 3600},third,ok,2,9,\n" for hour in range(60)))
            wait_for(
                "the third model",
                lambda: prometheus.query("genotel_recommender_history_models == 3"),
                SECONDS,
            )
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    memory = json.loads((tmp_path / "advice.json").read_text())
    assert {claim["model"] for claim in memory["claims"]} >= {"busy", "dead"}


class _Handler(BaseHTTPRequestHandler):
    messages: list[tuple[bytes, Mapping[str, str]]]

    def do_POST(self) -> None:
        self.messages.append((self.rfile.read(int(self.headers["Content-Length"])), dict(self.headers.items())))
        # Overloaded at first: the sender has patience.
        self.send_response(503 if len(self.messages) == 1 else 204)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def test_a_webhook_is_told_once_and_can_check_who_speaks(tmp_path: Path, events: Path) -> None:
    """Over the wire, after a refusal, and not again by the second process."""
    (tmp_path / "secret").write_text("s3cret\n")
    messages: list[tuple[bytes, Mapping[str, str]]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"messages": messages}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    hook = ("--webhook", f"http://127.0.0.1:{server.server_port}/", "--webhook-secret-file", str(tmp_path / "secret"))
    delivered = b'genotel_recommender_deliveries_total{genotel_result="delivered",otel_scope_name="genotel"} 1'
    try:
        with watching(tmp_path, "--events", str(events), *hook) as (process, address):
            wait_for("the delivery", lambda: delivered in fetch(f"{address}/metrics"), SECONDS)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        with watching(tmp_path, "--events", str(events), *hook) as (process, address):
            wait_for("the first run", lambda: fetch(f"{address}/-/ready"), SECONDS)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert len(messages) == 2
    body, headers = messages[1]
    expected = hmac.new(b"s3cret", headers["X-Genotel-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Genotel-Signature"] == f"sha256={expected}"
    assert {entry["model"] for entry in json.loads(body)["recommendations"]} == {"busy", "dead"}


def test_a_server_that_does_not_answer_does_not_hold_the_end_up(tmp_path: Path) -> None:
    """It takes the question and is silent: the signal ends the watch at once all the same."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with watching(tmp_path, "--prometheus", address) as (process, page):
            connection, _ = silent.accept()
            with connection:
                assert b"genotel_recommender_runs_total" in fetch(f"{page}/metrics")
                process.send_signal(signal.SIGTERM)
                assert process.wait(10) == 0
