"""The least recently used model makes room for the next."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from genotel.demo.loaded_models import LoadedModels, ModelSize

SIZES = {name: ModelSize(side=8, pictures=10) for name in ("a", "b", "c")}


def test_the_least_recently_used_model_goes():
    """Use keeps a model in memory, age alone does not remove it."""
    models = LoadedModels(SIZES, places=2)
    first = models.get("a")
    models.get("b")
    assert models.get("a") is first
    models.get("c")
    assert models.names == ("a", "c")
    models.get("b")
    assert models.names == ("c", "b")


def test_two_callers_get_one_model():
    """The second one waits for the first one's load."""
    models = LoadedModels(SIZES, places=2)
    with ThreadPoolExecutor(8) as pool:
        assert len({id(model) for model in pool.map(models.get, ["a"] * 8)}) == 1


def test_an_unknown_name_is_a_mistake():
    """Of the demo, so it is not hidden."""
    with pytest.raises(KeyError):
        LoadedModels(SIZES, places=1).get("d")
