"""The pressure on the machine."""

from __future__ import annotations

import pytest

from genotel.collectors.collector import NoData
from genotel.collectors.pressure import PressureCollector


def test_each_resource_has_its_times(machine, by_name):
    """Some tasks waited, or all of them."""
    values = by_name(PressureCollector(machine).collect())
    assert len(values) == 6
    assert values["genotel.system.pressure", "cpu", "some"] == 12.5
    assert values["genotel.system.pressure", "io", "full"] == 0.5


def test_a_kernel_without_it_has_no_data(no_machine):
    """It is a choice when a kernel is built."""
    with pytest.raises(NoData):
        list(PressureCollector(no_machine).collect())


def test_a_kernel_that_has_it_switched_off_has_no_data(changing_machine):
    """The files are there then and refuse to be read, as a folder does."""
    files, proc = changing_machine
    for resource in ("cpu", "memory", "io"):
        (proc / "pressure" / resource).unlink()
        (proc / "pressure" / resource).mkdir()
    with pytest.raises(NoData):
        list(PressureCollector(files).collect())
