"""The container around us, or the systemd unit: its limits, what it uses, and what that costs it.

The host's own figures are of other collectors, on the same page: a container at its limit on an idle
host and the other way round are both seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from genotel.collectors.cgroup_folders import Groups, groups_of
from genotel.collectors.collector import NoData, Reading
from genotel.collectors.proc_files import ProcFiles, numbers_after_names
from genotel.collectors.stall_time import RESOURCES, stall_times
from genotel.semconv import container_metrics as m

_MICROSECONDS, _NANOSECONDS = 1_000_000, 1_000_000_000
# Version 1 writes its greatest number of pages for "no limit"; no machine has that much memory.
_NO_LIMIT_BYTES = 2**60


class CgroupCollector:
    """Read the files of the cgroups that hold this process, in either version or a mix."""

    name = "cgroup"

    def __init__(self, files: ProcFiles | None = None) -> None:
        self._files = files or ProcFiles()
        self._source: tuple[bytes, bytes] | None = None
        self._groups: dict[str, Groups | None] = {}

    def collect(self) -> Iterator[Reading]:
        """Yield limits, use, throttling, kills and pressure of the group whose limit is reached first.

        Raises:
            NoData: there is neither a limit nor a container.
        """
        memory, cpu, accounts = (self._groups_of(name) for name in ("memory", "cpu", "cpuacct"))
        limited_memory = self._tightest(memory, self._memory_limit)
        limited_cpu = self._tightest(cpu, self._cpu_limit)
        in_container = any(groups is not None and groups.is_part for groups in (memory, cpu))
        if not in_container and limited_memory[1] is None and limited_cpu[1] is None:
            raise NoData("no container and no limit")
        if memory is not None:
            yield from self._memory(memory.version, *limited_memory)
        if cpu is not None:
            yield from self._cpu(cpu.version, *limited_cpu)
        if accounts is not None:
            yield from self._cpu_time(accounts.version, accounts.folders[0])

    def _groups_of(self, controller: str) -> Groups | None:
        source = (self._files.read("self/cgroup"), self._files.find("self/mountinfo") or b"")
        if source != self._source:
            self._source, self._groups = source, {}
        if controller not in self._groups:
            self._groups[controller] = groups_of(controller, *source, self._files)
        return self._groups[controller]

    def _tightest(
        self, groups: Groups | None, limit_of: Callable[[int, str], float | None]
    ) -> tuple[str, float | None]:
        """Return the folder with the lowest limit and the limit; ours and None where nothing limits us."""
        if groups is None:
            return "", None
        limits = [
            (limit, folder) for folder in groups.folders if (limit := limit_of(groups.version, folder)) is not None
        ]
        if not limits:
            return groups.folders[0], None
        limit, folder = min(limits, key=lambda pair: pair[0])
        return folder, limit

    def _memory_limit(self, version: int, folder: str) -> float | None:
        limit = self._number(f"{folder}/memory.max" if version == 2 else f"{folder}/memory.limit_in_bytes")
        return None if limit is None or limit >= _NO_LIMIT_BYTES else limit

    def _cpu_limit(self, version: int, folder: str) -> float | None:
        if version == 2:
            quota, period = [*(self._files.sys_find(f"{folder}/cpu.max") or b"").split(), b"", b""][:2]
            return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None
        quota_us = self._number(f"{folder}/cpu.cfs_quota_us")
        period_us = self._number(f"{folder}/cpu.cfs_period_us")
        return quota_us / period_us if quota_us and period_us else None

    def _memory(self, version: int, folder: str, limit: float | None) -> Iterator[Reading]:
        if limit is not None:
            yield m.MEMORY_LIMIT, (), limit
        used = self._number(f"{folder}/memory.current" if version == 2 else f"{folder}/memory.usage_in_bytes")
        if used is not None:
            yield m.MEMORY_USAGE, (), used
            # In version 1 only the figures that begin with "total" hold the groups below.
            idle = self._table(f"{folder}/memory.stat").get(
                b"inactive_file" if version == 2 else b"total_inactive_file"
            )
            if idle is not None:
                yield m.MEMORY_WORKING_SET, (), max(used - idle, 0)
        events = self._table(f"{folder}/memory.events" if version == 2 else f"{folder}/memory.oom_control")
        if b"oom_kill" in events:
            yield m.OOM_KILLS, (), events[b"oom_kill"]
        if version == 2:
            for resource in RESOURCES:
                for kind, seconds in stall_times(self._files.sys_find(f"{folder}/{resource}.pressure") or b""):
                    yield m.PRESSURE, (resource, kind), seconds

    def _cpu(self, version: int, folder: str, limit: float | None) -> Iterator[Reading]:
        if limit is not None:
            yield m.CPU_LIMIT, (), limit
        statistics = self._table(f"{folder}/cpu.stat")
        if b"nr_periods" in statistics:
            yield m.CPU_PERIODS, (), statistics[b"nr_periods"]
            yield m.THROTTLED_PERIODS, (), statistics[b"nr_throttled"]
            if version == 2:
                yield m.THROTTLED_TIME, (), statistics[b"throttled_usec"] / _MICROSECONDS
            else:
                yield m.THROTTLED_TIME, (), statistics[b"throttled_time"] / _NANOSECONDS

    def _cpu_time(self, version: int, folder: str) -> Iterator[Reading]:
        if version == 2:
            statistics = self._table(f"{folder}/cpu.stat")
            times = {mode: statistics.get(f"{mode}_usec".encode()) for mode in ("user", "system")}
            scale = _MICROSECONDS
        else:
            times = {"user": self._number(f"{folder}/cpuacct.usage_user")}
            times["system"] = self._number(f"{folder}/cpuacct.usage_sys")
            scale = _NANOSECONDS
        for mode, time in times.items():
            if time is not None:
                yield m.CPU_TIME, (mode,), time / scale

    def _number(self, name: str) -> int | None:
        """Return a file's number; None where there is none, or a word ("max"), or a minus ("no limit")."""
        text = (self._files.sys_find(name) or b"").strip()
        return int(text) if text.isdigit() else None

    def _table(self, name: str) -> dict[bytes, int]:
        return numbers_after_names(self._files.sys_find(name) or b"")
