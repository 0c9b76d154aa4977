"""The machine as a whole."""

from __future__ import annotations

import pytest

from genotel.collectors.collector import NoData
from genotel.collectors.system import SystemCollector


def test_load_uptime_and_processes(machine, by_name):
    """Processes are counted, not the threads of /proc/loadavg."""
    assert by_name(SystemCollector(machine).collect()) == {
        ("genotel.system.load", "1m"): 1.5,
        ("genotel.system.load", "5m"): 0.75,
        ("genotel.system.load", "15m"): 0.25,
        ("system.uptime",): 86400.25,
        ("system.process.count",): 3,
    }


@pytest.mark.parametrize(("missing", "gone"), [("loadavg", "genotel.system.load"), ("uptime", "system.uptime")])
def test_one_missing_file_costs_its_own_metric_only(changing_machine, by_name, missing, gone):
    """The other ones go on."""
    files, proc = changing_machine
    (proc / missing).unlink()
    names = {name for name, *_ in by_name(SystemCollector(files).collect())}
    assert names == {"genotel.system.load", "system.uptime", "system.process.count"} - {gone}


def test_no_files_are_no_data(no_machine):
    """Elsewhere than on Linux there is nothing to measure."""
    with pytest.raises(NoData):
        list(SystemCollector(no_machine).collect())
