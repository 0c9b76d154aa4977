"""The own process."""

from __future__ import annotations

import os

import pytest

from genotel.collectors.collector import NoData
from genotel.collectors.process import ProcessCollector


def test_figures_of_the_process(machine, by_name):
    """A command with blanks and brackets does not shift the columns."""
    values = by_name(ProcessCollector(machine, ticks_per_second=100, page_bytes=4096).collect())
    assert values == {
        ("process.cpu.time", "user"): 12.34,
        ("process.cpu.time", "system"): 3.21,
        ("process.memory.usage",): 262144 * 4096,
        ("process.memory.virtual",): 2147483648,
        ("process.thread.count",): 17,
        ("process.unix.file_descriptor.count",): 4,
        ("process.uptime",): pytest.approx(100.0),
    }


def test_the_real_process_is_this_one(by_name):
    """On Linux the figures are those of the interpreter that runs the test."""
    if not os.path.exists("/proc/self/stat"):
        pytest.skip("no /proc here")
    values = by_name(ProcessCollector().collect())
    times = os.times()
    assert values["process.cpu.time", "user"] == pytest.approx(times.user, abs=0.5)
    assert 1 << 20 < values["process.memory.usage",] < values["process.memory.virtual",]
    assert values["process.unix.file_descriptor.count",] == len(os.listdir("/proc/self/fd")) - 1


def test_an_age_that_cannot_be_is_absent(changing_machine, by_name):
    """A container's own uptime does not fit the kernel's start times; no uptime at all is no age."""
    files, proc = changing_machine
    (proc / "uptime").write_text("5.00 5.00\n")
    assert ("process.uptime",) not in by_name(ProcessCollector(files, ticks_per_second=100).collect())
    (proc / "uptime").unlink()
    assert ("process.uptime",) not in by_name(ProcessCollector(files, ticks_per_second=100).collect())


def test_no_stat_is_no_data(no_machine, changing_machine):
    """A missing file and an empty one alike."""
    files, proc = changing_machine
    (proc / "self" / "stat").write_text("")
    for machine in (no_machine, files):
        with pytest.raises(NoData):
            list(ProcessCollector(machine).collect())
