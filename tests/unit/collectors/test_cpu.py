"""Processors."""

from __future__ import annotations

import pytest

from genotel.collectors.collector import NoData
from genotel.collectors.cpu import CpuCollector


def _stat(*lines):
    return "\n".join(lines) + "\nintr 1\n"


def test_time_is_in_seconds_by_processor_and_mode(machine, by_name):
    """Every mode of every processor is there, interrupts put together, guest time not counted twice."""
    values = by_name(CpuCollector(machine, ticks_per_second=100).collect())
    assert len(values) == 4 * 7
    assert {mode: values["system.cpu.time", "0", mode] for mode in ("user", "nice", "system", "idle", "iowait")} == {
        "user": 100.0,
        "nice": 0.5,
        "system": 20.0,
        "idle": 2250.0,
        "iowait": 4.0,
    }
    assert values["system.cpu.time", "0", "interrupt"] == 3.0
    assert values["system.cpu.time", "3", "steal"] == 0.2


def test_utilization_is_of_the_time_since_the_scrape_before(changing_machine, by_name):
    """The first scrape has none; then waiting for a disk counts as free."""
    files, proc = changing_machine
    collector = CpuCollector(files, ticks_per_second=100)
    assert ("system.cpu.utilization",) not in by_name(collector.collect())
    (proc / "stat").write_text(_stat("cpu 40300 200 8100 900400 1700 300 600 60 0 0", "cpu0 1 1 1 1 1 1 1 1 1 1"))
    assert by_name(collector.collect())["system.cpu.utilization",] == pytest.approx(0.5)


def test_a_second_scraper_does_not_spoil_the_utilization(changing_machine, by_name):
    """Within a second of another one, a scrape is told of the time since the one before that."""
    files, proc = changing_machine
    collector = CpuCollector(files, ticks_per_second=100)
    shares = []
    for user, idle in ((0, 0), (10, 0), (900, 100), (900, 105), (900, 1100), (910, 1100)):
        (proc / "stat").write_text(_stat(f"cpu {user} 0 0 {idle} 0 0 0 0", f"cpu0 {user} 0 0 {idle} 0 0 0 0"))
        shares.append(by_name(collector.collect()).get(("system.cpu.utilization",)))
    assert shares == [None, 1.0, 0.9, pytest.approx(900 / 1005), 0.0, pytest.approx(10 / 1010)]


def test_utilization_is_absent_when_no_time_has_passed(machine, by_name):
    """Two scrapes within one tick have nothing to divide by."""
    collector = CpuCollector(machine, ticks_per_second=100)
    by_name(collector.collect())
    assert ("system.cpu.utilization",) not in by_name(collector.collect())


def test_small_steps_back_are_held(changing_machine, by_name):
    """The kernel's idle and iowait may go back a little; a counter must not."""
    files, proc = changing_machine
    collector = CpuCollector(files, ticks_per_second=100)
    (proc / "stat").write_text(_stat("cpu0 100 0 0 5000 400 0 0 0"))
    by_name(collector.collect())
    (proc / "stat").write_text(_stat("cpu0 110 0 0 4990 390 0 0 0"))
    values = by_name(collector.collect())
    assert values["system.cpu.time", "0", "idle"] == 50.0
    assert values["system.cpu.time", "0", "iowait"] == 4.0
    assert values["system.cpu.time", "0", "user"] == 1.1


def test_a_processor_that_came_back_starts_again(changing_machine, by_name):
    """Taken off and put back, it counts from 0: a counter reset, which Prometheus understands."""
    files, proc = changing_machine
    collector = CpuCollector(files, ticks_per_second=100)
    (proc / "stat").write_text(_stat("cpu0 100 0 0 5000 400 0 0 0"))
    by_name(collector.collect())
    (proc / "stat").write_text(_stat("cpu0 1 0 0 10 0 0 0 0"))
    assert by_name(collector.collect())["system.cpu.time", "0", "idle"] == 0.1


def test_without_the_line_of_all_there_is_no_utilization(changing_machine, by_name):
    """It is not guessed."""
    files, proc = changing_machine
    collector = CpuCollector(files, ticks_per_second=100)
    for idle in (100, 900):
        (proc / "stat").write_text(_stat(f"cpu0 1 0 0 {idle} 0 0 0 0"))
        assert {name for name, *_ in by_name(collector.collect())} == {"system.cpu.time"}


def test_no_stat_is_no_data(no_machine):
    """Elsewhere than on Linux there is nothing to measure."""
    with pytest.raises(NoData):
        list(CpuCollector(no_machine).collect())


def test_a_stat_without_processors_is_no_data(changing_machine):
    """Some sandboxes show an empty file."""
    files, proc = changing_machine
    (proc / "stat").write_text("")
    with pytest.raises(NoData):
        list(CpuCollector(files).collect())
