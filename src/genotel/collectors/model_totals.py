"""What all models take: every file counted once, however many names lead to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from genotel.collectors.model_scan import FoundModel


@dataclass(slots=True)
class ModelTotal:
    """Hold what one model takes at one location.

    ``size`` counts a file that other models have too only if this one is the first of them;
    ``shared`` is the part that stays when this model is deleted. ``last_read`` is None where the
    filesystem does not keep it.
    """

    model: str
    location: str
    format: str
    size: int = 0
    shared: int = 0
    files: int = 0
    last_read: float | None = None
    last_modified: float = 0.0


def totals(found: Iterable[tuple[str, bool, FoundModel]], name_of: Callable[[str], str]) -> list[ModelTotal]:
    """Return one total a name and location.

    Args:
        found: location, whether its filesystem keeps times of reading, and model; a file belongs to
            the first model that has it.
        name_of: gives the name in use for the name on disk.
    """
    models = [*found]
    holders: dict[int, set[str]] = {}
    for _, _, model in models:
        for identity in model.files:
            holders.setdefault(identity, set()).add(name_of(model.name))
    counted: set[int] = set()
    made: dict[tuple[str, str], ModelTotal] = {}
    largest: dict[tuple[str, str], int] = {}
    for location, keeps_reads, model in models:
        name = name_of(model.name)
        total = made.setdefault((name, location), ModelTotal(name, location, model.format))
        own = {identity: size for identity, size in model.files.items() if identity not in counted}
        counted.update(own)
        size = sum(model.files.values())
        if size > largest.get((name, location), -1):
            largest[name, location], total.format = size, model.format
        total.size += sum(own.values())
        total.shared += sum(size for identity, size in own.items() if len(holders[identity]) > 1)
        total.files += len(own)
        total.last_modified = max(total.last_modified, model.last_modified)
        if keeps_reads:
            total.last_read = max(total.last_read or 0.0, model.last_read)
    return [*made.values()]
