"""The pressure on the machine: how long tasks waited for processors, memory and disks."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.collectors.collector import NoData, Reading
from genotel.collectors.proc_files import ProcFiles
from genotel.collectors.stall_time import RESOURCES, stall_times
from genotel.semconv import container_metrics as m


class PressureCollector:
    """Read /proc/pressure."""

    name = "pressure"

    def __init__(self, files: ProcFiles | None = None) -> None:
        self._files = files or ProcFiles()

    def collect(self) -> Iterator[Reading]:
        """Yield the seconds by resource and kind; kernels built without it have none."""
        found = False
        for resource in RESOURCES:
            try:
                text = self._files.find(f"pressure/{resource}") or b""
            except OSError:
                # Built in and switched off (psi=0): the files are there and refuse to be read.
                continue
            for kind, seconds in stall_times(text):
                found = True
                yield m.SYSTEM_PRESSURE, (resource, kind), seconds
        if not found:
            raise NoData("pressure")
