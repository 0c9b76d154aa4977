"""``genotel serve`` on a box of GPUs that are not there: the real server, child, pynvml and promtool."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from genotel.semconv import gpu_metrics as m
from genotel.semconv.model_metrics import MODEL_SIZE
from tests.conftest import require
from tests.fake_nvml import STATE_VARIABLE, FakeDriver
from tests.model_trees import cached_repository

BASE = "devices = 2\ngpu.*.memory_used = 9000000000\ngpu.0.power = 300000\ngpu.1.power = 100000"
FIRST, SECOND = (f"GPU-fa4e0000-0000-0000-0000-00000000000{number}" for number in range(2))
# promtool would have no gauge end in _count; these are OpenTelemetry's names, and we keep to them.
UPSTREAM_COUNTS = {"process_thread_count", "process_unix_file_descriptor_count", "system_process_count"}


class Box:
    """Hold a server that runs, and what its cards say."""

    def __init__(self, driver, process, url):
        self.driver = driver
        self.process = process
        self.url = url

    def page(self, accept="text/plain;version=0.0.4"):
        with urllib.request.urlopen(urllib.request.Request(self.url, headers={"Accept": accept}), timeout=10) as answer:
            return answer.read().decode()

    def values(self):
        """Return the values by name and the labels that tell them apart."""
        return {
            (
                sample.name,
                *(value for key, value in sorted(sample.labels.items()) if key != "otel_scope_name"),
            ): sample.value
            for family in parse_text(self.page())
            for sample in family.samples
        }

    def until(self, condition, seconds=30.0):
        deadline = time.monotonic() + seconds
        while not condition(values := self.values()):
            assert time.monotonic() < deadline, values
            time.sleep(0.05)
        return values

    def children(self):
        return [
            int(pid)
            for task in Path(f"/proc/{self.process.pid}/task").iterdir()
            for pid in (task / "children").read_text().split()
        ]


@pytest.fixture
def box(tmp_path, monkeypatch):
    """Return a server of two cards and one model on a free port."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    driver = FakeDriver(tmp_path / "state", BASE)
    cached_repository(tmp_path / "hub", "org/model", {"model.gguf": 5000})
    (tmp_path / "genotel.toml").write_text("[gpu]\ngpu_interval_seconds = 0.2\n")
    settings = {
        "LD_LIBRARY_PATH": str(Path(driver.library).parent),
        "HF_HUB_CACHE": str(tmp_path / "hub"),
        "GENOTEL_CONFIG": str(tmp_path / "genotel.toml"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "genotel", "serve", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **settings},
    )
    url = re.fullmatch(r"genotel: serving (http://\S+/metrics)\n", process.stderr.readline())[1]
    made = Box(driver, process, url)
    made.until(lambda values: has(values, m.POWER, FIRST) and has(values, MODEL_SIZE, "org/model"))
    yield made
    process.kill()
    process.wait()
    process.stderr.close()


def has(values, spec, label):
    """Return whether a metric with this label is on the page."""
    return any(key[0] == spec.prometheus_name and label in key for key in values)


def test_the_whole_page_is_read_by_both_parsers_and_promtool(box):
    """Cards, models and host on one page."""
    promtool = require(shutil.which("promtool"), "promtool")
    page = box.page()
    names = {family.name for family in parse_text(page)}
    assert {"hw_gpu_utilization", "genotel_gpu_info", "genotel_model_size_bytes", "system_uptime_seconds"} <= names
    assert [*parse_openmetrics(box.page("application/openmetrics-text; version=1.0.0"))]
    checked = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    complaints = [line for line in checked.stderr.splitlines() if line.split(" ")[0] not in UPSTREAM_COUNTS]
    assert complaints == []


def test_a_call_that_hangs_for_a_minute_leaves_the_page(box):
    """It answers within a second, all else on it is fresh, nothing grows, and the end is clean."""
    box.driver.say("gpu.0.hang.power = 60")
    values = box.until(lambda values: not has(values, m.POWER, FIRST))
    assert has(values, m.POWER, SECOND)
    held = min(_held(box) for _ in range(50))
    ages = []
    for _ in range(100):
        began = time.monotonic()
        page = box.page()
        assert time.monotonic() - began < 1
        ages.append(float(re.search(rf'genotel_gpu_readings_age_seconds{{hw_id="{FIRST}".*}} (\S+)', page)[1]))
        assert f'genotel_gpu_fault{{genotel_reason="hung",hw_id="{FIRST}",otel_scope_name="genotel"}} 1' in page
        assert 'genotel_collector_success{genotel_collector="gpu_nvidia",otel_scope_name="genotel"} 0' in page
        assert 'genotel_collector_success{genotel_collector="cpu",otel_scope_name="genotel"} 1' in page
    assert ages == sorted(ages)
    # A connection may take a moment to close.
    box.until(lambda _: _held(box) == held)
    began = time.monotonic()
    box.process.terminate()
    assert box.process.wait(10) == 0
    assert time.monotonic() - began < 5


def test_a_card_that_falls_off_the_bus_comes_back(box):
    """Its XID is counted, its absence is a fact, and nothing is restarted."""
    [child] = box.children()
    xid = ("hw_errors_total", "xid:79", FIRST, "gpu")
    assert box.until(lambda values: xid in values)[xid] == 0
    box.driver.say("gpu.0.xid = 79\ngpu.0.xid_seq = 1\ngpu.0.error.* = GPU_IS_LOST")
    values = box.until(lambda values: values[xid] == 1 and not has(values, m.POWER, FIRST))
    assert (values["genotel_gpu_expected", "NVIDIA"], values["genotel_gpu_seen", "NVIDIA"]) == (2, 1)
    assert "nan" not in box.page().lower()
    box.driver.say("gpu.0.xid = 79\ngpu.0.xid_seq = 1")
    box.until(lambda values: has(values, m.POWER, FIRST))
    assert box.children() == [child]


def test_a_driver_that_kills_its_caller_costs_one_child(box):
    """The page goes on, and so do the cards with the next child."""
    [child] = box.children()
    box.driver.say("gpu.0.crash.power = 1")
    box.until(lambda _: child not in box.children())
    box.driver.say("")
    box.until(lambda values: has(values, m.POWER, FIRST) and box.children() not in ([], [child]))


def test_the_child_ends_with_its_parent(box):
    """However that ends, and whatever hangs."""
    [child] = box.children()
    box.driver.say("gpu.*.hang.* = 60")
    box.process.kill()
    box.process.wait()
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{child}"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _held(box):
    home = Path(f"/proc/{box.process.pid}")
    return len(os.listdir(home / "task")), len(os.listdir(home / "fd"))
