"""The metrics of host and process: METRICS.md, "Host, process, container"."""

from __future__ import annotations

from genotel.semconv import attributes as a
from genotel.semconv.spec import Kind, Merge, MetricSpec


def _host(name: str, kind: Kind, unit: str, help: str, *labels: str) -> MetricSpec:
    # Every worker of a box sees the same host, so its values are never summed over workers.
    return MetricSpec(name, kind, unit, help, labels=labels, merge=Merge.LAST)


CPU_TIME = _host("system.cpu.time", Kind.COUNTER, "s", "Time of the processors by mode.", a.CPU_NUMBER, a.CPU_MODE)
CPU_UTILIZATION = _host(
    "system.cpu.utilization",
    Kind.GAUGE,
    "1",
    "Share of time that the processors were busy since the scrape before, over all of them.",
)
LOAD = _host("genotel.system.load", Kind.GAUGE, "{process}", "Load average of the system.", a.LOAD_WINDOW)
UPTIME = _host("system.uptime", Kind.GAUGE, "s", "Time since the system started.")
PROCESS_COUNT = _host("system.process.count", Kind.GAUGE, "{process}", "Processes on the system.")

MEMORY_USAGE = _host("system.memory.usage", Kind.GAUGE, "By", "Memory by state.", a.MEMORY_STATE)
MEMORY_LIMIT = _host("system.memory.limit", Kind.GAUGE, "By", "Memory of the system in all.")
MEMORY_UTILIZATION = _host("system.memory.utilization", Kind.GAUGE, "1", "Share of memory that is not available.")
MEMORY_AVAILABLE = _host(
    "system.memory.linux.available", Kind.GAUGE, "By", "Memory that a new program could have without swapping."
)
PAGING_USAGE = _host("system.paging.usage", Kind.GAUGE, "By", "Swap by state.", a.PAGING_STATE)
PAGING_UTILIZATION = _host("system.paging.utilization", Kind.GAUGE, "1", "Share of swap in use.")
PAGING_IO = _host("system.paging.io", Kind.COUNTER, "By", "Bytes swapped, by direction.", a.PAGING_DIRECTION)

FILESYSTEM_USAGE = _host(
    "system.filesystem.usage",
    Kind.GAUGE,
    "By",
    "Space of a filesystem by state.",
    a.DEVICE,
    a.MOUNTPOINT,
    a.FILESYSTEM_TYPE,
    a.FILESYSTEM_STATE,
)
FILESYSTEM_LIMIT = _host(
    "system.filesystem.limit",
    Kind.GAUGE,
    "By",
    "Space of a filesystem in all.",
    a.DEVICE,
    a.MOUNTPOINT,
    a.FILESYSTEM_TYPE,
)
FILESYSTEM_UTILIZATION = _host(
    "system.filesystem.utilization",
    Kind.GAUGE,
    "1",
    "Share of a filesystem that users cannot write to any more.",
    a.DEVICE,
    a.MOUNTPOINT,
    a.FILESYSTEM_TYPE,
)
DISK_IO = _host("system.disk.io", Kind.COUNTER, "By", "Bytes read and written.", a.DEVICE, a.DISK_DIRECTION)
DISK_OPERATIONS = _host(
    "system.disk.operations", Kind.COUNTER, "{operation}", "Reads and writes.", a.DEVICE, a.DISK_DIRECTION
)
DISK_IO_TIME = _host("system.disk.io_time", Kind.COUNTER, "s", "Time that a disk was busy.", a.DEVICE)

NETWORK_IO = _host(
    "system.network.io", Kind.COUNTER, "By", "Bytes sent and received.", a.NETWORK_INTERFACE, a.NETWORK_DIRECTION
)
NETWORK_PACKETS = _host(
    "system.network.packet.count",
    Kind.COUNTER,
    "{packet}",
    "Packets sent and received.",
    a.NETWORK_INTERFACE,
    a.NETWORK_DIRECTION,
)
NETWORK_DROPPED = _host(
    "system.network.packet.dropped",
    Kind.COUNTER,
    "{packet}",
    "Packets dropped.",
    a.NETWORK_INTERFACE,
    a.NETWORK_DIRECTION,
)
NETWORK_ERRORS = _host(
    "system.network.errors", Kind.COUNTER, "{error}", "Errors met.", a.NETWORK_INTERFACE, a.NETWORK_DIRECTION
)


def _process(name: str, kind: Kind, unit: str, help: str, *labels: str) -> MetricSpec:
    return MetricSpec(name, kind, unit, help, labels=labels, merge=Merge.PER_PROCESS)


PROCESS_CPU_TIME = _process("process.cpu.time", Kind.COUNTER, "s", "Processor time of this process.", a.CPU_MODE)
PROCESS_MEMORY_USAGE = _process("process.memory.usage", Kind.GAUGE, "By", "Resident memory of this process.")
PROCESS_MEMORY_VIRTUAL = _process("process.memory.virtual", Kind.GAUGE, "By", "Virtual memory of this process.")
PROCESS_THREADS = _process("process.thread.count", Kind.GAUGE, "{thread}", "Threads of this process.")
PROCESS_DESCRIPTORS = _process(
    "process.unix.file_descriptor.count", Kind.GAUGE, "{file_descriptor}", "Open file descriptors of this process."
)
PROCESS_UPTIME = _process("process.uptime", Kind.GAUGE, "s", "Time since this process started.")

HOST_METRICS = (
    CPU_TIME,
    CPU_UTILIZATION,
    LOAD,
    UPTIME,
    PROCESS_COUNT,
    MEMORY_USAGE,
    MEMORY_LIMIT,
    MEMORY_UTILIZATION,
    MEMORY_AVAILABLE,
    PAGING_USAGE,
    PAGING_UTILIZATION,
    PAGING_IO,
    FILESYSTEM_USAGE,
    FILESYSTEM_LIMIT,
    FILESYSTEM_UTILIZATION,
    DISK_IO,
    DISK_OPERATIONS,
    DISK_IO_TIME,
    NETWORK_IO,
    NETWORK_PACKETS,
    NETWORK_DROPPED,
    NETWORK_ERRORS,
    PROCESS_CPU_TIME,
    PROCESS_MEMORY_USAGE,
    PROCESS_MEMORY_VIRTUAL,
    PROCESS_THREADS,
    PROCESS_DESCRIPTORS,
    PROCESS_UPTIME,
)
