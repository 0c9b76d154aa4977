"""Storage: the space of each filesystem and what each disk reads and writes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import partial

from genotel.collectors.bounded import BoundedRunner, Call, Done
from genotel.collectors.collector import NoData, Reading
from genotel.collectors.mounts import Mount, storage_mounts
from genotel.collectors.proc_files import ProcFiles
from genotel.semconv import host_metrics as m

# The kernel counts sectors of this size whatever the disk's own is.
_SECTOR_BYTES = 512
# A healthy local filesystem answers within microseconds, a remote one within milliseconds. The
# patience is short, so that even a dozen stuck mounts end within one collector's limit.
_MOUNT_LIMIT_SECONDS = 0.25
_MOUNT_PATIENCE_SECONDS = 0.02
# Where /sys does not say: partitions, and devices that are memory, files or made of other devices.
_NOT_A_DISK = re.compile(r"(loop|z?ram|fd|sr|dm-|md|nbd|zd|bcache)\d+|(h|s|v|xv)d[a-z]+\d+|(nvme\d+n|mmcblk)\d+p\d+")


class DiskCollector:
    """Read the mount table, ask each filesystem for its space, and read /proc/diskstats."""

    name = "disk"

    def __init__(
        self, files: ProcFiles | None = None, statvfs: Callable[[str], os.statvfs_result] = os.statvfs
    ) -> None:
        self._files = files or ProcFiles()
        self._statvfs = statvfs
        self._runner: BoundedRunner[os.statvfs_result] = BoundedRunner(
            "mounts", limit_seconds=_MOUNT_LIMIT_SECONDS, patience_seconds=_MOUNT_PATIENCE_SECONDS
        )
        # The table is parsed again only when it changed, /sys is asked once a device.
        self._table = b""
        self._mounts: list[Mount] = []
        self._is_disk: dict[str, bool] = {}

    def collect(self) -> Iterator[Reading]:
        """Yield space by filesystem, bytes and operations by disk and direction, busy seconds."""
        table, statistics = self._files.find("self/mountinfo"), self._files.find("diskstats")
        if table is None and statistics is None:
            raise NoData("mountinfo, diskstats")
        yield from self._filesystems(table or b"")
        yield from self._disks(statistics or b"")

    def close(self) -> None:
        """End the thread that asks the filesystems."""
        self._runner.close()

    def _filesystems(self, table: bytes) -> Iterator[Reading]:
        if table != self._table:
            self._table, self._mounts = table, storage_mounts(table)
        calls = [Call(mount.mountpoint, partial(self._statvfs, mount.mountpoint)) for mount in self._mounts]
        outcomes = self._runner.run(calls)
        for mount in self._mounts:
            outcome = outcomes[mount.mountpoint]
            # No permission, gone meanwhile, or stuck: unknown, so absent.
            if not isinstance(outcome, Done) or not outcome.value.f_blocks:
                continue
            space = outcome.value
            where = mount[:3]
            block, total = space.f_frsize, space.f_blocks
            yield m.FILESYSTEM_USAGE, (*where, "used"), (total - space.f_bfree) * block
            yield m.FILESYSTEM_USAGE, (*where, "free"), space.f_bavail * block
            yield m.FILESYSTEM_USAGE, (*where, "reserved"), (space.f_bfree - space.f_bavail) * block
            yield m.FILESYSTEM_LIMIT, where, total * block
            yield m.FILESYSTEM_UTILIZATION, where, 1 - space.f_bavail / total

    def _disks(self, statistics: bytes) -> Iterator[Reading]:
        known, self._is_disk = self._is_disk, {}
        for line in statistics.splitlines():
            fields = line.split()
            device = fields[2].decode("utf-8", "replace")
            is_disk = self._is_disk[device] = known[device] if device in known else self._check(device)
            if not is_disk:
                continue
            reads, read_sectors, writes, written_sectors, busy_ms = (int(fields[column]) for column in (3, 5, 7, 9, 12))
            read, write = (device, "read"), (device, "write")
            yield m.DISK_IO, read, read_sectors * _SECTOR_BYTES
            yield m.DISK_IO, write, written_sectors * _SECTOR_BYTES
            yield m.DISK_OPERATIONS, read, reads
            yield m.DISK_OPERATIONS, write, writes
            yield m.DISK_IO_TIME, (device,), busy_ms / 1000

    def _check(self, device: str) -> bool:
        """Return whether this is a whole, physical (or the hypervisor's) disk.

        Partitions, loop and ram devices, and arrays and volumes made of disks would count the same
        bytes again, so that a sum over devices would be wrong.
        """
        if self._files.sys_exists("block"):
            # A slash in a name is a "!" there. Only what has hardware behind it has a device.
            return self._files.sys_exists(f"block/{device.replace('/', '!')}/device")
        return _NOT_A_DISK.fullmatch(device) is None
