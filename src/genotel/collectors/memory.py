"""Memory and swap of the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator

from genotel.collectors.collector import NoData, Reading
from genotel.collectors.proc_files import ProcFiles, numbers_after_names
from genotel.semconv import host_metrics as m

_KIB = 1024


class MemoryCollector:
    """Read /proc/meminfo and the swap counters of /proc/vmstat."""

    name = "memory"

    def __init__(self, files: ProcFiles | None = None, page_bytes: int | None = None) -> None:
        self._files = files or ProcFiles()
        self._page_bytes = page_bytes or os.sysconf("SC_PAGE_SIZE")

    def collect(self) -> Iterator[Reading]:
        """Yield memory by state (the states add up to the limit), swap by state, bytes swapped."""
        kib = numbers_after_names(self._files.read("meminfo"))
        total = kib.get(b"MemTotal", 0)
        if not total:
            raise NoData("meminfo")
        free, buffers = kib[b"MemFree"], kib[b"Buffers"]
        # Reclaimable kernel memory counts as cache, as in free(1).
        cached = kib[b"Cached"] + kib.get(b"SReclaimable", 0)
        # The figures are not of one instant, so the difference may fall below 0 by a little.
        used = max(total - free - buffers - cached, 0)
        yield m.MEMORY_USAGE, ("used",), used * _KIB
        yield m.MEMORY_USAGE, ("free",), free * _KIB
        yield m.MEMORY_USAGE, ("buffers",), buffers * _KIB
        yield m.MEMORY_USAGE, ("cached",), cached * _KIB
        yield m.MEMORY_LIMIT, (), total * _KIB
        available = kib.get(b"MemAvailable")
        if available is not None:
            yield m.MEMORY_AVAILABLE, (), available * _KIB
            yield m.MEMORY_UTILIZATION, (), max(1 - available / total, 0.0)
        yield from _swap(kib)
        yield from self._swapped()

    def _swapped(self) -> Iterator[Reading]:
        text = self._files.find("vmstat") or b""
        # Only these two of some 150 lines are wanted.
        for name, direction in ((b"\npswpin ", "in"), (b"\npswpout ", "out")):
            start = text.find(name)
            if start >= 0:
                start += len(name)
                yield m.PAGING_IO, (direction,), int(text[start : text.index(b"\n", start)]) * self._page_bytes


def _swap(kib: dict[bytes, int]) -> Iterator[Reading]:
    total, free = kib.get(b"SwapTotal"), kib.get(b"SwapFree")
    if total is None or free is None:
        return
    used = max(total - free, 0)
    yield m.PAGING_USAGE, ("used",), used * _KIB
    yield m.PAGING_USAGE, ("free",), free * _KIB
    if total:
        yield m.PAGING_UTILIZATION, (), used / total
