"""Machines with models on disk, and advice about them, for the tests of what is done upon advice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from genotel.actions.apply import Machine
from genotel.actions.model_places import ModelPlace, find_places, real_paths
from genotel.actions.removal import TRASH, Removal, plan_removal
from genotel.collectors.model_names import NameRules
from genotel.collectors.model_stores import Store
from genotel.recommenders.recommendation import Priority, Reason, Recommendation

MIB = 1024 * 1024
# Times of tests.model_trees: files are written at 500 and read at 1000.
START = 2_000.0


def places(*folders: Path, layout: str | None = None) -> list[ModelPlace]:
    """Return what lies in these stores."""
    return find_places([Store(folder.name, str(folder), layout) for folder in folders], NameRules().name_of)


def planned(model: str, found: Iterable[ModelPlace]) -> Removal:
    """Return the removal of a model's first place."""
    found = list(found)
    place = next(place for place in found if place.model == model)
    return plan_removal(place, {path for other in found if other.model != model for path in real_paths(other)})


def machine(*folders: Path, journals: tuple[Path, ...] = (), proc: str = "/proc") -> Machine:
    """Return a machine with these stores and no page."""
    return Machine(find=lambda: places(*folders), journals=journals, proc=proc)


def cleanup(
    model: str, *, last_used: float | None = START, priority: Priority = Priority.HIGH, reason: str = "Not used."
) -> Recommendation:
    """Return advice to delete a model."""
    return Recommendation(
        model=model,
        kind="cleanup",
        priority=priority,
        confidence=0.97,
        reason_code=Reason.UNUSED,
        reason=reason,
        evidence={"last_used": last_used},
    )


def shape(folder: Path) -> dict[str, str]:
    """Return what lies below a folder: by path its content's hash, the target of a link, or that it is a folder."""
    found = {}
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(here, name)
            if os.path.islink(path):
                what = f"-> {os.readlink(path)}"
            elif os.path.isdir(path):
                what = "folder"
            else:
                times = os.stat(path)
                what = hashlib.sha256(Path(path).read_bytes()).hexdigest()
                # Having been read is a sign of use.
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            found[os.path.relpath(path, folder)] = what
    return found


def models(store: Path) -> dict[str, str]:
    """Return the shape of a store without its trash."""
    return {path: what for path, what in shape(store).items() if not path.startswith(TRASH)}
