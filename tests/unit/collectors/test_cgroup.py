"""Containers and units, by trees of files: version 1, version 2, both, none."""

from __future__ import annotations

import pytest

from genotel.collectors.cgroup import CgroupCollector
from genotel.collectors.cgroup_folders import groups_of
from genotel.collectors.collector import NoData
from genotel.collectors.proc_files import ProcFiles
from genotel.semconv import container_metrics as m

GIB = 2**30
V2 = "30 20 0:26 {root} /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
V1 = "3{n} 20 0:3{n} {root} /sys/fs/cgroup/{names} rw - cgroup cgroup rw,{names}\n"


class Box:
    """Write the files of a machine and read its cgroups."""

    def __init__(self, folder):
        self.folder = folder
        self.collector = CgroupCollector(ProcFiles(str(folder / "proc"), str(folder / "sys")))

    def write(self, files):
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")

    def group(self, folder, **files):
        """Write the files of one group: memory_max for memory.max."""
        self.write({f"sys/fs/cgroup/{folder}/{name.replace('_', '.', 1)}": text for name, text in files.items()})

    def values(self):
        return {(spec.name, *labels): value for spec, labels, value in self.collector.collect()}


@pytest.fixture
def box(tmp_path):
    """Return an empty machine."""
    return Box(tmp_path)


def test_a_container_of_version_2(machine, by_name):
    """Limits, use, throttling, kills and pressure, in base units."""
    values = by_name(CgroupCollector(machine).collect())
    assert values[m.CPU_LIMIT.name,] == 4
    assert values[m.CPU_TIME.name, "user"] == 7.5
    assert values[m.CPU_TIME.name, "system"] == 1.5
    assert (values[m.CPU_PERIODS.name,], values[m.THROTTLED_PERIODS.name,]) == (1000, 40)
    assert values[m.THROTTLED_TIME.name,] == 2.5
    assert values[m.MEMORY_LIMIT.name,] == 16 * GIB
    assert values[m.MEMORY_USAGE.name,] == 12 * GIB
    assert values[m.MEMORY_WORKING_SET.name,] == 9 * GIB
    assert values[m.OOM_KILLS.name,] == 1
    assert values[m.PRESSURE.name, "memory", "full"] == 0.1


def test_a_container_of_version_1(box):
    """A tree for each controller, each showing the container's part; times are nanoseconds there."""
    home = "/docker/abc"
    box.write(
        {
            "proc/self/cgroup": f"5:memory:{home}\n4:cpu,cpuacct:{home}\n1:name=systemd:{home}",
            "proc/self/mountinfo": V1.format(n=1, root=home, names="memory")
            + V1.format(n=2, root=home, names="cpu,cpuacct"),
        }
    )
    box.group(
        "memory",
        memory_limit_in_bytes=8 * GIB,
        memory_usage_in_bytes=6 * GIB,
        memory_stat=f"inactive_file 1\ntotal_inactive_file {2 * GIB}",
        memory_oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 3",
    )
    box.group(
        "cpu,cpuacct",
        cpu_cfs_quota_us=150000,
        cpu_cfs_period_us=100000,
        cpu_stat="nr_periods 10\nnr_throttled 4\nthrottled_time 500000000",
        cpuacct_usage_user=2_000_000_000,
        cpuacct_usage_sys=1_000_000_000,
    )
    assert box.values() == {
        (m.MEMORY_LIMIT.name,): 8 * GIB,
        (m.MEMORY_USAGE.name,): 6 * GIB,
        (m.MEMORY_WORKING_SET.name,): 4 * GIB,
        (m.OOM_KILLS.name,): 3,
        (m.CPU_LIMIT.name,): 1.5,
        (m.CPU_PERIODS.name,): 10,
        (m.THROTTLED_PERIODS.name,): 4,
        (m.THROTTLED_TIME.name,): 0.5,
        (m.CPU_TIME.name, "user"): 2,
        (m.CPU_TIME.name, "system"): 1,
    }


def test_a_container_without_limits_still_has_its_use(box):
    """What it uses is its own; the limit is absent and not some great number."""
    box.write({"proc/self/cgroup": "0::/", "proc/self/mountinfo": V2.format(root="/")})
    box.group(
        "", cgroup_type="domain", memory_max="max", memory_current=5, cpu_max="max 100000", cpu_stat="user_usec 1"
    )
    assert box.values() == {(m.MEMORY_USAGE.name,): 5, (m.CPU_TIME.name, "user"): 1e-6}


def test_a_container_of_version_1_without_limits(box):
    """Its greatest number of pages, and a quota below 0, are no limits."""
    box.write({"proc/self/cgroup": "5:memory:/docker/a\n4:cpu:/docker/a"})
    trees = [V1.format(n=number, root="/docker/a", names=name) for number, name in enumerate(("memory", "cpu"))]
    box.write({"proc/self/mountinfo": "".join(trees)})
    box.group("memory", memory_limit_in_bytes=9223372036854771712, memory_usage_in_bytes=5)
    box.group("cpu", cpu_cfs_quota_us=-1, cpu_cfs_period_us=100000)
    assert box.values() == {(m.MEMORY_USAGE.name,): 5}


def test_the_tightest_limit_above_us_is_the_one_that_counts(box):
    """A pod's limit holds for its containers; use and kills are of the group that has the limit."""
    box.write({"proc/self/cgroup": "0::/pod/one", "proc/self/mountinfo": V2.format(root="/")})
    box.group("pod/one", memory_max=8 * GIB, memory_current=1, cpu_max="max 100000")
    box.group("pod", memory_max=4 * GIB, memory_current=3 * GIB, memory_events="oom_kill 2", cpu_max="200000 100000")
    values = box.values()
    assert (values[m.MEMORY_LIMIT.name,], values[m.MEMORY_USAGE.name,]) == (4 * GIB, 3 * GIB)
    assert (values[m.OOM_KILLS.name,], values[m.CPU_LIMIT.name,]) == (2, 2)


def test_a_systemd_unit_with_a_limit_is_a_container(box):
    """Its own limit is as hard as any."""
    box.write({"proc/self/cgroup": "0::/system.slice/comfy.service", "proc/self/mountinfo": V2.format(root="/")})
    box.group("system.slice/comfy.service", memory_max=2 * GIB, memory_current=GIB)
    assert box.values()[m.MEMORY_LIMIT.name,] == 2 * GIB


def test_on_a_bare_host_there_is_no_container(box):
    """A session without limits: the host's own figures say all."""
    box.write({"proc/self/cgroup": "0::/user.slice/session-1.scope", "proc/self/mountinfo": V2.format(root="/")})
    box.group("user.slice/session-1.scope", memory_max="max", memory_current=5)
    with pytest.raises(NoData):
        box.values()


@pytest.mark.parametrize(
    "mountinfo", ["", "nonsense", "30 20 0:26 / /sys/fs/cgroup rw - cgroup2", "1 2 3 / /x - cgroup a rw,cpu"]
)
def test_without_cgroups_there_is_no_data(box, mountinfo):
    """Not mounted, mounted elsewhere, or a table that cannot be read."""
    box.write({"proc/self/cgroup": "0::/", "proc/self/mountinfo": mountinfo})
    with pytest.raises(NoData):
        box.values()


def test_without_proc_there_is_no_data(box):
    """Elsewhere than on Linux."""
    with pytest.raises(NoData):
        box.values()


def test_both_versions_at_once(box):
    """Controllers of version 1 are taken from there, the empty tree of version 2 beside them is not."""
    box.write(
        {
            "proc/self/cgroup": "4:memory:/a\n0::/",
            "proc/self/mountinfo": V2.format(root="/").replace("/sys/fs/cgroup ", "/sys/fs/cgroup/unified ")
            + V1.format(n=1, root="/", names="memory"),
        }
    )
    box.group("memory/a", memory_limit_in_bytes=7, memory_usage_in_bytes=5)
    assert box.values()[m.MEMORY_LIMIT.name,] == 7


def test_limits_that_change_are_seen(box):
    """`docker update` and `systemctl set-property` work while we run; so does being moved."""
    box.write({"proc/self/cgroup": "0::/a", "proc/self/mountinfo": V2.format(root="/")})
    box.group("a", memory_max=7)
    box.group("b", memory_max=9)
    assert box.values()[m.MEMORY_LIMIT.name,] == 7
    box.group("a", memory_max=8)
    assert box.values()[m.MEMORY_LIMIT.name,] == 8
    box.write({"proc/self/cgroup": "0::/b"})
    assert box.values()[m.MEMORY_LIMIT.name,] == 9


@pytest.mark.parametrize(
    ("path", "root", "folders"),
    [
        ("/a/b", "/", ["a/b", "a", ""]),
        ("/a/b", "/a", ["b", ""]),
        ("/a/b", "/a/b", [""]),
        ("/a", "/elsewhere", [""]),
        ("/../x", "/", [""]),
        ("/gone", "/", [""]),
        ("/", "/", [""]),
        ("/with space", "/", ["with space", ""]),
    ],
)
def test_our_folders_go_up_to_what_is_mounted(tmp_path, path, root, folders):
    """A path outside of the namespace, or of another mount, leaves the top that we are shown."""
    for folder in ("a/b", "b", "x", "with space"):
        (tmp_path / "fs/cgroup" / folder).mkdir(parents=True, exist_ok=True)
    files = ProcFiles(sys=str(tmp_path))
    groups = groups_of("memory", f"0::{path}\n".encode(), V2.format(root=root).encode(), files)
    assert [folder.removeprefix("fs/cgroup").strip("/") for folder in groups.folders] == folders


def test_names_of_mounts_are_unescaped(tmp_path):
    """The table writes a blank as an octal number."""
    (tmp_path / "fs/c group").mkdir(parents=True)
    mountinfo = V2.format(root="/").replace("/sys/fs/cgroup ", "/sys/fs/c\\040group ").encode()
    assert groups_of("cpu", b"0::/\n", mountinfo, ProcFiles(sys=str(tmp_path))).folders == ["fs/c group"]
