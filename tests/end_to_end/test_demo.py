"""``genotel demo`` as people start it: on its own, with a real Prometheus, ended by signals."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import require
from tests.leftovers import ended_with_test

ENDED = "Everything that the demo started has ended; its temporary files are gone."


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """Return an environment with an empty home and a temporary folder that can be looked into."""
    (tmp_path / "home").mkdir()
    (tmp_path / "temporary").mkdir()
    # A real journal and a real Collector that the demo must leave alone.
    return {
        **os.environ,
        "HOME": str(tmp_path / "home"),
        "XDG_STATE_HOME": str(tmp_path / "home" / "state"),
        "TMPDIR": str(tmp_path / "temporary"),
        "GENOTEL_JOURNAL": str(tmp_path / "home" / "precious.db"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
    }


def leftovers(tmp_path: Path) -> list[Path]:
    """Return every file that the demo left behind."""
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def start(environment: dict[str, str], *options: str) -> subprocess.Popen[str]:
    """Start the demo on a free port."""
    return ended_with_test(
        subprocess.Popen(
            [sys.executable, "-m", "genotel", "demo", "--port", "0", *options],
            env=environment,
            cwd=environment["HOME"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )


def test_it_shows_everything_and_ends_by_itself(surroundings: dict[str, str], tmp_path: Path) -> None:
    """Page, simulated history, real calls, p95, advice on both kinds; nothing on stderr, nothing left."""
    demo = start(surroundings, "--seconds", "4", "--no-browser", "--prometheus", "none")
    out, errors = demo.communicate(timeout=60)
    assert (demo.returncode, errors) == (0, "")
    assert re.search(r"page +http://127\.0\.0\.1:\d+/metrics", out)
    assert out.startswith("SIMULATED history: 30 days, 10 models")
    assert re.search(r"3 s  real calls \d+ .* p95 [\d.]+ s, by PromQL –", out)
    assert re.search(r"doodle-16 +\d+ .* s +–", out)
    simulated, _, real = out.partition("Advice from the REAL calls of this run")
    assert "cleanup: simulated/stable-diffusion-1.5" in simulated
    assert "performance: simulated/ltx-video" in simulated
    assert "simulated/" not in real
    assert out.endswith(f"{ENDED}\n")
    assert leftovers(tmp_path) == []


@pytest.mark.real_servers
def test_a_real_prometheus_sees_what_the_program_counts(surroundings: dict[str, str], tmp_path: Path) -> None:
    """The p95 that PromQL computes, and a count of calls that is equal. Prometheus first scrapes after 5 s."""
    require(shutil.which("prometheus"), "prometheus")
    demo = start(surroundings, "--seconds", "4", "--no-browser")
    out, errors = demo.communicate(timeout=90)
    assert (demo.returncode, errors) == (0, "")
    counted = re.search(r"(\d+) by the program's own count, (\d+) by PromQL: equal", out)
    assert counted
    assert int(counted[1]) == int(counted[2]) > 5
    assert re.search(r"all +\d+ +\d+ +\d+ +0 +\d+ +[\d.]+ s +[\d.]+ s", out)
    assert "p95 by PromQL: histogram_quantile(0.95, " in out
    assert leftovers(tmp_path) == []


def prometheus_of(demo: subprocess.Popen[str]) -> psutil.Process:
    """Return the Prometheus that a demo has started, once there is one."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for child in psutil.Process(demo.pid).children(recursive=True):
            if child.name() == "prometheus":
                return child
        time.sleep(0.05)
    raise AssertionError("no Prometheus was started")


@pytest.mark.real_servers
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything(surroundings: dict[str, str], tmp_path: Path, number: signal.Signals) -> None:
    """Exit code 0, the advice all the same, no Prometheus and no file left behind."""
    require(shutil.which("prometheus"), "prometheus")
    demo = start(surroundings)
    prometheus = prometheus_of(demo)
    demo.send_signal(number)
    out, errors = demo.communicate(timeout=30)
    assert (demo.returncode, errors) == (0, "")
    assert "Advice from the SIMULATED history" in out
    assert out.endswith(f"{ENDED}\n")
    assert not prometheus.is_running()
    assert leftovers(tmp_path) == []


@pytest.mark.real_servers
def test_even_a_killed_demo_leaves_no_prometheus(surroundings: dict[str, str]) -> None:
    """The system ends it with its parent."""
    require(shutil.which("prometheus"), "prometheus")
    require(shutil.which("setpriv"), "setpriv")
    demo = start(surroundings)
    prometheus = prometheus_of(demo)
    demo.kill()
    demo.communicate(timeout=30)
    gone, _ = psutil.wait_procs([prometheus], timeout=10)
    assert gone == [prometheus]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--prometheus", "/nowhere/prometheus"), "no program /nowhere/prometheus; give --prometheus"),
        (("--port", "70000"), "expected a whole number from 0 to 65535"),
    ],
)
def test_a_wrong_option_is_one_clear_line(surroundings: dict[str, str], options: tuple[str, str], says: str) -> None:
    """Exit code 2, before anything is started."""
    demo = start(surroundings, *options)
    out, errors = demo.communicate(timeout=30)
    assert (demo.returncode, out) == (2, "")
    assert errors.count("\n") == 1
    assert says in errors
