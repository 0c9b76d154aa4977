"""Settings that are left alone, ports, displays."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from genotel.demo import surroundings


def test_telemetry_variables_are_hidden_and_come_back(monkeypatch):
    """Those of genotel and of OpenTelemetry, no others; also when the block fails."""
    monkeypatch.setenv("GENOTEL_JOURNAL", "/somewhere")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    monkeypatch.setenv("LANG", "C")
    before = dict(os.environ)

    def fail():
        with surroundings.without_settings():
            assert "GENOTEL_JOURNAL" not in os.environ
            assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in os.environ
            assert os.environ["LANG"] == "C"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert dict(os.environ) == before


def test_a_port_is_taken_while_somebody_serves():
    """0 never is; a host that is not ours cannot be served on either."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert surroundings.is_taken("127.0.0.1", port)
    assert not surroundings.is_taken("127.0.0.1", port)
    assert not surroundings.is_taken("127.0.0.1", 0)
    assert surroundings.is_taken("::1", port) in (True, False)


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_a_display_is_found(variable):
    """By either variable."""
    assert surroundings.has_display({variable: ":0"}, "linux")
    assert not surroundings.has_display({variable: ""}, "linux")


def test_a_slow_browser_holds_nobody_up(monkeypatch):
    """It is opened from a thread of its own."""
    opened, may_end = threading.Event(), threading.Event()
    seen = []

    def open_slowly(url):
        seen.append((url, threading.current_thread().name))
        opened.set()
        may_end.wait(10)

    monkeypatch.setattr("webbrowser.open", open_slowly)
    surroundings.open_browser("http://127.0.0.1:1/")
    assert opened.wait(10)
    may_end.set()
    assert seen == [("http://127.0.0.1:1/", "demo-browser")]
