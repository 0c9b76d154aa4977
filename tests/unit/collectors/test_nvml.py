"""NVIDIA's driver library by way of the real pynvml, on a library that a test can tell what to say."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from genotel.collectors.gpu_reading import GpuMemory, reading_from
from genotel.collectors.nvml import DriverAbsentError, GpuFaultError, Nvml, XidEvents
from genotel.semconv import gpu_metrics as m
from tests.fake_nvml import STATE_VARIABLE, FakeDriver, built

BASE = """
devices = 2
driver_version = 570.86.15
gpu.*.name = NVIDIA H100 80GB HBM3
gpu.*.memory_total = 85520809984
gpu.0.memory_used = 60129542144
gpu.0.memory_reserved = 500000000
gpu.0.utilization_gpu = 87
gpu.0.utilization_memory = 29
gpu.0.encoder = 3
gpu.0.decoder = 4
gpu.0.power = 512345
gpu.0.temperature = 71
gpu.0.clocks_event_reasons = 4
gpu.0.procs = 100:58720256000,200
gpu.0.graphics_procs = 100:58720256000,300:1000
gpu.0.ecc_corrected = 5
gpu.0.remapped_correctable = 2
gpu.0.remap_pending = 1
gpu.0.retired_double = 3
gpu.0.recovery_action = 1
gpu.0.fan = 130
"""
OLD = """
import json, sys
from genotel.collectors.nvml import Nvml
nvml = Nvml(sys.argv[1])
gpu = nvml.gpu(0)
print(json.dumps([gpu.read(links=True), gpu.throttle_bits()]))
"""


@pytest.fixture
def driver(monkeypatch, tmp_path):
    """Return the fake cards that this process's pynvml reads."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    return FakeDriver(tmp_path / "state", BASE)


@pytest.fixture
def nvml(driver):
    """Return the driver as genotel knows it."""
    return Nvml(driver.library)


def test_every_value_is_in_base_units(nvml):
    """Percent become ratios, megahertz hertz, milliwatts watts, millijoules joules."""
    reading = nvml.gpu(0).read()
    assert (nvml.driver_version(), nvml.count()) == ("570.86.15", 2)
    assert (reading.ordinal, reading.uuid[-1], reading.name) == (0, "0", "NVIDIA H100 80GB HBM3")
    assert reading.bus == "00000000:01:00.0"
    assert reading.utilization == {"general": 0.87, "memory": 0.29, "encoder": 0.03, "decoder": 0.04}
    assert reading.temperatures == {"gpu": 71, "memory": 40}
    assert reading.temperature_limits == {"shutdown": 98, "slowdown": 95}
    assert (reading.power, reading.power_limit, reading.energy) == (512.345, 350, 123.456)
    assert reading.clocks == {"graphics": 210e6, "sm": 210e6, "memory": 1593e6, "video": 210e6}
    assert reading.clock_limits == {"graphics": 1980e6, "sm": 1980e6, "memory": 1593e6, "video": 1980e6}
    assert (reading.performance_state, reading.fan_speed) == (8, 1.0)
    assert nvml.gpu(0).throttle_bits() == 4


def test_health_is_read(nvml):
    """ECC, rows, pages and what the driver asks for."""
    reading = nvml.gpu(0).read()
    assert reading.ecc_errors == {m.ECC_CORRECTED: 5, m.ECC_UNCORRECTED: 0}
    assert reading.rows_remapped == {"correctable": 2, "uncorrectable": 0}
    assert (reading.row_remap_pending, reading.row_remap_failed) == (True, False)
    assert reading.pages_retired == {"single_bit": 0, "double_bit": 3}
    assert reading.recovery_action == 1


def test_memory_has_its_reserved_part_and_its_processes(nvml):
    """A process that computes and draws counts once; one whose memory is unknown stays, unknown."""
    memory = nvml.gpu(0).read().memory
    assert memory[:3] == (85520809984, 60129542144, 500000000)
    assert dict(memory.processes) == {100: 58720256000, 200: None, 300: 1000}
    assert nvml.gpu(1).read().memory.processes == []


def test_what_a_card_does_not_support_is_none(driver, nvml):
    """Unknown is absent, never 0."""
    unsupported = (
        "fan",
        "power",
        "energy",
        "memory",
        "utilization",
        "encoder",
        "ecc",
        "remapped_rows",
        "fields",
        "clock",
    )
    driver.say("\n".join(f"gpu.1.error.{metric} = NOT_SUPPORTED" for metric in unsupported))
    reading = nvml.gpu(1).read()
    assert (reading.fan_speed, reading.power, reading.energy, reading.memory) == (None, None, None, None)
    assert (reading.utilization, reading.ecc_errors, reading.clocks) == ({"decoder": 0.0}, {}, {})
    assert (reading.row_remap_pending, reading.recovery_action) == (None, None)
    assert reading.temperatures == {"gpu": 35}


def test_one_unknown_error_costs_one_value(driver, nvml):
    """The others are read all the same."""
    driver.say("gpu.0.error.power = UNKNOWN\ngpu.0.pstate = 32\ngpu.0.error.procs = UNKNOWN\n")
    reading = nvml.gpu(0).read()
    assert (reading.power, reading.performance_state) == (None, None)
    assert reading.temperatures["gpu"] == 71
    driver.say(
        "gpu.0.error.procs = UNKNOWN\ngpu.0.error.graphics_procs = UNKNOWN\ngpu.0.error.mps_procs = NO_PERMISSION"
    )
    assert nvml.gpu(0).read().memory.processes is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("GPU_IS_LOST", m.LOST),
        ("RESET_REQUIRED", m.RESET_REQUIRED),
        ("UNKNOWN", m.UNREADABLE),
        ("MEMORY", m.UNREADABLE),
    ],
)
def test_a_gpu_that_does_not_answer_has_a_reason(driver, nvml, error, reason):
    """From the handle on, or only once it is asked for values; and it comes back by itself."""
    gpu = nvml.gpu(0)
    driver.say(f"gpu.0.error.* = {error}")
    for ask in (lambda: nvml.gpu(0), gpu.read):
        with pytest.raises(GpuFaultError) as raised:
            ask()
        assert raised.value.reason == reason
    driver.say("")
    assert nvml.gpu(0).read().power == 512.345


def test_a_gpu_keeps_what_is_known_of_it_while_it_keeps_its_number(driver, nvml):
    """Names and limits are read once a minute; another card at that number is another GPU."""
    gpu = nvml.gpu(0)
    assert gpu.read().name == "NVIDIA H100 80GB HBM3"
    driver.say("gpu.*.name = Other")
    assert nvml.gpu(0) is gpu
    assert gpu.read().name == "NVIDIA H100 80GB HBM3"
    driver.say("gpu.0.uuid = GPU-b\ngpu.1.uuid = GPU-a\ngpu.*.name = Other")
    assert (nvml.gpu(0).uuid, nvml.gpu(1).uuid) == ("GPU-b", "GPU-a")
    assert nvml.gpu(0).read().name == "Other"


def test_instances_are_read_with_their_profile(driver, nvml):
    """Each has a memory and processes of its own; a gap in their numbers does not matter."""
    driver.say(
        "gpu.1.mig_devices = 2\ngpu.1.mig1.memory_used = 7\ngpu.1.mig1.procs = 5:6\ngpu.1.mig0.error.uuid = UNKNOWN"
    )
    [instance] = nvml.gpu(1).read().instances
    assert instance.uuid == "MIG-fa4e0000-0000-0000-0000-000000000011"
    assert (instance.profile, instance.name) == ("1g.10gb", "NVIDIA Fake GPU 1 MIG 1g.10gb")
    assert instance.memory.used == 7
    assert instance.memory.processes == [(5, 6)]
    driver.say("gpu.1.mig_devices = 2\ngpu.1.error.mig = NOT_FOUND")
    assert nvml.gpu(1).read().instances == []


def test_links_are_read_only_when_asked_for(driver, nvml):
    """They take 20 ms a direction on a real card."""
    driver.say("gpu.0.pcie_tx_bytes = 5\ngpu.0.pcie_rx_bytes = 6\ngpu.0.nvlink_tx_kib = 1\ngpu.0.nvlink_rx_kib = 2")
    assert (nvml.gpu(0).read().pcie, nvml.gpu(0).read().nvlink) == (None, None)
    reading = nvml.gpu(0).read(links=True)
    assert (reading.pcie, reading.nvlink) == ((5, 6), (1024, 2048))


def test_pcie_bytes_are_added_up_from_samples_where_the_driver_does_not_count(driver, nvml, monkeypatch):
    """A rate holds for the time since the sample before; nothing is known before the first."""
    now = [100.0]
    monkeypatch.setattr("genotel.collectors.nvml.time.monotonic", lambda: now[0])
    driver.say("gpu.0.pcie_tx_kbps = 2\ngpu.0.pcie_rx_kbps = 3")
    gpu = nvml.gpu(0)
    assert gpu.read(links=True).pcie == (0, 0)
    now[0] += 5
    assert gpu.read(links=True).pcie == (10_000, 15_000)
    driver.say("gpu.0.error.pcie_throughput = NOT_SUPPORTED")
    assert gpu.read(links=True).pcie is None


def test_an_xid_is_told_with_its_gpu_and_code(driver, nvml):
    """Two like errors are two events, also when they come at once."""
    events = XidEvents([nvml.gpu(0), nvml.gpu(1)])
    assert events.uuids == {nvml.gpu(0).uuid, nvml.gpu(1).uuid}
    assert events.wait(0.01) is None
    driver.say("gpu.1.xid = 79\ngpu.1.xid_seq = 2")
    assert [events.wait(1), events.wait(1), events.wait(0)] == [(nvml.gpu(1).uuid, 79)] * 2 + [None]
    events.close()


def test_a_card_without_events_is_not_waited_for(driver, nvml):
    """Its XIDs are unknown, so it gets no series."""
    driver.say("gpu.1.error.events = NOT_SUPPORTED")
    assert XidEvents([nvml.gpu(0), nvml.gpu(1)]).uuids == {nvml.gpu(0).uuid}


@pytest.mark.parametrize("error", ["DRIVER_NOT_LOADED", "LIB_RM_VERSION_MISMATCH"])
def test_a_driver_that_does_not_open_is_absent(driver, error):
    """The library may be there without a kernel module that fits."""
    driver.say(f"init_error = {error}")
    with pytest.raises(DriverAbsentError):
        Nvml(driver.library)


def test_a_library_that_does_not_load_is_no_driver(tmp_path):
    """A file of that name may be anything."""
    (tmp_path / "libnvidia-ml.so.1").write_text("no library")
    with pytest.raises(DriverAbsentError, match="library"):
        Nvml(str(tmp_path / "libnvidia-ml.so.1"))


def test_an_older_driver_is_asked_by_its_older_functions(driver):
    """Memory without its reserved part, the plain temperature, the older lists and reasons; no fields."""
    done = subprocess.run(
        [sys.executable, "-c", OLD, built(old=True)], env={**os.environ}, capture_output=True, check=True, timeout=30
    )
    fields, bits = json.loads(done.stdout)
    reading = reading_from(fields)
    assert isinstance(reading.memory, GpuMemory)
    assert (reading.memory.used, reading.memory.reserved) == (60629542144, None)
    assert len(reading.memory.processes) == 3
    assert reading.temperatures == {"gpu": 71}
    assert (reading.recovery_action, reading.pcie, reading.nvlink) == (None, [0, 0], None)
    assert bits == 4
