"""Memory and swap."""

from __future__ import annotations

import pytest

from genotel.collectors.collector import NoData
from genotel.collectors.memory import MemoryCollector

STATES = ("used", "free", "buffers", "cached")


def test_states_add_up_to_the_limit(machine, by_name):
    """A stacked panel of the states is the whole memory."""
    values = by_name(MemoryCollector(machine).collect())
    assert sum(values["system.memory.usage", state] for state in STATES) == values["system.memory.limit",]
    assert values["system.memory.limit",] == 65_536_000 * 1024
    assert values["system.memory.usage", "cached"] == (24_576_000 + 1_024_000) * 1024
    assert values["system.memory.linux.available",] == 49_152_000 * 1024
    assert values["system.memory.utilization",] == 0.25


def test_swap_by_state_and_bytes_swapped(machine, by_name):
    """Pages become bytes by the size of a page."""
    values = by_name(MemoryCollector(machine, page_bytes=4096).collect())
    assert values["system.paging.usage", "used"] == 2_048_000 * 1024
    assert values["system.paging.usage", "free"] == 6_144_000 * 1024
    assert values["system.paging.utilization",] == 0.25
    assert values["system.paging.io", "in"] == 250 * 4096
    assert values["system.paging.io", "out"] == 1000 * 4096


def test_without_swap_its_utilization_is_absent(changing_machine, by_name):
    """0 of 0 is not a share."""
    files, proc = changing_machine
    text = (proc / "meminfo").read_text()
    (proc / "meminfo").write_text(text.replace("8192000", "0").replace("6144000", "0"))
    values = by_name(MemoryCollector(files).collect())
    assert values["system.paging.usage", "used"] == 0
    assert ("system.paging.utilization",) not in values


def test_what_the_kernel_does_not_say_is_absent(changing_machine, by_name):
    """No swap lines, no available memory, no vmstat: none of their metrics."""
    files, proc = changing_machine
    (proc / "meminfo").write_text("MemTotal: 100 kB\nMemFree: 60 kB\nBuffers: 30 kB\nCached: 30 kB\n")
    (proc / "vmstat").unlink()
    values = by_name(MemoryCollector(files).collect())
    assert {name for name, *_ in values} == {"system.memory.usage", "system.memory.limit"}
    assert values["system.memory.usage", "used"] == 0, "figures of different instants must not go below 0"


def test_no_meminfo_is_no_data(no_machine, changing_machine):
    """A missing file and an empty one alike."""
    files, proc = changing_machine
    (proc / "meminfo").write_text("")
    for machine in (no_machine, files):
        with pytest.raises(NoData):
            list(MemoryCollector(machine).collect())
