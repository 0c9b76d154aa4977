"""Where models lie: whole folders, single files, layers that several have."""

from __future__ import annotations

import os

from genotel.actions.model_places import find_places, real_paths
from genotel.collectors.model_names import NameRules
from genotel.collectors.model_stores import Store
from tests.model_trees import cached_repository, ollama_model, weigh
from tests.unit.actions.shelves import MIB, places


def paths_of(found, folder):
    """Return paths below a folder by the name of their model."""
    return {place.model: sorted(os.path.relpath(path, folder) for path in place.paths) for place in found}


def test_each_layout_has_its_places(tmp_path):
    """A repository is a folder, an Ollama model a manifest with blobs, a loose model its shards."""
    cached_repository(tmp_path / "hub", "org/a", {"config.json": 5, "model.safetensors": MIB})
    ollama_model(tmp_path / "ollama", "registry.ollama.ai/library/llama3:latest", {"aa": 10, "bb": MIB})
    weigh(tmp_path / "files" / "x-00001-of-00002.gguf", MIB)
    weigh(tmp_path / "files" / "x-00002-of-00002.gguf", MIB)
    weigh(tmp_path / "files" / "readme.md", 5)
    weigh(tmp_path / "files" / "small.bin", 5)
    weigh(tmp_path / "files" / "flux" / "model_index.json", 5)
    weigh(tmp_path / "files" / "folder.gguf" / "notes", 5)
    found = places(tmp_path / "hub", tmp_path / "ollama", tmp_path / "files", tmp_path / "missing")
    assert paths_of(found, tmp_path) == {
        "org/a": ["hub/models--org--a"],
        "llama3": [
            "ollama/blobs/sha256-aa",
            "ollama/blobs/sha256-bb",
            "ollama/manifests/registry.ollama.ai/library/llama3/latest",
        ],
        "x-00001-of-00002.gguf": ["files/x-00001-of-00002.gguf", "files/x-00002-of-00002.gguf"],
        "flux": ["files/flux"],
    }
    assert all(place.is_complete for place in found)


def test_a_manifest_that_names_folders_names_nothing(tmp_path):
    """No digest leads out of the blobs, or to all of them."""
    manifest = ollama_model(tmp_path, "r/m:1", {"aa": 10})
    manifest.write_text('{"config": {"digest": ".."}, "layers": [{"digest": ""}, {"digest": "sha256:aa"}]}')
    (place,) = places(tmp_path)
    assert sorted(place.paths) == [str(tmp_path / "blobs" / "sha256-aa"), str(manifest)]


def test_a_manifest_that_cannot_be_read_makes_its_store_incomplete(tmp_path):
    """Its layers may be those of every other model there."""
    ollama_model(tmp_path, "r/good:1", {"aa": 10})
    ollama_model(tmp_path, "r/broken:1", {"bb": 10}).write_text("{")
    assert [place.is_complete for place in places(tmp_path)] == [False, False]


def test_what_is_reached_in_two_ways_is_there_once(tmp_path):
    """A store within another, and one that is a link."""
    weigh(tmp_path / "all" / "loras" / "a.safetensors", MIB)
    (tmp_path / "link").symlink_to(tmp_path / "all")
    assert len(places(tmp_path / "all", tmp_path / "all" / "loras", tmp_path / "link")) == 1


def test_names_are_those_in_use(tmp_path):
    """The rules of the inventory join advice and disk."""
    weigh(tmp_path / "xl-base.safetensors", MIB)
    rules = NameRules([("xl-*", "sdxl")])
    (place,) = find_places([Store("here", str(tmp_path), None)], rules.name_of)
    assert place.model == "sdxl"


def test_the_real_places_of_linked_files_are_named(tmp_path):
    """A snapshot needs its blobs; a linked folder is one place, and is not entered."""
    home = cached_repository(tmp_path / "hub", "org/a", {"config.json": 5})
    (tmp_path / "elsewhere").mkdir()
    (home / "extra").symlink_to(tmp_path / "elsewhere")
    (place,) = places(tmp_path / "hub")
    real = {os.path.relpath(path, tmp_path) for path in real_paths(place)}
    assert {"elsewhere", f"hub/models--org--a/blobs/{0:064x}"} <= real
