"""A reading of a GPU as metrics, whatever its vendor."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.collectors.collector import Reading
from genotel.collectors.gpu_reading import GpuMemory, GpuReading
from genotel.semconv import gpu_metrics as m
from genotel.semconv.spec import MetricSpec


def figures(reading: GpuReading) -> Iterator[Reading]:
    """Yield what a reading says, but for whose its memory is; what is None is left out."""
    uuid = (reading.uuid,)
    hardware = (reading.uuid, m.GPU)
    for task, share in reading.utilization.items():
        yield m.UTILIZATION, (reading.uuid, task), share
    for holder, memory in memories(reading):
        yield from _memory((holder,), memory)
    for sensor, degrees in reading.temperatures.items():
        yield m.TEMPERATURE, (*hardware, sensor), degrees
    for kind, degrees in reading.temperature_limits.items():
        yield m.TEMPERATURE_LIMIT, (reading.uuid, kind), degrees
    for domain, hertz in reading.clocks.items():
        yield m.CLOCK, (reading.uuid, domain), hertz
    for domain, hertz in reading.clock_limits.items():
        yield m.CLOCK_LIMIT, (reading.uuid, domain), hertz
    for reason, seconds in (reading.throttle_seconds or {}).items():
        yield m.THROTTLE_TIME, (reading.uuid, reason), seconds
    for kind, count in reading.ecc_errors.items():
        yield m.ERRORS, (*hardware, kind), count
    for kind, count in reading.rows_remapped.items():
        yield m.ROWS_REMAPPED, (reading.uuid, kind), count
    for kind, count in reading.pages_retired.items():
        yield m.PAGES_RETIRED, (reading.uuid, kind), count
    for spec, moved in ((m.PCIE_IO, reading.pcie), (m.NVLINK_IO, reading.nvlink)):
        for direction, size in zip(("transmit", "receive"), moved or (), strict=False):
            yield spec, (reading.uuid, direction), size
    single: tuple[tuple[MetricSpec, tuple[str, ...], float | None], ...] = (
        (m.POWER, hardware, reading.power),
        (m.POWER_LIMIT, uuid, reading.power_limit),
        (m.ENERGY, hardware, reading.energy),
        (m.FAN_SPEED, hardware, reading.fan_speed),
        (m.PERFORMANCE_STATE, uuid, reading.performance_state),
        (m.RECOVERY_ACTION, uuid, reading.recovery_action),
        (m.ROWS_PENDING, uuid, reading.row_remap_pending),
        (m.ROWS_FAILED, uuid, reading.row_remap_failed),
    )
    for spec, labels, value in single:
        if value is not None:
            # A flag is a number on a page.
            yield spec, labels, value + 0


def memories(reading: GpuReading) -> Iterator[tuple[str, GpuMemory]]:
    """Yield every memory with its UUID: the instances' instead of the GPU's where it has some.

    Both would count the same bytes twice in a sum over a box.
    """
    if reading.instances:
        for instance in reading.instances:
            if instance.memory is not None:
                yield instance.uuid, instance.memory
    elif reading.memory is not None:
        yield reading.uuid, reading.memory


def is_degraded(reading: GpuReading) -> bool:
    """Return whether a GPU works and yet asks for attention."""
    return bool(reading.recovery_action or reading.row_remap_pending or reading.row_remap_failed)


def _memory(uuid: tuple[str], memory: GpuMemory) -> Iterator[Reading]:
    yield m.MEMORY_LIMIT, uuid, memory.total
    yield m.MEMORY_USAGE, uuid, memory.used
    yield m.MEMORY_UTILIZATION, uuid, min(memory.used / memory.total, 1.0)
    if memory.reserved is not None:
        yield m.MEMORY_RESERVED, uuid, memory.reserved
