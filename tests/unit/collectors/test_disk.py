"""Filesystems and disks."""

from __future__ import annotations

import os
import shutil
import threading

import pytest

from genotel.collectors.collector import NoData
from genotel.collectors.disk import DiskCollector


def _space(blocks=1000, free=400, available=300, block_bytes=4096):
    return os.statvfs_result((block_bytes, block_bytes, blocks, free, available, 0, 0, 0, 0, 255))


def _all_alike(_place):
    return _space()


@pytest.fixture
def disk():
    """Return a maker of collectors whose thread ends with the test."""
    made = []

    def make(files, statvfs=_all_alike):
        made.append(DiskCollector(files, statvfs))
        return made[-1]

    yield make
    for collector in made:
        collector.close()


def test_space_by_state_adds_up_to_the_limit(disk, machine, by_name):
    """What only root may still use is reserved, and the utilization counts it as gone."""
    values = by_name(disk(machine).collect())
    where = ("/dev/nvme0n1p1", "/data", "xfs")
    states = {state: values["system.filesystem.usage", *where, state] for state in ("used", "free", "reserved")}
    assert states == {"used": 600 * 4096, "free": 300 * 4096, "reserved": 100 * 4096}
    assert sum(states.values()) == values["system.filesystem.limit", *where] == 1000 * 4096
    assert values["system.filesystem.utilization", *where] == pytest.approx(0.7)
    assert len([key for key in values if key[0] == "system.filesystem.limit"]) == 4


def test_disks_by_direction(disk, machine, by_name):
    """Whole disks only: partitions, loops, memory and volumes made of disks would count bytes twice."""
    values = by_name(disk(machine).collect())
    assert {key[1] for key in values if key[0].startswith("system.disk.")} == {"nvme0n1", "sda"}
    assert values["system.disk.io", "nvme0n1", "read"] == 204_800 * 512
    assert values["system.disk.io", "nvme0n1", "write"] == 409_600 * 512
    assert values["system.disk.operations", "nvme0n1", "read"] == 1000
    assert values["system.disk.operations", "nvme0n1", "write"] == 2000
    assert values["system.disk.io_time", "nvme0n1"] == 1.25


@pytest.mark.parametrize(
    ("device", "whole"),
    [
        ("sda", True),
        ("sda1", False),
        ("nvme0n1", True),
        ("nvme0n1p2", False),
        ("mmcblk0", True),
        ("mmcblk0p1", False),
        ("vdb", True),
        ("vdb3", False),
        ("xvda1", False),
        ("dm-3", False),
        ("md127", False),
        ("loop7", False),
        ("zram0", False),
        ("sr0", False),
    ],
)
def test_without_sys_the_name_says_what_is_a_disk(disk, changing_machine, by_name, tmp_path, device, whole):
    """A container may not be shown /sys."""
    files, proc = changing_machine
    shutil.rmtree(tmp_path / "sys")
    (proc / "diskstats").write_text(f"8 0 {device} 1 0 2 3 4 0 5 6 0 7 8\n")
    values = by_name(disk(files).collect())
    assert (("system.disk.operations", device, "read") in values) is whole


def test_a_device_with_a_slash_in_its_name_is_found(disk, changing_machine, by_name, tmp_path):
    """The kernel writes it with an exclamation mark below /sys."""
    files, proc = changing_machine
    (tmp_path / "sys" / "block" / "cciss!c0d0" / "device").mkdir(parents=True)
    (proc / "diskstats").write_text("104 0 cciss/c0d0 1 0 2 3 4 0 5 6 0 7 8\n")
    values = by_name(disk(files).collect())
    assert values["system.disk.operations", "cciss/c0d0", "write"] == 4


def test_a_filesystem_that_answers_badly_costs_only_itself(disk, machine, by_name):
    """No permission, and one of size 0."""

    def statvfs(place):
        if place == "/":
            raise PermissionError(place)
        return _space(blocks=0) if place == "/data" else _space()

    values = by_name(disk(machine, statvfs).collect())
    places = {key[2] for key in values if key[0] == "system.filesystem.limit"}
    assert places == {"/dev/shm", "/mnt/model store"}


def test_a_stuck_mount_costs_only_itself(disk, machine, by_name):
    """The other filesystems and the disks are there, scrape after scrape, with one thread lost."""
    release = threading.Event()

    def statvfs(place):
        if place == "/mnt/model store":
            release.wait(60)
        return _space()

    collector = disk(machine, statvfs)
    by_name(collector.collect())
    counts = []
    for _ in range(4):
        values = by_name(collector.collect())
        places = {key[2] for key in values if key[0] == "system.filesystem.limit"}
        assert places == {"/", "/data", "/dev/shm"}
        assert ("system.disk.io", "sda", "read") in values
        counts.append(threading.active_count())
    assert len(set(counts)) == 1
    release.set()


def test_a_mount_that_came_is_measured(disk, changing_machine, by_name):
    """The table is read again when it changed."""
    files, proc = changing_machine
    collector = disk(files)
    by_name(collector.collect())
    (proc / "self" / "mountinfo").write_text("1 2 8:9 / /new rw - ext4 /dev/sdz1 rw\n")
    values = by_name(collector.collect())
    assert {key[2] for key in values if key[0] == "system.filesystem.limit"} == {"/new"}


def test_one_missing_file_costs_its_own_metrics_only(disk, changing_machine, by_name):
    """Mounts without disk statistics, and the other way round."""
    files, proc = changing_machine
    mounts = (proc / "self" / "mountinfo").read_bytes()
    (proc / "self" / "mountinfo").unlink()
    assert {key[0].split(".")[1] for key in by_name(disk(files).collect())} == {"disk"}
    (proc / "self" / "mountinfo").write_bytes(mounts)
    (proc / "diskstats").unlink()
    assert {key[0].split(".")[1] for key in by_name(disk(files).collect())} == {"filesystem"}


def test_no_files_are_no_data(disk, no_machine):
    """Elsewhere than on Linux there is nothing to measure."""
    with pytest.raises(NoData):
        list(disk(no_machine).collect())
