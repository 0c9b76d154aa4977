"""The process that genotel runs in: processor time, memory, threads, descriptors, age."""

from __future__ import annotations

import os
from collections.abc import Iterator

from genotel.collectors.collector import NoData, Reading
from genotel.collectors.proc_files import ProcFiles
from genotel.semconv import host_metrics as m

# Columns of /proc/self/stat after the command's closing bracket (proc(5) counts from 1 and has two
# columns before it, so column n is index n - 3 here).
_UTIME, _STIME, _THREADS, _STARTTIME, _VSIZE, _RSS = 11, 12, 17, 19, 20, 21


class ProcessCollector:
    """Read /proc/self."""

    name = "process"

    def __init__(
        self, files: ProcFiles | None = None, ticks_per_second: int | None = None, page_bytes: int | None = None
    ) -> None:
        self._files = files or ProcFiles()
        self._ticks_per_second = ticks_per_second or os.sysconf("SC_CLK_TCK")
        self._page_bytes = page_bytes or os.sysconf("SC_PAGE_SIZE")

    def collect(self) -> Iterator[Reading]:
        """Yield what the kernel counts for this process."""
        # The command may hold blanks and brackets; the last bracket ends it.
        fields = self._files.read("self/stat").rpartition(b")")[2].split()
        if not fields:
            raise NoData("self/stat")
        hertz = self._ticks_per_second
        yield m.PROCESS_CPU_TIME, ("user",), int(fields[_UTIME]) / hertz
        yield m.PROCESS_CPU_TIME, ("system",), int(fields[_STIME]) / hertz
        yield m.PROCESS_MEMORY_USAGE, (), int(fields[_RSS]) * self._page_bytes
        yield m.PROCESS_MEMORY_VIRTUAL, (), int(fields[_VSIZE])
        yield m.PROCESS_THREADS, (), int(fields[_THREADS])
        # Listing the folder opens one more.
        yield m.PROCESS_DESCRIPTORS, (), len(self._files.names("self/fd")) - 1
        uptime = self._files.find("uptime")
        if uptime is None:
            return
        age = float(uptime.split()[0]) - int(fields[_STARTTIME]) / hertz
        # A container may be shown an uptime of its own; the age is unknown then.
        if age >= 0:
            yield m.PROCESS_UPTIME, (), age
