"""Who a process is to a person: the name of its program, its container, its systemd unit.

Its arguments are never read: they may hold prompts, paths and keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.collectors.proc_files import ProcFiles

# A pid may come to mean another process; so often it is asked again.
_RECHECK_SECONDS = 60.0
_NAME_LENGTH = 32
# As long as `docker ps` shows them.
_CONTAINER_LENGTH = 12
_CONTAINER = re.compile(r"(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?(?:/|$)", re.MULTILINE)
_UNIT = re.compile(r"/([^/\n]+\.service)(?=/|$)", re.MULTILINE)
# The kernel's own PID namespace (include/linux/proc_ns.h); in any other, the pids of a driver are not ours.
_HOST_NAMESPACE = "pid:[4026531836]"


class Owner(NamedTuple):
    """Name a process; what is unknown is empty."""

    name: str = ""
    container: str = ""
    unit: str = ""


UNKNOWN = Owner()


class ProcessOwners:
    """Look processes up, and remember them while they are asked for.

    Example:
        >>> ProcessOwners(ProcFiles(proc="/nowhere")).of(1)
        Owner(name='', container='', unit='')
    """

    def __init__(self, files: ProcFiles, clock: Clock = SYSTEM_CLOCK) -> None:
        self._files = files
        self._monotonic: Callable[[], float] = clock.monotonic
        self._known: dict[int, tuple[Owner, float]] = {}
        self._is_host: bool | None = None

    def of(self, pid: int) -> Owner:
        """Return who has this pid now."""
        now = self._monotonic()
        known = self._known.get(pid)
        if known is not None and now - known[1] < _RECHECK_SECONDS:
            return known[0]
        owner = self._look_up(pid)
        self._known[pid] = (owner, now)
        return owner

    def keep_only(self, pids: Iterable[int]) -> None:
        """Forget every process but these."""
        known = self._known
        self._known = {pid: known[pid] for pid in pids if pid in known}

    def _look_up(self, pid: int) -> Owner:
        if self._is_host is None:
            self._is_host = self._files.link("self/ns/pid") in (None, _HOST_NAMESPACE)
        if not self._is_host:
            return UNKNOWN
        try:
            name = self._files.find(f"{pid}/comm") or b""
            groups = self._files.find(f"{pid}/cgroup") or b""
        except OSError:
            return UNKNOWN  # it ended while it was read, or is nobody's business
        return owner_from(name.decode("utf-8", "replace"), groups.decode("utf-8", "replace"))


def owner_from(name: str, groups: str) -> Owner:
    """Return what a process's ``comm`` and ``cgroup`` files say.

    A program may write anything into its name, so it is cut at the first blank.

    Example:
        >>> owner_from("ollama serve", "0::/system.slice/ollama.service")
        Owner(name='ollama', container='', unit='ollama.service')
    """
    words = name.split()
    container, units = _CONTAINER.search(groups), _UNIT.findall(groups)
    return Owner(
        words[0][:_NAME_LENGTH] if words else "",
        container[1][:_CONTAINER_LENGTH] if container else "",
        # The innermost; the unit that runs the containers says nothing about one of them.
        units[-1] if units and not container else "",
    )
