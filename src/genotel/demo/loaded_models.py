"""Which models are in memory: the least recently used one goes when another needs its place."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import genotel
from genotel.demo.denoiser import Denoiser


@dataclass(frozen=True, slots=True)
class ModelSize:
    """Say how large a model is: the side of its pictures in pixels, and how many it knows."""

    side: int
    pictures: int


class LoadedModels:
    """Load models on demand and keep the ``places`` most recently used ones.

    Args:
        sizes: the models that exist, by name.
        places: how many may be in memory at once.

    Example:
        >>> models = LoadedModels({"small": ModelSize(8, 10), "other": ModelSize(8, 10)}, places=1)
        >>> models.get("small") is models.get("small")
        True
        >>> _ = models.get("other")
        >>> models.names
        ('other',)
    """

    def __init__(self, sizes: Mapping[str, ModelSize], *, places: int) -> None:
        self._sizes = sizes
        self._places = places
        self._models: OrderedDict[str, Denoiser] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """Return what is in memory, the least recently used first."""
        return tuple(self._models)

    def get(self, name: str) -> Denoiser:
        """Return a model, loaded first if need be; two callers never load the same one twice."""
        with self._lock:
            model = self._models.get(name)
            if model is None:
                size = self._sizes[name]
                with genotel.model_load(name, source="drawn"):
                    model = Denoiser(side=size.side, pictures=size.pictures, seed=len(name))
                self._models[name] = model
            self._models.move_to_end(name)
            while len(self._models) > self._places:
                evicted, _ = self._models.popitem(last=False)
                genotel.model_unloaded(evicted)
            return model
