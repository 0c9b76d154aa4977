"""The Prometheus beside the demo: found or not, asked, ended. The whole of it runs in tests/end_to_end."""

from __future__ import annotations

import json
import stat
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from genotel.demo.prometheus_process import PrometheusProcess, Sample, find_prometheus
from genotel.errors import ServerError, SettingsError

PAGE = "http://127.0.0.1:9464/metrics"


def program(folder, source):
    """Return an executable file that runs a Python program."""
    file = folder / "fake-prometheus"
    file.write_text(f"#!{sys.executable}\n{source}", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def test_auto_takes_what_the_path_has(tmp_path, monkeypatch):
    """And nothing where it has none; ``none`` never takes anything."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_prometheus("auto") is None
    file = program(tmp_path, "").rename(tmp_path / "prometheus")
    assert find_prometheus("auto") == file
    assert find_prometheus("none") is None


def test_a_program_that_is_named_must_be_there(tmp_path):
    """One clear line says what may be given."""
    file = program(tmp_path, "")
    assert find_prometheus(str(file)) == file
    with pytest.raises(SettingsError, match=r"no program .*absent; give --prometheus the path of a Prometheus, auto"):
        find_prometheus(str(tmp_path / "absent"))


def test_it_gets_a_folder_and_a_port_of_its_own(tmp_path):
    """On loopback, scraping the page every second; nothing else is configured."""
    source = (
        "import sys, time; open(sys.argv[1].partition('=')[2] + '.seen', 'w').write(repr(sys.argv)); time.sleep(60)"
    )
    with PrometheusProcess(program(tmp_path, source), tmp_path / "own", PAGE) as process:
        seen = tmp_path / "own" / "prometheus.yml.seen"
        deadline = threading.Event()
        while not (seen.exists() and seen.read_text()):
            deadline.wait(0.01)
        arguments = seen.read_text(encoding="utf-8")
        assert f"--web.listen-address={process.url[7:-1]}" in arguments
        assert process.url.startswith("http://127.0.0.1:")
        assert "exemplar-storage" in arguments
        assert f"--storage.tsdb.path={tmp_path / 'own' / 'data'}" in arguments
        assert process.failure is None
        assert not process.is_ready
    text = (tmp_path / "own" / "prometheus.yml").read_text(encoding="utf-8")
    assert 'targets: ["127.0.0.1:9464"]' in text
    assert "scrape_interval: 1s" in text
    assert "metrics_path: /metrics" in text
    assert process.failure is not None


def test_one_that_does_not_listen_is_ended_by_force(tmp_path, monkeypatch):
    """The demo must not hang at its end."""
    monkeypatch.setattr("genotel.demo.prometheus_process._TERMINATE_SECONDS", 0.2)
    source = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    process = PrometheusProcess(program(tmp_path, source), tmp_path / "own", PAGE)
    process.stop()
    with process:
        while (tmp_path / "own" / "log").read_bytes() != b"deaf\n":
            threading.Event().wait(0.01)
    assert process.failure == "deaf"


@pytest.mark.parametrize(("source", "failure"), [("print('port taken')", "port taken"), ("exit(3)", "exit code 3")])
def test_one_that_ends_by_itself_is_said(tmp_path, source, failure):
    """By its last line, or its exit code where it said nothing."""
    with PrometheusProcess(program(tmp_path, source), tmp_path / "own", PAGE) as process:
        while process.failure is None:
            threading.Event().wait(0.01)
        assert process.failure == failure


class Answers(BaseHTTPRequestHandler):
    """Answer queries as Prometheus does."""

    def do_GET(self):
        """Give two series, one without a value."""
        result = [
            {"metric": {"path": self.path}, "value": [1.0, "0.25"]},
            {"metric": {}, "value": [1.0, "NaN"]},
        ]
        body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
        self.send_response(200 if "bad" not in self.path else 400)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


def test_an_answer_becomes_samples(tmp_path):
    """Series without a value are left out: unknown is absent. A refusal is an error."""
    process = PrometheusProcess(tmp_path / "never-started", tmp_path, PAGE)
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        process.url = f"http://127.0.0.1:{server.server_port}/"
        try:
            assert process.query('up{a="b"} + 1') == [
                Sample({"path": "/api/v1/query?query=up%7Ba%3D%22b%22%7D%20%2B%201"}, 0.25)
            ]
            assert process.is_ready
            with pytest.raises(ServerError, match="status 400"):
                process.query("bad")
        finally:
            server.shutdown()
            thread.join()
    assert process.failure is None
