"""Cases of the alerts on the machine."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.semconv import attributes as a
from genotel.semconv import container_metrics as c
from genotel.semconv import host_metrics as h
from genotel.semconv.spec import label_name
from tools.alert_cases.case import WHERE, Case, counted, series, simple


def cases() -> Iterator[Case]:
    """Yield a case for each alert of the group."""
    cpu, memory = series(h.CPU_UTILIZATION), series(h.MEMORY_UTILIZATION)
    yield simple("GenotelCpuHigh", cpu, "0.81x{n}", "0.799x16", "0.1x30", 16, 45, 45)
    yield simple("GenotelMemoryHigh", memory, "0.86x{n}", "0.849x16", "0.1x30", 16, 45, 45)
    waits = series(c.SYSTEM_PRESSURE, PRESSURE_RESOURCE="memory", KIND="some")
    yield simple("GenotelMemoryPressure", waits, "0+13x{n}", "0+11x20", "260x30", 20, 40, 45)
    held, most = series(c.MEMORY_WORKING_SET), series(c.MEMORY_LIMIT)
    yield Case(
        "GenotelContainerMemoryHigh",
        WHERE,
        {held: "86x8", most: "100x8"},
        8,
        {held: "84x8", most: "100x8"},
        {held: "86x8 20x10", most: "100x18"},
        11,
        16,
    )
    yield counted("GenotelOomKill", series(c.OOM_KILLS), 5, 15, 20)
    swapped = series(h.PAGING_IO, PAGING_DIRECTION="in")
    yield simple("GenotelSwapping", swapped, "0+66000000x{n}", "0+59000000x20", "1320000000x30", 20, 45, 45)
    disk = {"DEVICE": "/dev/sda", "MOUNTPOINT": "/models", "FILESYSTEM_TYPE": "ext4"}
    full = series(h.FILESYSTEM_UTILIZATION, **disk)
    yield simple("GenotelDiskHigh", full, "0.91x{n}", "0.899x20", "0.5x20", 20, 25, 35, MOUNTPOINT="/models")
    yield simple("GenotelDiskAlmostFull", full, "0.96x{n}", "0.949x10", "0.5x20", 10, 13, 20, MOUNTPOINT="/models")
    used = series(h.FILESYSTEM_USAGE, **disk, FILESYSTEM_STATE="used")
    limit = series(h.FILESYSTEM_LIMIT, **disk)
    yield Case(
        "GenotelDiskFillsSoon",
        WHERE | {label_name(a.MOUNTPOINT): "/models"},
        {full: "0.85x80", used: "850+0.15x80", limit: "1000x80"},
        80,
        {full: "0.85x80", used: "850+0.08x80", limit: "1000x80"},
        {full: "0.85x80 0.5x20", used: "850+0.15x80 500x20", limit: "1000x100"},
        90,
        90,
        step=5,
    )
    errors = series(h.NETWORK_ERRORS, NETWORK_INTERFACE="eth0", NETWORK_DIRECTION="receive")
    yield simple("GenotelNetworkErrors", errors, "0+66x{n}", "0+54x20", "1320x30", 20, 40, 45, NETWORK_INTERFACE="eth0")
