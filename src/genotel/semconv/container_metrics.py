"""The metrics of the container (or systemd unit) around us, and of pressure: METRICS.md, "Host, process, container"."""

from __future__ import annotations

from genotel.semconv import attributes as a
from genotel.semconv.spec import Kind, Merge, MetricSpec


def _container(name: str, kind: Kind, unit: str, help: str, *labels: str) -> MetricSpec:
    # Workers of one container see the same limits, so its values are never summed over workers.
    return MetricSpec(name, kind, unit, help, labels=labels, merge=Merge.LAST)


SYSTEM_PRESSURE = _container(
    "genotel.system.pressure",
    Kind.COUNTER,
    "s",
    "Time in which some or all tasks of the system waited for a resource.",
    a.PRESSURE_RESOURCE,
    a.KIND,
)
PRESSURE = _container(
    "genotel.container.pressure",
    Kind.COUNTER,
    "s",
    "Time in which some or all tasks of the container waited for a resource.",
    a.PRESSURE_RESOURCE,
    a.KIND,
)
CPU_LIMIT = _container(
    "genotel.container.cpu.limit", Kind.GAUGE, "{cpu}", "Processors that the container may use; absent without a limit."
)
CPU_TIME = _container(
    "genotel.container.cpu.time", Kind.COUNTER, "s", "Processor time of the container by mode.", a.CPU_MODE
)
CPU_PERIODS = _container(
    "genotel.container.cpu.periods", Kind.COUNTER, "{period}", "Periods in which the container's processor limit held."
)
THROTTLED_PERIODS = _container(
    "genotel.container.cpu.throttled.periods",
    Kind.COUNTER,
    "{period}",
    "Periods in which the container reached its processor limit and was stopped.",
)
THROTTLED_TIME = _container(
    "genotel.container.cpu.throttled.time",
    Kind.COUNTER,
    "s",
    "Time in which the container was stopped by its processor limit, added up over its processors.",
)
MEMORY_LIMIT = _container(
    "genotel.container.memory.limit", Kind.GAUGE, "By", "Memory that the container may use; absent without a limit."
)
MEMORY_USAGE = _container(
    "genotel.container.memory.usage", Kind.GAUGE, "By", "Memory that the container uses, files that it read included."
)
MEMORY_WORKING_SET = _container(
    "genotel.container.memory.working_set",
    Kind.GAUGE,
    "By",
    "Memory of the container without files that were not read lately: what is killed for at the limit.",
)
OOM_KILLS = _container(
    "genotel.container.oom_kills", Kind.COUNTER, "{process}", "Processes of the container that were killed for memory."
)

CONTAINER_METRICS = (
    SYSTEM_PRESSURE,
    PRESSURE,
    CPU_LIMIT,
    CPU_TIME,
    CPU_PERIODS,
    THROTTLED_PERIODS,
    THROTTLED_TIME,
    MEMORY_LIMIT,
    MEMORY_USAGE,
    MEMORY_WORKING_SET,
    OOM_KILLS,
)
