"""The machine as a whole: load average, uptime, number of processes."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.collectors.collector import NoData, Reading
from genotel.collectors.proc_files import ProcFiles
from genotel.semconv import host_metrics as m

_WINDOWS = ("1m", "5m", "15m")


class SystemCollector:
    """Read /proc/loadavg, /proc/uptime and the names in /proc."""

    name = "system"

    def __init__(self, files: ProcFiles | None = None) -> None:
        self._files = files or ProcFiles()

    def collect(self) -> Iterator[Reading]:
        """Yield load by window, uptime in seconds, processes."""
        load, uptime = self._files.find("loadavg"), self._files.find("uptime")
        if load is None and uptime is None:
            raise NoData("loadavg, uptime")
        for window, value in zip(_WINDOWS, (load or b"").split(), strict=False):
            yield m.LOAD, (window,), float(value)
        if uptime is not None:
            yield m.UPTIME, (), float(uptime.split()[0])
        # Not the total of /proc/loadavg: that one counts threads.
        yield m.PROCESS_COUNT, (), sum(map(str.isdigit, self._files.names()))
