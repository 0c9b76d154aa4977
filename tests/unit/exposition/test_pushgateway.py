"""A page pushed to a Pushgateway: a real one, and ones that are not as they should be."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client import push_to_gateway as their_push
from prometheus_client.parser import text_string_to_metric_families

from genotel.exposition.page import Page
from genotel.exposition.pushgateway import group_path, push_to_gateway
from genotel.exposition.series import Block, Family, NumberSeries
from tests.conftest import require
from tests.servers import fetch, free_port, wait_for


class Jobs:
    """A source of one counter."""

    def __init__(self, count: int) -> None:
        self._block = Block(Family("jobs", "counter", "Jobs."), [(NumberSeries({"model": "sdxl"}), count)])

    def blocks(self) -> list[Block]:
        """Return the counter."""
        return [self._block]


@pytest.fixture
def gateway():
    """Keep requests and answer 200, or what a test says."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.seen.append((self.path, dict(self.headers), body))
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.status = [], 200
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


GROUPING = {"instance": "gpu 1/a", "empty": "", "folder": "a/b", "name": "ä+b&c"}


def test_a_real_gateway_serves_what_was_pushed(tmp_path):
    """By job and grouping; the last push of a group counts."""
    program = require(shutil.which("prometheus-pushgateway"), "prometheus-pushgateway")
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [program, f"--web.listen-address={address}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path
    )
    try:
        wait_for("the gateway", lambda: fetch(f"http://{address}/-/ready"))
        for count in (2, 3):
            assert push_to_gateway(Page([Jobs(count)]), f"http://{address}", job="nightly", grouping=GROUPING)
        assert push_to_gateway(Page([Jobs(5)]), f"http://{address}", job="other/one")
        page = fetch(f"http://{address}/metrics").decode()
        samples = [
            s for family in text_string_to_metric_families(page) for s in family.samples if s.name == "jobs_total"
        ]
    finally:
        process.terminate()
        process.wait(10)
    assert sorted((sample.labels["job"], sample.value) for sample in samples) == [("nightly", 3), ("other/one", 5)]
    [labels] = [sample.labels for sample in samples if sample.labels["job"] == "nightly"]
    assert labels == {"job": "nightly", "model": "sdxl", **GROUPING}


def test_the_request_is_that_of_the_reference_client(gateway):
    """Same group, same type."""
    grouping = {"instance": "gpu-1", "folder": "a/b", "empty": ""}
    assert push_to_gateway(Page([Jobs(1)]), gateway.url, job="nightly", grouping=grouping)
    their_push(gateway.url, "nightly", CollectorRegistry(), grouping)
    (ours, our_headers, body), (theirs, _, _) = gateway.seen
    assert ours == theirs
    assert our_headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert body.endswith(b'jobs_total{model="sdxl"} 1\n')


def test_a_path_and_a_user_are_taken_from_the_address(gateway):
    """A gateway behind a proxy."""
    url = gateway.url.replace("http://", "http://ada:p%40ss@") + "/gateway/"
    assert push_to_gateway(Page(), url, job="nightly")
    path, headers, _ = gateway.seen[0]
    assert path == "/gateway" + group_path("nightly", {})
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"ada:p@ss"


def test_a_refusal_is_one_warning(gateway, caplog):
    """A gateway finds fault with what it got, and says so by a status."""
    gateway.status = 400
    assert [push_to_gateway(Page(), gateway.url, job="nightly") for _ in range(2)] == [False, False]
    assert len(caplog.records) == 1
    assert "the gateway answered 400" in caplog.text


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:9091", "http://", "http://127.0.0.1:port", "http://[::"])
def test_what_is_no_address_is_a_warning(url, caplog):
    """The address itself, with its password, is not for the log."""
    assert not push_to_gateway(Page(), url, job="nightly")
    assert "ValueError" in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_nobody_there_is_a_warning(caplog):
    """The program goes on."""
    assert not push_to_gateway(Page(), f"http://127.0.0.1:{free_port()}", job="nightly")
    assert "Connection refused" in caplog.text


def test_a_gateway_that_says_nothing_is_given_up(caplog):
    """After the time that was given."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert not push_to_gateway(Page(), url, job="nightly", timeout_seconds=0.2)
    assert "TimeoutError" in caplog.text
