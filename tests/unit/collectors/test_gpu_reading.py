"""Readings cross a pipe and stay what they are."""

from __future__ import annotations

import json

import pytest

from genotel.collectors.gpu_reading import GpuInstance, GpuMemory, GpuReading, reading_from

MEMORY = GpuMemory(100, 40, 5, [[7, 30], [8, None]])


@pytest.mark.parametrize(
    "reading",
    [
        GpuReading(0, "GPU-1", "Fake"),
        GpuReading(1, "GPU-2", "Fake", "0000:01:00.0", MEMORY, {"general": 0.5}, power=3.0, pcie=[1, 2]),
        GpuReading(
            2, "GPU-3", "Fake", instances=[GpuInstance("MIG-1", "x", "1g", MEMORY), GpuInstance("M", "", "", None)]
        ),
    ],
)
def test_a_reading_comes_out_as_it_went_in(reading):
    """Nested ones too."""
    assert reading_from(json.loads(json.dumps(reading)))._asdict() == {
        **reading._asdict(),
        "instances": [*reading.instances],
    }


@pytest.mark.parametrize("fields", [[], [1, 2], list(range(60))])
def test_what_is_no_reading_is_refused(fields):
    """Another version of genotel on the other side of the pipe."""
    with pytest.raises(TypeError):
        reading_from(fields)
