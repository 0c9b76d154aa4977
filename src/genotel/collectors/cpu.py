"""The processors: their time by mode, and how busy they were since the scrape before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from operator import ge

from genotel.collectors.collector import NoData, Reading
from genotel.collectors.proc_files import ProcFiles
from genotel.semconv import host_metrics as m

# In the order of /proc/stat, with hard and soft interrupts put together; guest time is part of user
# and nice already.
_MODES = ("user", "nice", "system", "idle", "iowait", "interrupt", "steal")
_IDLE, _IOWAIT = 3, 4
# A processor that was taken off and put back starts again from 0; less than this going back is the
# kernel's own rounding (https://docs.kernel.org/filesystems/proc.html, "iowait … may decrease").
_RESTART_SECONDS = 3
# Less says little: the kernel counts in hundredths of a second, and a second scraper may come at once.
_SHARE_SECONDS = 1


class CpuCollector:
    """Read /proc/stat."""

    name = "cpu"

    def __init__(self, files: ProcFiles | None = None, ticks_per_second: int | None = None) -> None:
        self._files = files or ProcFiles()
        self._ticks_per_second = ticks_per_second or os.sysconf("SC_CLK_TCK")
        self._labels: dict[bytes, tuple[tuple[str, str], ...]] = {}
        self._last: dict[bytes, tuple[int, ...]] = {}
        # What all processors did together until the two scrapes before, at least a second apart.
        self._older: tuple[int, ...] | None = None
        self._newer: tuple[int, ...] | None = None

    def collect(self) -> Iterator[Reading]:
        """Yield the time of each processor by mode, in seconds, and the share that was busy."""
        hertz = self._ticks_per_second
        together: tuple[int, ...] | None = None
        processors = 0
        for line in self._files.read("stat").split(b"\n"):
            if not line.startswith(b"cpu"):
                break
            cpu, *texts = line.split()
            user, nice, system, idle, iowait, hard, soft, steal = map(int, texts[:8])
            ticks = self._forward(cpu, (user, nice, system, idle, iowait, hard + soft, steal))
            if cpu == b"cpu":
                together = ticks
                continue
            processors += 1
            labels = self._labels.get(cpu)
            if labels is None:
                number = cpu[3:].decode()
                labels = self._labels[cpu] = tuple((number, mode) for mode in _MODES)
            for pair, count in zip(labels, ticks, strict=True):
                yield m.CPU_TIME, pair, count / hertz
        if not processors:
            raise NoData("stat")
        if together is not None:
            share = self._busy_share(together, _SHARE_SECONDS * hertz * processors)
            if share is not None:
                yield m.CPU_UTILIZATION, (), share

    def _forward(self, cpu: bytes, ticks: tuple[int, ...]) -> tuple[int, ...]:
        """Return the ticks, none of them lower than before unless the processor started again."""
        last = self._last.get(cpu)
        if last is not None and not all(map(ge, ticks, last)):
            restarted = ticks[_IDLE] < last[_IDLE] - _RESTART_SECONDS * self._ticks_per_second
            if not restarted:
                ticks = tuple(map(max, ticks, last))
        self._last[cpu] = ticks
        return ticks

    def _busy_share(self, now: tuple[int, ...], least_ticks: int) -> float | None:
        """Return the share of time, 0 to 1, that was neither idle nor waiting for a disk.

        It is over the time since the scrape before, or since the one before that if it came just now.
        """
        older, newer = self._older, self._newer
        if newer is None:
            self._newer = now
            return None
        if sum(now) - sum(newer) >= least_ticks:
            self._older, self._newer = newer, now
        elif older is not None:
            newer = older
        spent = sum(now) - sum(newer)
        if spent <= 0:
            return None
        free = now[_IDLE] + now[_IOWAIT] - newer[_IDLE] - newer[_IOWAIT]
        return min(max(1 - free / spent, 0.0), 1.0)
