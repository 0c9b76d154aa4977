"""Network interfaces."""

from __future__ import annotations

import pytest

from genotel.collectors.collector import NoData
from genotel.collectors.network import NetworkCollector


def test_counters_by_interface_and_direction(machine, by_name):
    """Each figure is in its column, with upstream's words for the directions."""
    values = by_name(NetworkCollector(machine).collect())
    assert values["system.network.io", "eth0", "receive"] == 9_000_000_000
    assert values["system.network.io", "eth0", "transmit"] == 800_000_000
    assert values["system.network.packet.count", "eth0", "receive"] == 7_000_000
    assert values["system.network.packet.count", "eth0", "transmit"] == 6_000_000
    assert values["system.network.errors", "eth0", "receive"] == 1
    assert values["system.network.errors", "eth0", "transmit"] == 3
    assert values["system.network.packet.dropped", "eth0", "receive"] == 2
    assert values["system.network.packet.dropped", "eth0", "transmit"] == 4
    assert values["system.network.io", "eth0:1", "transmit"] == 20, "an alias has a colon in its name"


def test_container_pairs_are_left_out(machine, by_name):
    """Random names would make a new series for every container that ever ran."""
    interfaces = {labels[0] for _, *labels in by_name(NetworkCollector(machine).collect())}
    assert interfaces == {"lo", "eth0", "eth0:1"}


def test_no_interface_is_no_data(no_machine, changing_machine):
    """A missing file and a bare header alike."""
    files, proc = changing_machine
    (proc / "net" / "dev").write_text("Inter-|\n face |\n")
    for machine in (no_machine, files):
        with pytest.raises(NoData):
            list(NetworkCollector(machine).collect())
