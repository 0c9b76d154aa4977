"""What one look at a GPU gave, whatever its vendor: frozen, in base units, None for what is unknown.

A reading crosses a pipe as a JSON array of its fields in this order; tuples become lists on the way,
which no reader minds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

# A pid and the bytes that it uses; None where the driver does not say.
ProcessMemory = tuple[int, int | None]


class GpuMemory(NamedTuple):
    """Hold the memory of a GPU or of one of its instances, in bytes, and who uses it.

    ``reserved`` is what the driver keeps for itself; where it is None, ``used`` holds it too.
    """

    total: int
    used: int
    reserved: int | None
    processes: Sequence[ProcessMemory] | None


class GpuInstance(NamedTuple):
    """Hold one MIG instance of a GPU."""

    uuid: str
    name: str
    profile: str
    memory: GpuMemory | None


class GpuReading(NamedTuple):
    """Hold everything that is known of a GPU at one instant.

    Ratios are 0 to 1, clocks hertz by domain, power watts, energy joules, temperatures degrees
    Celsius; ``pcie`` and ``nvlink`` are bytes sent and received.
    """

    ordinal: int
    uuid: str
    name: str
    bus: str | None = None
    memory: GpuMemory | None = None
    # Task -> share of time.
    utilization: dict[str, float] = {}  # noqa: RUF012  (nobody writes into a reading)
    # Sensor -> degrees.
    temperatures: dict[str, float] = {}  # noqa: RUF012
    temperature_limits: dict[str, float] = {}  # noqa: RUF012
    power: float | None = None
    power_limit: float | None = None
    energy: float | None = None
    fan_speed: float | None = None
    clocks: dict[str, float] = {}  # noqa: RUF012
    clock_limits: dict[str, float] = {}  # noqa: RUF012
    performance_state: int | None = None
    # Kind of error -> count.
    ecc_errors: dict[str, int] = {}  # noqa: RUF012
    rows_remapped: dict[str, int] = {}  # noqa: RUF012
    row_remap_pending: bool | None = None
    row_remap_failed: bool | None = None
    pages_retired: dict[str, int] = {}  # noqa: RUF012
    recovery_action: int | None = None
    pcie: tuple[int, int] | None = None
    nvlink: tuple[int, int] | None = None
    instances: Sequence[GpuInstance] = ()
    # Reason -> seconds since the driver was opened; None where reasons are unknown.
    throttle_seconds: dict[str, float] | None = None


def reading_from(fields: Sequence[Any]) -> GpuReading:
    """Return the reading that was written as a JSON array.

    Raises:
        TypeError: the array is not one of a reading.

    Example:
        >>> import json
        >>> reading = GpuReading(0, "GPU-1", "Fake", memory=GpuMemory(10, 4, None, ((7, 3),)))
        >>> reading_from(json.loads(json.dumps(reading))).memory.used
        4
    """
    reading = GpuReading._make(fields)
    return reading._replace(
        memory=_memory_from(reading.memory),
        instances=[
            GpuInstance(uuid, name, profile, _memory_from(memory)) for uuid, name, profile, memory in reading.instances
        ],
    )


def _memory_from(fields: Sequence[Any] | None) -> GpuMemory | None:
    return None if fields is None else GpuMemory._make(fields)
