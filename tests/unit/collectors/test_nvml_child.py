"""The process that talks to the driver: looks in the background, answers from memory, tells XIDs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from genotel.collectors.framing import FrameReader, packed
from genotel.collectors.gpu_reading import reading_from
from genotel.collectors.nvml_child import DriverService, serve
from genotel.semconv import gpu_metrics as m
from tests.fake_nvml import STATE_VARIABLE, FakeDriver

FIRST = "GPU-fa4e0000-0000-0000-0000-000000000000"
SECOND = "GPU-fa4e0000-0000-0000-0000-000000000001"


@pytest.fixture
def driver(monkeypatch, tmp_path):
    """Return two fake cards."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    return FakeDriver(tmp_path / "state", "devices = 2")


@pytest.fixture
def told():
    """Return the list of what was told unasked."""
    return []


@pytest.fixture
def service(driver, told):
    """Return a maker of services that look twenty times a second and end with the test."""
    made = []

    def make(start=True, **options):
        given = {"interval_seconds": 0.05, "links": False, "limit_seconds": 0.1, **options}
        made.append(DriverService(driver.library, tell=told.append, **given))
        if start:
            made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.stop()
    # The library is one for all tests of this process: a thread that lingers would take the next one's events.
    until(lambda: not any(thread.name.startswith("genotel-nvml-") for thread in threading.enumerate()))


def until(condition, seconds=10.0):
    """Wait for the service's threads; return what the condition returned first that counts."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found


def gpus(service):
    """Return number -> UUID or fault, from a fresh answer."""
    return {
        number: fault or reading_from(fields).uuid
        for number, fields, fault in json.loads(json.dumps(service.answer(None)))["gpus"]
    }


def test_before_the_first_look_nothing_is_known(service):
    """Which is not the same as no GPU."""
    answer = service(start=False).answer(None)
    assert (answer["seq"], answer["gpus"], answer["error"]) == (0, [], None)


def test_every_gpu_is_looked_at(service):
    """With its age; the version of the driver comes with each answer."""
    one = service()
    until(lambda: one.answer(None)["seq"])
    answer = one.answer(None)
    assert gpus(one) == {0: FIRST, 1: SECOND}
    assert answer["driver"] == "570.00.fake"
    assert set(answer["ages"]) == {0, 1}
    assert all(0 <= age < 5 for age in answer["ages"].values())


def test_readings_that_are_known_are_not_sent_again(service):
    """The answer to a scraper that comes faster than the looks is short."""
    one = service(interval_seconds=60)
    seen = until(lambda: one.answer(None)["seq"])
    assert "gpus" not in one.answer(seen)
    assert "ages" in one.answer(seen)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("gpu.0.error.* = GPU_IS_LOST", m.LOST),
        ("gpu.0.error.* = UNKNOWN", m.UNREADABLE),
        ("gpu.0.error.* = RESET_REQUIRED", m.RESET_REQUIRED),
        ("gpu.0.hang.power = 0.5", m.HUNG),
    ],
)
def test_a_fault_costs_one_gpu_until_it_is_over(driver, service, lines, fault):
    """The other one is read on; the first one is back with the first look after."""
    one = service()
    until(lambda: one.answer(None)["seq"])
    driver.say(lines)
    until(lambda: gpus(one) == {0: fault, 1: SECOND})
    driver.say("")
    until(lambda: gpus(one) == {0: FIRST, 1: SECOND})


def test_a_hang_costs_one_thread_however_long_it_lasts(driver, service):
    """Look after look."""
    one = service()
    until(lambda: one.answer(None)["seq"])
    driver.say("gpu.0.hang.* = 3\n")
    until(lambda: gpus(one).get(0) == m.HUNG)
    threads = threading.active_count()
    seen = one.answer(None)["seq"]
    until(lambda: one.answer(None)["seq"] > seen + 10)
    assert threading.active_count() <= threads + 1


def test_a_count_that_hangs_leaves_the_gpus_that_are_known(driver, service):
    """They are asked by the handles that they have."""
    one = service()
    until(lambda: one.answer(None)["seq"])
    driver.say("count_hang = 0.5")
    seen = one.answer(None)["seq"]
    until(lambda: one.answer(None)["seq"] > seen + 3)
    assert gpus(one) == {0: FIRST, 1: SECOND}


def test_a_fault_of_ours_is_a_fault_of_the_gpu(service, monkeypatch):
    """Whatever a driver returns, the child goes on."""
    monkeypatch.setattr("genotel.collectors.nvml.Gpu.read", lambda *_, **__: 1 / 0)
    one = service()
    until(lambda: one.answer(None)["seq"])
    assert gpus(one) == {0: m.UNREADABLE, 1: m.UNREADABLE}


def test_a_driver_that_does_not_open_is_said(driver, service):
    """In the answer, since only the parent knows what to do about it."""
    driver.say("init_error = DRIVER_NOT_LOADED")
    one = service()
    assert until(lambda: one.answer(None)["error"]) == "drivernotloaded"


def test_a_driver_that_cannot_count_any_more_is_said(service, monkeypatch):
    """It was closed under our feet."""
    from genotel.collectors.nvml import DriverAbsentError, Nvml

    def count(_):
        raise DriverAbsentError("uninitialized")

    one = service()
    until(lambda: one.answer(None)["seq"])
    monkeypatch.setattr(Nvml, "count", count)
    assert until(lambda: one.answer(None)["error"]) == "uninitialized"


def test_throttling_is_added_up_by_reason(driver, service, monkeypatch):
    """Reasons that hold at once both count; an idle GPU is not throttled."""
    monkeypatch.setattr("genotel.collectors.nvml_child._THROTTLE_SECONDS", 0.02)
    driver.say("gpu.0.clocks_event_reasons = 0x25\ngpu.1.error.clocks_event_reasons = NOT_SUPPORTED")

    def seconds(number):
        [fields] = [fields for gpu, fields, _ in one.answer(None)["gpus"] if gpu == number]
        return fields.throttle_seconds

    driver.say("gpu.0.clocks_event_reasons = 37\ngpu.1.error.clocks_event_reasons = NOT_SUPPORTED")
    one = service(interval_seconds=0.1)
    until(lambda: one.answer(None)["seq"] and seconds(0)["sw_power_cap"] > 0.05)
    held = seconds(0)
    assert held["sw_thermal_slowdown"] == held["sw_power_cap"]
    assert {reason for reason, value in held.items() if value} == {"sw_power_cap", "sw_thermal_slowdown"}
    assert seconds(1) is None


def test_an_xid_is_told_as_it_comes(driver, service, told):
    """Each one, with its time; they are waited for before anything is asked."""
    one = service()
    until(lambda: len(one.answer(None)["events"]) == 2)
    driver.say("gpu.1.xid = 79\ngpu.1.xid_seq = 2")
    until(lambda: len(told) == 2)
    assert [(event["uuid"], event["xid"]) for event in told] == [(SECOND, 79)] * 2
    assert abs(told[0]["time"] - time.time()) < 60


def test_events_of_a_gpu_that_came_are_waited_for(driver, service, told):
    """The set is made anew for it."""
    driver.say("devices = 1")
    one = service()
    until(lambda: one.answer(None)["events"] == [FIRST])
    driver.say("devices = 2")
    until(lambda: len(one.answer(None)["events"]) == 2)
    driver.say("gpu.1.xid = 31\ngpu.1.xid_seq = 1")
    until(lambda: told)
    driver.say("devices = 2\ngpu.*.error.events = NOT_SUPPORTED")
    other = service()
    until(lambda: other.answer(None)["seq"])
    assert other.answer(None)["events"] == []


def test_questions_on_the_pipe_are_answered_until_it_ends(driver):
    """Pieces of a question wait for the rest."""
    (question, ask), (answer, reply) = os.pipe(), os.pipe()
    options = {"library": driver.library, "interval": 0.05, "limit": 1.0, "links": False}
    thread = threading.Thread(target=serve, args=(question, reply, options))
    thread.start()
    wire = packed({"seen": None})
    os.write(ask, wire[:3])
    os.write(ask, wire[3:])
    [message] = FrameReader().messages(os.read(answer, 65536))
    assert "seq" in message
    os.close(ask)
    thread.join(10)
    assert not thread.is_alive()
    for descriptor in (question, answer, reply):
        os.close(descriptor)


def test_nobody_listening_is_an_end_too(driver):
    """The parent may be gone without closing its questions."""
    (question, ask), (answer, reply) = os.pipe(), os.pipe()
    os.close(answer)
    os.write(ask, packed({}))
    serve(question, reply, {"library": driver.library, "interval": 0.05, "limit": 1.0, "links": False})
    for descriptor in (question, ask, reply):
        os.close(descriptor)


def test_the_module_runs_as_a_program(driver):
    """It ends with its input, at once, even while a call hangs."""
    driver.say("gpu.0.hang.* = 60")
    options = json.dumps({"library": driver.library, "interval": 0.05, "limit": 1.0, "links": False})
    process = subprocess.Popen(
        [sys.executable, "-m", "genotel.collectors.nvml_child", options], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    wire, _ = process.communicate(packed({"seen": None}), timeout=30)
    assert process.returncode == 0
    [message] = FrameReader().messages(wire)
    assert message["seq"] == 0


def test_the_child_imports_nothing_heavy():
    """It lives as long as the exporter: no SDK, no psutil, no HTTP, no subprocess."""
    program = (
        "import sys; before = {*sys.modules}; import genotel.collectors.nvml_child; print(*{*sys.modules} - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    # pynvml itself brings ctypes.util, and that one subprocess.
    heavy = {"numpy", "opentelemetry", "psutil", "prometheus_client", "http", "logging", "asyncio"}
    assert not heavy & set(done.stdout.split())
