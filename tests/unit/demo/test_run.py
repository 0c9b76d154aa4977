"""The demo in one process, with options that end-to-end runs do not take."""

from __future__ import annotations

import io
import socket

import pytest
from rich.console import Console

from genotel.autoinstrument import diffusers
from genotel.demo import run
from genotel.demo.run import DemoOptions, run_demo
from genotel.demo.tally import Tally
from genotel.errors import SettingsError
from genotel.instrumentation import accumulators


@pytest.fixture(autouse=True)
def forget_counts():
    """Leave no counts behind for the tests after."""
    yield
    accumulators.reset()


def consoles(*, is_live=False):
    """Return where the demo is shown and where its warnings go."""
    return (
        Console(file=io.StringIO(), width=100, height=40, force_terminal=is_live, color_system=None),
        Console(file=io.StringIO(), width=100),
    )


def test_a_taken_port_is_said_and_another_one_served(tmp_path, monkeypatch):
    """The warning names both; there is a page all the same."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    out, errors = consoles()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run_demo(DemoOptions(seconds=0.2, port=port, prometheus="none"), out, errors, lambda: False)
    assert f"port {port} of 127.0.0.1 is taken; the demo takes any free one" in errors.file.getvalue()
    text = out.file.getvalue()
    assert "http://127.0.0.1:" in text
    assert f"http://127.0.0.1:{port}/" not in text
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_is_not_ours_is_refused(monkeypatch, tmp_path):
    """Without a page there is no demo; temporary files go all the same."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_HOST", "192.0.2.1")
    out, errors = consoles()
    with pytest.raises(SettingsError, match=r"no page can be served on 192\.0\.2\.1"):
        run_demo(DemoOptions(seconds=0.2, port=0, prometheus="none"), out, errors, lambda: False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("has_browser", "is_live", "display", "opens"),
    [(True, True, ":0", True), (False, True, ":0", False), (True, False, ":0", False), (True, True, "", False)],
)
def test_the_browser_is_opened_for_people_only(monkeypatch, has_browser, is_live, display, opens):
    """On a terminal, with a display, unless told not to; at the landing page."""
    opened = []
    monkeypatch.setattr("genotel.demo.surroundings.open_browser", opened.append)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setattr("sys.platform", "linux")
    out, errors = consoles(is_live=is_live)
    options = DemoOptions(port=0, prometheus="none", has_browser=has_browser)
    run_demo(options, out, errors, lambda: True)
    assert [url.startswith("http://127.0.0.1:") and url.endswith("/") for url in opened] == [True] * opens


def test_an_unknown_workload_is_refused():
    """Before anything is started."""
    out, errors = consoles()
    with pytest.raises(SettingsError, match="--workload fractals is unknown; there are drawn, diffusers"):
        run_demo(DemoOptions(workload="fractals"), out, errors, lambda: False)
    assert out.file.getvalue() == ""


def test_pipelines_are_measured_and_left_as_they_were(monkeypatch):
    """The libraries are instrumented for as long as the demo runs; it is said that weights are random."""
    seen = []

    class Standing:
        """Be a workload that does nothing."""

        def __init__(self, kinds):
            seen.append((kinds, diffusers.INSTRUMENTOR.is_on))
            self.tally, self.glimpse, self.waiting, self.in_memory = Tally(["none"]), None, 0, ("none",)

        def start(self):
            """Do nothing."""

        def stop(self, timeout_seconds=0):
            """Do nothing."""

    monkeypatch.setattr(run, "require_libraries", lambda: None)
    monkeypatch.setattr(run, "load_kinds", lambda folder: folder.name)
    monkeypatch.setattr(run, "DiffusersWorkload", Standing)
    out, errors = consoles()
    options = DemoOptions(seconds=0.1, port=0, prometheus="none", workload="diffusers")
    run_demo(options, out, errors, lambda: False)
    assert seen == [("models", True)]
    assert not diffusers.INSTRUMENTOR.is_on
    assert "REAL pipelines of diffusers with RANDOM weights" in out.file.getvalue()
