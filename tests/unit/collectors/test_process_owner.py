"""Who a process is: program, container, unit; never its arguments."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from genotel.clock import Clock
from genotel.collectors.proc_files import ProcFiles
from genotel.collectors.process_owner import Owner, ProcessOwners, owner_from

ID = "0123456789ab" + "c" * 52


@pytest.mark.parametrize(
    ("groups", "container", "unit"),
    [
        ("0::/\n", "", ""),
        ("0::/user.slice/user-1000.slice/session-2.scope\n", "", ""),
        ("0::/system.slice/ollama.service\n", "", "ollama.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/comfy.service\n", "", "comfy.service"),
        (f"0::/system.slice/docker-{ID}.scope\n", "0123456789ab", ""),
        (f"0::/system.slice/containerd.service/docker-{ID}.scope\n", "0123456789ab", ""),
        (f"12:memory:/docker/{ID}\n11:cpu:/docker/{ID}\n", "0123456789ab", ""),
        (f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope\n", "0123456789ab", ""),
        (f"0::/kubepods/besteffort/pod1/{ID}\n", "0123456789ab", ""),
        (f"0::/machine.slice/libpod-{ID}.scope/container\n", "0123456789ab", ""),
        (f"0::/system.slice/x-{ID[:-1]}.scope\n", "", ""),
    ],
)
def test_the_cgroup_tells_container_and_unit(groups, container, unit):
    """Docker, containerd, Kubernetes, Podman and systemd, in both versions of cgroups."""
    assert owner_from("python3\n", groups) == Owner("python3", container, unit)


@pytest.mark.parametrize(
    ("comm", "name"), [("python3\n", "python3"), ("ollama runner\n", "ollama"), ("\n", ""), ("x" * 60, "x" * 32)]
)
def test_a_name_is_cut(comm, name):
    """Programs write what they like into it."""
    assert owner_from(comm, "").name == name


class Machine:
    """A /proc with processes that come and go, and a clock to turn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 0.0
        self.owners = ProcessOwners(ProcFiles(str(folder)), Clock(monotonic=lambda: self.now))

    def run(self, pid, comm):
        (self.folder / str(pid)).mkdir(exist_ok=True)
        (self.folder / str(pid) / "comm").write_text(comm)
        (self.folder / str(pid) / "cgroup").write_text("0::/\n")


@pytest.fixture
def machine(tmp_path):
    """Return an empty machine."""
    return Machine(tmp_path)


def test_a_process_is_looked_up_once_a_minute(machine):
    """Its number may come to mean another one."""
    machine.run(7, "first")
    assert machine.owners.of(7).name == "first"
    machine.run(7, "second")
    assert machine.owners.of(7).name == "first"
    machine.now = 60
    assert machine.owners.of(7).name == "second"


def test_what_is_not_asked_for_any_more_is_forgotten(machine):
    """So a number that comes back is looked up."""
    machine.run(7, "first")
    machine.owners.of(7)
    machine.owners.keep_only([8])
    machine.run(7, "second")
    assert machine.owners.of(7).name == "second"


def test_a_process_that_is_gone_is_nobody(machine):
    """It may end between the driver's list and our look."""
    assert machine.owners.of(7) == Owner()
    (machine.folder / "8").mkdir()
    (machine.folder / "8" / "comm").mkdir()
    assert machine.owners.of(8) == Owner()


@pytest.mark.parametrize(("namespace", "name"), [("pid:[4026531836]", "python3"), ("pid:[4026532999]", "")])
def test_numbers_of_another_namespace_are_not_ours(machine, namespace, name):
    """In a container without the host's processes, number 7 is somebody else."""
    (machine.folder / "self" / "ns").mkdir(parents=True)
    (machine.folder / "self" / "ns" / "pid").symlink_to(namespace)
    machine.run(7, "python3")
    assert machine.owners.of(7).name == name


def test_arguments_are_never_read(tmp_path):
    """They hold prompts and keys; only two small files of a process are opened."""
    machine = Machine(tmp_path)
    machine.run(7, "python3")
    (tmp_path / "7" / "cmdline").write_text("python3\0--prompt\0secret")
    os.utime(tmp_path / "7" / "cmdline", (0, 0))
    assert "secret" not in str(machine.owners.of(7))
    assert time.gmtime((tmp_path / "7" / "cmdline").stat().st_atime).tm_year == 1970
