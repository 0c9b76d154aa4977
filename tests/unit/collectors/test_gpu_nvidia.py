"""NVIDIA's GPUs on the page, through the real child process, pynvml and a library that says what we want."""

from __future__ import annotations

import math
import os
import signal
import threading
import time

import pytest

from genotel.clock import Clock
from genotel.collectors.collector import IncompleteError, NoData
from genotel.collectors.gpu_nvidia import GpuNvidiaCollector
from genotel.collectors.proc_files import ProcFiles
from genotel.collectors.scrape import Scrape
from genotel.semconv import gpu_metrics as m
from genotel.settings import GpuSettings, Settings, SpoolSettings
from tests.fake_nvml import STATE_VARIABLE, FakeDriver
from tests.loaded_worker import loaded

FIRST = "GPU-fa4e0000-0000-0000-0000-000000000000"
SECOND = "GPU-fa4e0000-0000-0000-0000-000000000001"
BASE = """
devices = 2
gpu.*.memory_total = 80000000000
gpu.*.memory_used = 50000000000
gpu.0.power = 300000
gpu.1.power = 100000
"""


class MovingClock:
    """Be the real clock and what the test adds to it."""

    def __init__(self):
        self.added = 0.0

    def clock(self):
        return Clock(monotonic=lambda: time.monotonic() + self.added)


class Box:
    """Hold a collector, and read it as a page would."""

    def __init__(self, collector):
        self.collector = collector

    def read(self):
        """Return the values by metric and labels, whether all could be read, or None for no data."""
        values = {}
        complete = True
        try:
            for spec, labels, value in self.collector.collect():
                assert (spec.name, *labels) not in values
                assert math.isfinite(value)
                values[spec.name, *labels] = value
        except NoData:
            assert values == {}
            return None, True
        except IncompleteError:
            complete = False
        return values, complete

    def values(self):
        return self.read()[0] or {}

    def until(self, condition, seconds=20.0):
        """Read until the values fulfil a condition; return them."""
        deadline = time.monotonic() + seconds
        while True:
            values = self.values()
            if condition(values):
                return values
            assert time.monotonic() < deadline, values
            time.sleep(0.01)

    def has_fault(self, uuid, reason):
        return lambda values: values.get((m.FAULT.name, uuid, reason)) == 1

    def answers(self, uuid):
        return lambda values: (m.POWER.name, uuid, m.GPU) in values


@pytest.fixture
def moving():
    """Return a clock to turn."""
    return MovingClock()


@pytest.fixture
def driver(monkeypatch, tmp_path):
    """Return two fake cards."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    return FakeDriver(tmp_path / "state", BASE)


@pytest.fixture
def box(driver, moving, tmp_path, monkeypatch):
    """Return a maker of boxes whose child ends with the test."""
    made = []
    # A busy machine takes its time to start a process.
    monkeypatch.setattr("genotel.collectors.gpu_nvidia._FIRST_SECONDS", 20)

    def make(find_library=lambda: driver.library, model_of=lambda _: "", **settings):
        files = ProcFiles(str(tmp_path / "proc"), str(tmp_path / "sys"))
        collector = GpuNvidiaCollector(
            files, find_library, model_of=model_of, call_limit_seconds=0.2, clock=moving.clock()
        )
        given = {"gpu_interval_seconds": 0.1, **settings}
        collector.configure(Settings(gpu=GpuSettings(**given)))
        made.append(collector)
        return Box(collector)

    yield make
    for collector in made:
        collector.close()


def processes(folder, **names):
    """Give a fixture machine processes: pid7="name"."""
    for key, name in names.items():
        home = folder / "proc" / key.removeprefix("pid")
        home.mkdir(parents=True)
        (home / "comm").write_text(name + "\n")
        (home / "cgroup").write_text(f"0::/system.slice/{name}.service\n")


def test_the_first_page_has_every_gpu(box):
    """One scrape is enough to see them, their names and that all is well."""
    values, complete = box().read()
    assert complete
    assert values[m.POWER.name, FIRST, m.GPU] == 300
    assert values[m.POWER.name, SECOND, m.GPU] == 100
    assert (values[m.EXPECTED.name, "NVIDIA"], values[m.SEEN.name, "NVIDIA"]) == (2, 2)
    assert values[m.STATUS.name, FIRST, m.GPU, m.OK] == 1
    [info] = [key for key in values if key[:2] == (m.INFO.name, FIRST)]
    assert info[2:] == ("0", "NVIDIA Fake GPU 0", "NVIDIA", "570.00.fake", "00000000:01:00.0", "", "")
    assert 0 <= values[m.AGE.name, FIRST] < 5


def test_without_the_library_nothing_is_started(box, moving):
    """It is looked for once a minute, no oftener."""
    looked = []
    one = box(lambda: looked.append(1))
    threads = threading.active_count()
    for _ in range(3):
        assert one.read() == (None, True)
    moving.added += 60
    assert one.read() == (None, True)
    assert (len(looked), threading.active_count()) == (2, threads)
    assert one.collector._child is None


@pytest.mark.parametrize("lines", ["init_error = DRIVER_NOT_LOADED", "devices = 0"])
def test_a_box_that_gets_its_gpus_later_is_read_within_a_minute(driver, box, moving, lines):
    """No driver or no card at the start is no fault; the child that found none is not kept."""
    driver.say(lines)
    one = box()
    deadline = time.monotonic() + 20
    while one.collector._child is not None or not one.collector._next_discovery:
        assert one.read() == (None, True)
        assert time.monotonic() < deadline
    driver.say("")
    assert one.read() == (None, True)
    moving.added += 60
    one.until(one.answers(FIRST))


def test_memory_adds_up_to_the_whole(driver, box, tmp_path):
    """Processes, the unattributed rest, the driver's part and what is free."""
    processes(tmp_path, pid100="vllm", pid200="comfy")
    driver.say("gpu.0.procs = 100:30000000000,200:5000000000,201:1\ngpu.0.memory_reserved = 600000000")
    values = box().values()
    parts = {key[2:]: value for key, value in values.items() if key[:2] == (m.PROCESS_MEMORY.name, FIRST)}
    assert parts == {
        ("vllm", "", "vllm.service", "", ""): 30e9,
        ("comfy", "", "comfy.service", "", ""): 5e9,
        ("", "", "", "", ""): 1,
    }
    rest = values[m.MEMORY_UNATTRIBUTED.name, FIRST]
    assert sum(parts.values()) + rest == values[m.MEMORY_USAGE.name, FIRST] == 50e9
    free = 80e9 - 50e9 - 600e6
    assert 50e9 + values[m.MEMORY_RESERVED.name, FIRST] + free == values[m.MEMORY_LIMIT.name, FIRST]
    assert values[m.MEMORY_UTILIZATION.name, FIRST] == 50 / 80


def test_processes_of_one_program_are_one_series_unless_pids_are_wanted(driver, box, tmp_path):
    """Workers come and go; a series each costs Prometheus."""
    processes(tmp_path, pid100="vllm", pid101="vllm")
    driver.say("gpu.0.procs = 100:3,101:4")
    together = box(model_of=lambda pid: "llama" if pid == 100 else "")
    values = together.values()
    assert values[m.PROCESS_MEMORY.name, FIRST, "vllm", "", "vllm.service", "llama", ""] == 3
    assert values[m.PROCESS_MEMORY.name, FIRST, "vllm", "", "vllm.service", "", ""] == 4
    driver.say("gpu.0.procs = 100:3,101:4")
    apart = box(gpu_pids=True).values()
    assert apart[m.PROCESS_MEMORY.name, FIRST, "vllm", "", "vllm.service", "", "101"] == 4
    one = box().values()
    assert one[m.PROCESS_MEMORY.name, FIRST, "vllm", "", "vllm.service", "", ""] == 7


def test_a_process_that_tells_the_spool_what_it_has_loaded_has_a_model(driver, moving, tmp_path, monkeypatch):
    """The settings name the spool; the collector reads it."""
    monkeypatch.setattr("genotel.collectors.gpu_nvidia._FIRST_SECONDS", 20)
    worker = loaded(tmp_path / "spool", {"wan2.2": 1})
    driver.say(f"gpu.0.procs = {os.getpid()}:5")
    collector = GpuNvidiaCollector(find_library=lambda: driver.library, clock=moving.clock())
    collector.configure(
        Settings(gpu=GpuSettings(gpu_interval_seconds=0.1), spool=SpoolSettings(spool=tmp_path / "spool"))
    )
    values = Box(collector).values()
    assert {key[-2] for key in values if key[0] == m.PROCESS_MEMORY.name} == {"wan2.2"}
    collector.close()
    worker.close()


def test_links_are_opt_in(driver, box):
    """They may take 40 ms a card."""
    driver.say("gpu.*.pcie_tx_bytes = 5\ngpu.*.pcie_rx_bytes = 6")
    assert m.PCIE_IO.name not in {key[0] for key in box().values()}
    values = box(gpu_links=True).values()
    assert values[m.PCIE_IO.name, FIRST, "transmit"] == 5
    assert values[m.PCIE_IO.name, FIRST, "receive"] == 6


def test_instances_stand_for_their_gpu_s_memory(driver, box):
    """A sum over the box counts no byte twice; the GPU's other values stay, and its name leads to it."""
    driver.say("gpu.1.mig_devices = 2\ngpu.1.mig0.memory_used = 7\ngpu.1.mig0.procs = 5:6")
    values = box().values()
    part = "MIG-fa4e0000-0000-0000-0000-000000000010"
    assert {key[1] for key in values if key[0] == m.MEMORY_USAGE.name} == {FIRST, part, part[:-1] + "1"}
    assert values[m.MEMORY_USAGE.name, part] == 7
    assert values[m.MEMORY_UNATTRIBUTED.name, part] == 1
    assert values[m.POWER.name, SECOND, m.GPU] == 100
    [info] = [key for key in values if key[:2] == (m.INFO.name, part)]
    assert info[-2:] == (SECOND, "0g.10gb")


@pytest.mark.parametrize(
    ("lines", "reason", "complete"),
    [
        ("gpu.0.error.* = GPU_IS_LOST", m.LOST, True),
        ("gpu.0.error.* = RESET_REQUIRED", m.RESET_REQUIRED, True),
        ("gpu.0.error.* = UNKNOWN", m.UNREADABLE, False),
        ("gpu.0.hang.* = 1", m.HUNG, False),
    ],
)
def test_a_gpu_that_does_not_answer_is_a_fact_with_a_reason(driver, box, lines, reason, complete):
    """Its values are absent, its age grows, the other GPU is fresh; it is back without a restart."""
    one = box()
    one.until(one.answers(FIRST))
    driver.say(lines)
    one.until(one.has_fault(FIRST, reason))
    values, is_complete = one.read()
    assert is_complete is complete
    assert not one.answers(FIRST)(values)
    assert one.answers(SECOND)(values)
    assert values[m.STATUS.name, FIRST, m.GPU, m.FAILED] == 1
    assert (values[m.EXPECTED.name, "NVIDIA"], values[m.SEEN.name, "NVIDIA"]) == (2, 1)
    assert [key for key in values if key[:2] == (m.INFO.name, FIRST)]
    age = values[m.AGE.name, FIRST]
    assert one.until(lambda values: values[m.AGE.name, FIRST] > age + 0.2)[m.AGE.name, SECOND] < age + 5
    driver.say("")
    back = one.until(one.answers(FIRST))
    assert back[m.STATUS.name, FIRST, m.GPU, m.OK] == 1
    assert back[m.FAULT.name, FIRST, reason] == 0
    assert one.collector._child.starts == 1


def test_a_gpu_that_is_dropped_is_missing_and_comes_back_by_its_name(driver, box):
    """Whatever number it has then."""
    one = box()
    one.until(one.answers(SECOND))
    driver.say("devices = 1")
    values = one.until(one.has_fault(SECOND, m.MISSING))
    assert (values[m.EXPECTED.name, "NVIDIA"], values[m.SEEN.name, "NVIDIA"]) == (2, 1)
    driver.say(f"gpu.0.uuid = {SECOND}\ngpu.1.uuid = {FIRST}")
    values = one.until(lambda values: one.answers(SECOND)(values) and values[m.POWER.name, SECOND, m.GPU] == 300)
    assert values[m.SEEN.name, "NVIDIA"] == 2
    assert (
        m.INFO.name,
        SECOND,
        "0",
        "NVIDIA Fake GPU 0",
        "NVIDIA",
        "570.00.fake",
        "00000000:01:00.0",
        "",
        "",
    ) in values


def test_numbers_may_move_when_one_drops(driver, box):
    """The second GPU becomes number 0 and is still the second GPU; the first one is missing."""
    one = box()
    one.until(one.answers(FIRST))
    driver.say(f"devices = 1\ngpu.0.uuid = {SECOND}\ngpu.0.power = 100000")
    values = one.until(one.has_fault(FIRST, m.MISSING))
    assert values[m.POWER.name, SECOND, m.GPU] == 100
    assert not one.answers(FIRST)(values)


def test_a_gpu_that_never_answered_is_expected(driver, box):
    """By the driver's count, or by what genotel.toml says."""
    driver.say("gpu.1.error.* = GPU_IS_LOST")
    values = box().values()
    assert (values[m.EXPECTED.name, "NVIDIA"], values[m.SEEN.name, "NVIDIA"]) == (2, 1)
    driver.say("devices = 1")
    values = box(gpu_expected=8).values()
    assert (values[m.EXPECTED.name, "NVIDIA"], values[m.SEEN.name, "NVIDIA"]) == (8, 1)


def test_a_box_with_a_gpu_less_opens_the_driver_again_every_minute(driver, box, moving):
    """A library that is open does not see a card that came back; a new process does."""
    one = box(gpu_expected=3)
    one.until(one.answers(FIRST))
    assert one.collector._child.starts == 1
    moving.added += 61
    one.read()
    one.until(lambda values: one.answers(FIRST)(values) and one.collector._child.starts == 2)


def test_a_driver_that_crashes_costs_one_child(driver, box, moving):
    """The GPUs are there again with the next child; until then they are known, and old."""
    one = box()
    one.until(one.answers(FIRST))
    driver.say("gpu.0.crash.power = 1")
    one.until(lambda _: one.collector._child.pid is None)
    assert one.answers(SECOND)(one.values())
    moving.added += 6
    values, complete = one.read()
    assert not complete
    assert values[m.FAULT.name, FIRST, m.DRIVER] == values[m.FAULT.name, SECOND, m.DRIVER] == 1
    assert values[m.SEEN.name, "NVIDIA"] == 0
    driver.say("")
    one.until(one.answers(FIRST))


def test_a_driver_that_crashes_from_the_start_is_a_failure(driver, box, moving, monkeypatch):
    """Not the same as a box without a GPU, which is none."""
    driver.say("gpu.*.crash.* = 1\ngpu.0.crash.uuid = 1")
    one = box()
    monkeypatch.setattr("genotel.collectors.gpu_nvidia._FIRST_SECONDS", 0.1)
    assert one.read() == (None, True)
    one.until(lambda _: one.collector._child.pid is None)
    moving.added += 1.5
    assert one.read() == ({}, False)


def test_a_driver_that_goes_is_a_fault_of_every_gpu(driver, box, moving):
    """An update unloads the kernel's part; it is tried again every minute."""
    one = box()
    one.until(one.answers(FIRST))
    driver.say("init_error = LIB_RM_VERSION_MISMATCH")
    os.kill(one.collector._child.pid, signal.SIGKILL)
    one.until(lambda _: one.collector._child.pid is None)
    moving.added += 1.5
    one.until(lambda _: one.collector._child is None)
    values, complete = one.read()
    assert not complete
    assert (values[m.SEEN.name, "NVIDIA"], values[m.FAULT.name, SECOND, m.DRIVER]) == (0, 1)
    driver.say("")
    moving.added += 60
    one.until(one.answers(FIRST))


def test_a_child_from_which_nothing_comes_is_replaced(driver, box, moving):
    """Every GPU hangs: it may be the library's own state, which a new process does not have."""
    one = box()
    one.until(one.answers(FIRST))
    pid = one.collector._child.pid
    driver.say("gpu.*.hang.* = 60")
    one.until(lambda values: one.has_fault(FIRST, m.HUNG)(values) and one.has_fault(SECOND, m.HUNG)(values))
    driver.say("")
    moving.added += 31
    one.read()
    moving.added += 2
    one.until(one.answers(FIRST))
    assert one.collector._child.pid != pid


def test_xids_are_counted_from_a_series_at_zero(driver, box):
    """Two like errors count 2, by GPU and code, with the time of the last; other codes are born at 0 too."""
    one = box()
    one.until(lambda values: (m.ERRORS.name, SECOND, m.GPU, "xid:79") in values)
    assert one.values()[m.ERRORS.name, FIRST, m.GPU, "xid:79"] == 0
    driver.say("gpu.1.xid = 79\ngpu.1.xid_seq = 1")
    one.until(lambda values: values[m.ERRORS.name, SECOND, m.GPU, "xid:79"] == 1)
    driver.say("gpu.1.xid = 79\ngpu.1.xid_seq = 2")
    values = one.until(lambda values: values[m.ERRORS.name, SECOND, m.GPU, "xid:79"] == 2)
    assert values[m.ERRORS.name, FIRST, m.GPU, "xid:79"] == 0
    assert abs(values[m.XID_TIMESTAMP.name, SECOND, "79"] - time.time()) < 60
    driver.say("gpu.1.xid = 1234\ngpu.1.xid_seq = 3")
    values = one.until(lambda values: (m.ERRORS.name, SECOND, m.GPU, "xid:1234") in values)
    assert values[m.ERRORS.name, SECOND, m.GPU, "xid:1234"] == 0
    assert one.values()[m.ERRORS.name, SECOND, m.GPU, "xid:1234"] == 1


def test_an_xid_before_a_crash_is_counted(driver, box):
    """It was told before the process ended."""
    one = box()
    one.until(lambda values: (m.ERRORS.name, SECOND, m.GPU, "xid:79") in values)
    driver.say("gpu.1.xid = 79\ngpu.1.xid_seq = 1")
    time.sleep(0.1)
    os.kill(one.collector._child.pid, signal.SIGKILL)
    one.until(lambda values: values[m.ERRORS.name, SECOND, m.GPU, "xid:79"] == 1)


def test_throttle_times_survive_the_child(driver, box, moving):
    """A counter does not go back because a process was replaced; a GPU that stays away is not counted again."""
    key = (m.THROTTLE_TIME.name, FIRST, "sw_power_cap")
    driver.say("gpu.*.clocks_event_reasons = 4")
    one = box()
    before = one.until(lambda values: values.get(key, 0) > 0.2)[key]
    driver.say("devices = 0")
    one.until(one.has_fault(FIRST, m.MISSING))
    for _ in range(2):
        moving.added += 61
        starts = one.collector._child.starts
        one.read()
        one.until(
            lambda _, starts=starts: one.collector._child.starts > starts and one.collector._seen_sequence[0] > starts
        )
    driver.say("gpu.*.clocks_event_reasons = 4")
    after = one.until(lambda values: key in values)[key]
    assert before <= after < before + 5


def test_every_reason_to_throttle_is_born_at_zero(box):
    """An alert on a rise needs the series before it."""
    values = box().values()
    assert {key[2] for key in values if key[:2] == (m.THROTTLE_TIME.name, FIRST)} == {*m.THROTTLE_REASONS}


def test_a_degraded_gpu_works_and_says_so(driver, box):
    """A row that waits for a reset, one that could not be replaced, an action that the driver asks for."""
    for lines in ("gpu.0.remap_pending = 1", "gpu.0.remap_failed = 1", "gpu.0.recovery_action = 2"):
        driver.say(lines)
        values = box().values()
        assert values[m.STATUS.name, FIRST, m.GPU, m.DEGRADED] == 1
        assert values[m.STATUS.name, SECOND, m.GPU, m.DEGRADED] == 0
        assert values[m.SEEN.name, "NVIDIA"] == 2


def test_pages_cost_no_threads_and_no_descriptors(driver, box):
    """A thousand of them, half of them while a GPU hangs; no page waits."""
    one = box()
    one.until(one.answers(FIRST))
    scrape = Scrape([one.collector])
    scrape.blocks()

    def held():
        return threading.active_count(), len(os.listdir("/proc/self/fd"))

    before = held()
    longest = 0.0
    for number in range(1000):
        if number == 500:
            driver.say("gpu.0.hang.* = 60")
        began = time.monotonic()
        scrape.blocks()
        longest = max(longest, time.monotonic() - began)
    assert held() == before
    assert longest < 1
    scrape.close()


def test_a_slow_driver_does_not_slow_the_page(driver, box):
    """2 ms in every call is half a second a look, and nothing to a page."""
    one = box()
    one.until(one.answers(FIRST))

    def typical():
        times = []
        for _ in range(200):
            began = time.perf_counter()
            one.values()
            times.append(time.perf_counter() - began)
        return sorted(times)[100]

    quick = typical()
    driver.say("gpu.*.hang.* = 0.002")
    assert typical() < max(2 * quick, 0.003)


def test_processes_come_and_go(driver, box, tmp_path):
    """The live ones are on the page, the others are gone from it."""
    one = box(gpu_pids=True)
    for start in range(100, 200, 10):
        live = {str(pid) for pid in range(start, start + 10)}
        driver.say("gpu.0.procs = " + ",".join(f"{pid}:1000" for pid in live))
        one.until(lambda values, live=live: live == {key[-1] for key in values if key[0] == m.PROCESS_MEMORY.name})
