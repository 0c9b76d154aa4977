"""Readings as metrics: every value that is known, none that is not."""

from __future__ import annotations

import pytest

from genotel.collectors.gpu_figures import figures, is_degraded, memories
from genotel.collectors.gpu_reading import GpuInstance, GpuMemory, GpuReading
from genotel.semconv import gpu_metrics as m

MEMORY = GpuMemory(100, 40, 5, ())
FULL = GpuReading(
    ordinal=0,
    uuid="GPU-1",
    name="Fake",
    memory=MEMORY,
    utilization={"general": 0.5},
    temperatures={"gpu": 60},
    temperature_limits={"slowdown": 90},
    power=300.0,
    power_limit=350.0,
    energy=1e6,
    fan_speed=0.4,
    clocks={"sm": 1e9},
    clock_limits={"sm": 2e9},
    performance_state=0,
    ecc_errors={m.ECC_CORRECTED: 3},
    rows_remapped={"correctable": 1},
    row_remap_pending=True,
    row_remap_failed=False,
    pages_retired={"single_bit": 2},
    recovery_action=0,
    pcie=(10, 20),
    nvlink=(30, 40),
    throttle_seconds={"sw_power_cap": 1.5},
)


def _values(reading):
    return {(spec.name, *labels): value for spec, labels, value in figures(reading)}


def test_every_field_has_its_metric():
    """A flag is a number; a pair is by direction."""
    values = _values(FULL)
    assert len(values) == 25
    assert values[m.ROWS_PENDING.name, "GPU-1"] == 1
    assert values[m.ROWS_FAILED.name, "GPU-1"] == 0
    assert not any(isinstance(value, bool) for value in values.values())
    assert values[m.PCIE_IO.name, "GPU-1", "receive"] == 20
    assert values[m.NVLINK_IO.name, "GPU-1", "transmit"] == 30
    assert values[m.MEMORY_UTILIZATION.name, "GPU-1"] == 0.4
    assert values[m.POWER.name, "GPU-1", m.GPU] == 300
    assert values[m.THROTTLE_TIME.name, "GPU-1", "sw_power_cap"] == 1.5


def test_what_is_unknown_is_left_out():
    """A reading of nothing is no metric."""
    assert _values(GpuReading(0, "GPU-1", "Fake")) == {}
    unknown = FULL._replace(memory=GpuMemory(100, 120, None, None))
    values = _values(unknown)
    assert (m.MEMORY_RESERVED.name, "GPU-1") not in values
    assert values[m.MEMORY_UTILIZATION.name, "GPU-1"] == 1


def test_instances_have_the_memory_of_their_gpu():
    """One whose memory is unknown has none."""
    parts = [GpuInstance("MIG-1", "", "", MEMORY), GpuInstance("MIG-2", "", "", None)]
    assert [uuid for uuid, _ in memories(FULL._replace(instances=parts))] == ["MIG-1"]
    assert [uuid for uuid, _ in memories(FULL)] == ["GPU-1"]


@pytest.mark.parametrize(
    ("change", "degraded"),
    [
        ({"row_remap_pending": False}, False),
        ({}, True),
        ({"row_remap_pending": None, "row_remap_failed": True}, True),
        ({"row_remap_pending": None, "recovery_action": 1}, True),
    ],
)
def test_a_degraded_gpu_asks_for_attention(change, degraded):
    """It works all the same."""
    assert is_degraded(FULL._replace(**change)) is degraded
