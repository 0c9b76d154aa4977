"""Which folders of the cgroup filesystem are about us: ours, and those that hold it.

A limit of any of them holds for us. Version 1 has a tree for each controller, version 2 one for all,
and a machine may have both at once; a container is shown its own part as if it were the whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from genotel.collectors.proc_files import ProcFiles

_SYS = "/sys/"
_ESCAPED = re.compile(r"\\([0-7]{3})")


class Groups(NamedTuple):
    """Hold the folders below ``sys`` of one controller, ours first, and the version of their files."""

    folders: Sequence[str]
    version: int
    # Whether what is mounted is a part of the tree only: we are in a container.
    is_part: bool


class _Tree(NamedTuple):
    controllers: frozenset[str]
    root: str
    folder: str


def groups_of(controller: str, cgroup: bytes, mountinfo: bytes, files: ProcFiles) -> Groups | None:
    """Return the folders of a controller that are about the process of these files, or None.

    Args:
        controller: ``memory``, ``cpu``, ``cpuacct``.
        cgroup: ``/proc/self/cgroup``.
        mountinfo: ``/proc/self/mountinfo``.
        files: tells which folders are there.
    """
    paths = _paths(cgroup.decode("utf-8", "replace"))
    trees = _trees(mountinfo.decode("utf-8", "replace"))
    for tree in trees:
        if controller in tree.controllers and controller in paths:
            folders = _upwards(tree, paths[controller], files)
            return Groups(folders, 1, tree.root != "/")
    for tree in trees:
        if not tree.controllers and "" in paths:
            folders = _upwards(tree, paths[""], files)
            # The files of one group are in every folder but the true root's.
            return Groups(folders, 2, files.sys_exists(f"{tree.folder}/cgroup.type"))
    return None


def _paths(cgroup: str) -> dict[str, str]:
    """Return our path by controller; version 2's has the empty name."""
    paths = {}
    for line in cgroup.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            paths[controller] = path
    return paths


def _trees(mountinfo: str) -> list[_Tree]:
    trees = []
    for line in mountinfo.splitlines():
        left, dash, right = line.partition(" - ")
        place, source = left.split(" "), right.split(" ")
        if not dash or source[0] not in ("cgroup", "cgroup2") or len(place) < 5 or len(source) < 3:
            continue
        mountpoint = _unescape(place[4])
        if mountpoint.startswith(_SYS):
            controllers = frozenset() if source[0] == "cgroup2" else frozenset(source[2].split(","))
            trees.append(_Tree(controllers, _unescape(place[3]), mountpoint.removeprefix(_SYS)))
    return trees


def _upwards(tree: _Tree, path: str, files: ProcFiles) -> list[str]:
    """Return the folders from ours up to the top of what is mounted."""
    root = tree.root.rstrip("/")
    inside = path.removeprefix(root).strip("/") if path == root or path.startswith(f"{root}/") else ""
    folder = f"{tree.folder}/{inside}" if inside else tree.folder
    # What lies outside of our namespace is not mounted: then the top is what we are shown.
    if not files.sys_exists(folder) or ".." in inside.split("/"):
        return [tree.folder]
    folders = [folder]
    while folder != tree.folder:
        folder = folder.rpartition("/")[0]
        folders.append(folder)
    return folders


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), text) if "\\" in text else text
