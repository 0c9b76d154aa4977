"""The table of collectors: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from genotel.collectors.cgroup import CgroupCollector
from genotel.collectors.collector import Collector, Configurable
from genotel.collectors.cpu import CpuCollector
from genotel.collectors.disk import DiskCollector
from genotel.collectors.gpu_amd import GpuAmdCollector
from genotel.collectors.gpu_nvidia import GpuNvidiaCollector
from genotel.collectors.gpu_simulated import GpuSimulatedCollector
from genotel.collectors.journal import JournalCollector
from genotel.collectors.memory import MemoryCollector
from genotel.collectors.model_inventory import ModelInventoryCollector
from genotel.collectors.network import NetworkCollector
from genotel.collectors.pressure import PressureCollector
from genotel.collectors.process import ProcessCollector
from genotel.collectors.system import SystemCollector
from genotel.errors import SettingsError
from genotel.settings import Settings

# Name -> how to make it. One visible line per collector; the page has the same order.
COLLECTORS: dict[str, Callable[[], Collector]] = {
    "cpu": CpuCollector,
    "memory": MemoryCollector,
    "disk": DiskCollector,
    "network": NetworkCollector,
    "system": SystemCollector,
    "process": ProcessCollector,
    "pressure": PressureCollector,
    "cgroup": CgroupCollector,
    "gpu_nvidia": GpuNvidiaCollector,
    "gpu_amd": GpuAmdCollector,
    "model_inventory": ModelInventoryCollector,
    "journal": JournalCollector,
}
# What only its own name asks for, never ``all``.
ON_REQUEST: dict[str, Callable[[], Collector]] = {
    "gpu_simulated": GpuSimulatedCollector,
}


def collectors_named(names: Sequence[str], settings: Settings | None = None) -> list[Collector]:
    """Make the collectors of these names, each once, in the order of the table.

    Args:
        names: names of the table; ``all`` stands for every one of ``COLLECTORS``, ``none`` for nothing.
        settings: for those that have some; by default each keeps its own defaults.

    Raises:
        SettingsError: naming what is unknown and what is known.

    Example:
        >>> [collector.name for collector in collectors_named(["memory", "cpu"])]
        ['cpu', 'memory']
    """
    wanted = {*names} - {"none"}
    known = COLLECTORS | ON_REQUEST
    unknown = sorted(wanted - {*known, "all"})
    if unknown:
        raise SettingsError(f"no collector named {', '.join(unknown)}; known are {', '.join(known)}, all, none")
    if "all" in wanted:
        wanted |= COLLECTORS.keys()
    made = [make() for name, make in known.items() if name in wanted]
    for collector in made:
        if settings is not None and isinstance(collector, Configurable):
            collector.configure(settings)
    return made
