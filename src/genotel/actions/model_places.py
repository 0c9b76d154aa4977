"""Where the models of this machine lie: the paths behind the names of the inventory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from genotel.collectors.model_scan import Walk
from genotel.collectors.model_stores import OLLAMA, Store


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """Name what one model is made of in one store.

    Attributes:
        model: its name in use.
        location: what the store is called.
        root: the folder of the store, its links resolved.
        paths: whole folders and single files; one may belong to several models.
        is_complete: whether all that may share its files could be read.
    """

    model: str
    location: str
    root: str
    paths: tuple[str, ...]
    is_complete: bool


def find_places(stores: Iterable[Store], name_of: Callable[[str], str]) -> list[ModelPlace]:
    """Return every model of every store that is there; what is reached in two ways is there once.

    Args:
        stores: the places to look at.
        name_of: gives the name in use for the name on disk.
    """
    found: list[ModelPlace] = []
    known: set[tuple[str, ...]] = set()
    for store in stores:
        walk = Walk(_no_pause)
        try:
            units = list(walk.units(store))
        except OSError:
            continue
        made = [(name, paths, unit.layout) for unit in units for name, paths in walk.places(store, unit).items()]
        for name, paths, layout in made:
            model = name_of(name)
            # A link of another name is another model, which needs these files.
            identity = (model, *sorted({os.path.realpath(path) for path in paths}))
            if identity in known:
                continue
            known.add(identity)
            # In Ollama's store a model that cannot be read may have the same layers.
            is_complete = layout != OLLAMA or not walk.failures
            found.append(ModelPlace(model, store.location, os.path.realpath(store.path), tuple(paths), is_complete))
    return found


def real_paths(place: ModelPlace) -> Iterator[str]:
    """Yield where the files of a model really are, links resolved: what must stay for it to stay whole.

    A link to a folder is one such place, and nothing below it is looked at.
    """
    for path in place.paths:
        if os.path.islink(path) or not os.path.isdir(path):
            yield os.path.realpath(path)
            continue
        for folder, folders, files in os.walk(path):
            for name in (*files, *(name for name in folders if os.path.islink(os.path.join(folder, name)))):
                yield os.path.realpath(os.path.join(folder, name))


def _no_pause() -> None:
    """Go on at once: somebody is waiting."""
