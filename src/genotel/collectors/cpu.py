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
_IDLE, _IOWAIT, _STEAL = 3, 4, 6
# A processor that was taken off and put back starts again from 0; less than this going back is the
# kernel's own rounding (https://docs.kernel.org/filesystems/proc.html, "iowait … may decrease").
_RESTART_SECONDS = 3


class CpuCollector:
    """Read /proc/stat."""

    name = "cpu"

    def __init__(self, files: ProcFiles | None = None, ticks_per_second: int | None = None) -> None:
        self._files = files or ProcFiles()
        self._ticks_per_second = ticks_per_second or os.sysconf("SC_CLK_TCK")
        self._labels: dict[bytes, tuple[tuple[str, str], ...]] = {}
        self._last: dict[bytes, tuple[int, ...]] = {}

    def collect(self) -> Iterator[Reading]:
        """Yield the time of each processor by mode, in seconds, and the share that was busy."""
        hertz = self._ticks_per_second
        found = False
        for line in self._files.read("stat").split(b"\n"):
            if not line.startswith(b"cpu"):
                break
            found = True
            cpu, *texts = line.split()
            user, nice, system, idle, iowait, hard, soft, steal = map(int, texts[:8])
            before = self._last.get(cpu)
            ticks = self._forward(cpu, (user, nice, system, idle, iowait, hard + soft, steal))
            if cpu == b"cpu":
                if before is not None and (utilization := _utilization(before, ticks)) is not None:
                    yield m.CPU_UTILIZATION, (), utilization
                continue
            labels = self._labels.get(cpu)
            if labels is None:
                number = cpu[3:].decode()
                labels = self._labels[cpu] = tuple((number, mode) for mode in _MODES)
            for pair, count in zip(labels, ticks, strict=True):
                yield m.CPU_TIME, pair, count / hertz
        if not found:
            raise NoData("stat")

    def _forward(self, cpu: bytes, ticks: tuple[int, ...]) -> tuple[int, ...]:
        """Return the ticks, none of them lower than before unless the processor started again."""
        last = self._last.get(cpu)
        if last is not None and not all(map(ge, ticks, last)):
            restarted = ticks[_IDLE] < last[_IDLE] - _RESTART_SECONDS * self._ticks_per_second
            if not restarted:
                ticks = tuple(map(max, ticks, last))
        self._last[cpu] = ticks
        return ticks


def _utilization(before: tuple[int, ...], now: tuple[int, ...]) -> float | None:
    """Return the share of time, 0 to 1, that was neither idle nor waiting for a disk."""
    spent = sum(now) - sum(before)
    if spent <= 0:
        return None
    free = now[_IDLE] + now[_IOWAIT] - before[_IDLE] - before[_IOWAIT]
    return min(max(1 - free / spent, 0.0), 1.0)
