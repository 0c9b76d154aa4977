"""Whose the memory of a GPU is: by program, container, unit and model, and the rest.

The parts add up: processes, what belongs to no process that is seen, what the driver keeps, and what
is free make the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from genotel.collectors.collector import Reading
from genotel.collectors.gpu_reading import GpuMemory, GpuReading
from genotel.collectors.process_owner import Owner
from genotel.semconv import gpu_metrics as m


class _User(NamedTuple):
    owner: Owner
    model: str
    pid: str


class ProcessMemory:
    """Give the memory of GPUs by who uses it.

    Args:
        owner_of: tells who has a pid.
        model_of: tells the model that a process has loaded, empty if that is unknown.
        with_pids: whether each process has a series of its own; series of ended ones cost Prometheus.
    """

    def __init__(
        self, owner_of: Callable[[int], Owner], model_of: Callable[[int], str], *, with_pids: bool = False
    ) -> None:
        self._owner_of = owner_of
        self._model_of = model_of
        self._with_pids = with_pids

    def readings(self, uuid: str, memory: GpuMemory) -> Iterator[Reading]:
        """Yield the memory of a GPU or instance by user, and what is nobody's."""
        users: dict[_User, int] = {}
        for pid, used in memory.processes or ():
            if used is not None:
                user = _User(self._owner_of(pid), self._model_of(pid), str(pid) if self._with_pids else "")
                users[user] = users.get(user, 0) + used
        for user, used in users.items():
            yield m.PROCESS_MEMORY, (uuid, *user.owner, user.model, user.pid), used
        if memory.processes is not None:
            # The figures are not of one instant, so the difference may fall below 0 by a little.
            yield m.MEMORY_UNATTRIBUTED, (uuid,), max(memory.used - sum(users.values()), 0)


def pids_of(reading: GpuReading) -> Iterator[int]:
    """Yield the processes on a GPU and on its instances."""
    for memory in (reading.memory, *(instance.memory for instance in reading.instances)):
        for pid, _ in (memory.processes if memory is not None else None) or ():
            yield pid
