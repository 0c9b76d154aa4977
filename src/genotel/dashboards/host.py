"""The machines: processors, memory, disks, network, and the programs on them."""

from __future__ import annotations

from genotel.dashboards.dashboard import Dashboard, Look, Panel, Query, Unit, named
from genotel.promql import machine_panels as m
from genotel.semconv import attributes as a
from genotel.semconv import dashboard_names as names

_NO_HOST = "no host exporter: genotel serve"


def _lines(title: str, unit: Unit, query: str, name: str, about: str, empty: str = _NO_HOST) -> Panel:
    return Panel(title, Look.LINES, unit, (Query(query, name),), about, empty)


DASHBOARD = Dashboard(
    names.HOST,
    "genotel / Host",
    "The box under the models.",
    (
        (
            "Processors and memory",
            (
                _lines(
                    "Processors", Unit.SHARE, m.PROCESSORS, named("instance"), "Share of time in which they were busy."
                ),
                Panel(
                    "Processor time",
                    Look.STACK,
                    Unit.COUNT,
                    (Query(m.CPU_MODES, named(a.CPU_MODE)),),
                    "Processors in use by mode.",
                    _NO_HOST,
                ),
                _lines(
                    "Load",
                    Unit.COUNT,
                    m.LOAD,
                    named("instance", a.LOAD_WINDOW),
                    "Processes that run or wait for a processor or a disk.",
                ),
                _lines("Memory", Unit.SHARE, m.MEMORY, named("instance"), "Share of memory that is not available."),
                _lines(
                    "Memory available",
                    Unit.BYTES,
                    m.MEMORY_AVAILABLE,
                    named("instance"),
                    "What a new program could have without swapping.",
                ),
                _lines(
                    "Swap traffic",
                    Unit.BYTES_PER_SECOND,
                    m.SWAP_TRAFFIC,
                    named("instance", a.PAGING_DIRECTION),
                    "Bytes swapped in and out: anything for long is too much.",
                ),
                _lines("Processes", Unit.COUNT, m.PROCESSES, named("instance"), "Processes on the machine."),
                _lines("Uptime", Unit.SECONDS, m.UPTIME, named("instance"), "A drop is a restart."),
            ),
        ),
        (
            "Disks",
            (
                _lines(
                    "Filesystems in use",
                    Unit.SHARE,
                    m.FILESYSTEMS,
                    named("instance", a.MOUNTPOINT),
                    "Share that cannot be written to any more.",
                ),
                _lines(
                    "Disk traffic",
                    Unit.BYTES_PER_SECOND,
                    m.DISK_TRAFFIC,
                    named("instance", a.DEVICE, a.DISK_DIRECTION),
                    "Bytes read and written: loads of models show here.",
                ),
                _lines(
                    "Disk operations",
                    Unit.PER_SECOND,
                    m.DISK_OPERATIONS,
                    named("instance", a.DEVICE, a.DISK_DIRECTION),
                    "Reads and writes each second.",
                ),
                _lines(
                    "Disk busy",
                    Unit.SHARE,
                    m.DISK_BUSY,
                    named("instance", a.DEVICE),
                    "Share of time in which a disk had work; many disks at once may do more at 100 %.",
                ),
            ),
        ),
        (
            "Network",
            (
                _lines(
                    "Network traffic",
                    Unit.BYTES_PER_SECOND,
                    m.NETWORK,
                    named("instance", a.NETWORK_INTERFACE, a.NETWORK_DIRECTION),
                    "Bytes sent and received, without loopback.",
                    "no network but loopback",
                ),
                _lines(
                    "Network errors",
                    Unit.PER_SECOND,
                    m.NETWORK_ERRORS,
                    named("instance", a.NETWORK_INTERFACE),
                    "Errors each second: a cable, as a rule.",
                ),
                _lines(
                    "Packets dropped",
                    Unit.PER_SECOND,
                    m.NETWORK_DROPS,
                    named("instance", a.NETWORK_INTERFACE),
                    "Packets dropped each second.",
                ),
            ),
        ),
        (
            "Programs",
            (
                _lines(
                    "Processors by program", Unit.COUNT, m.PROCESS_CPU, named("job", "instance"), "Processors in use."
                ),
                _lines("Memory by program", Unit.BYTES, m.PROCESS_MEMORY, named("job", "instance"), "Resident memory."),
                _lines("Threads", Unit.COUNT, m.PROCESS_THREADS, named("job", "instance"), "Threads of the program."),
                _lines(
                    "File descriptors",
                    Unit.COUNT,
                    m.PROCESS_DESCRIPTORS,
                    named("job", "instance"),
                    "Open files and sockets: a slope is a leak.",
                ),
            ),
        ),
    ),
)
