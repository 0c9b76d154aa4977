"""The table of collectors: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from genotel.collectors.collector import Collector
from genotel.collectors.cpu import CpuCollector
from genotel.collectors.disk import DiskCollector
from genotel.collectors.memory import MemoryCollector
from genotel.collectors.network import NetworkCollector
from genotel.collectors.process import ProcessCollector
from genotel.collectors.system import SystemCollector
from genotel.errors import SettingsError

# Name -> how to make it. One visible line per collector; the page has the same order.
COLLECTORS: dict[str, Callable[[], Collector]] = {
    "cpu": CpuCollector,
    "memory": MemoryCollector,
    "disk": DiskCollector,
    "network": NetworkCollector,
    "system": SystemCollector,
    "process": ProcessCollector,
}


def collectors_named(names: Sequence[str]) -> list[Collector]:
    """Make the collectors of these names, each once, in the order of the table.

    Args:
        names: names of the table; ``all`` stands for every one, ``none`` for nothing.

    Raises:
        SettingsError: naming what is unknown and what is known.

    Example:
        >>> [collector.name for collector in collectors_named(["memory", "cpu"])]
        ['cpu', 'memory']
    """
    wanted = {*names} - {"none"}
    unknown = sorted(wanted - {*COLLECTORS, "all"})
    if unknown:
        raise SettingsError(f"no collector named {', '.join(unknown)}; known are {', '.join(COLLECTORS)}, all, none")
    return [make() for name, make in COLLECTORS.items() if name in wanted or "all" in wanted]
