"""Walking stores: one model, one name, real bytes."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec

import pytest

from genotel.collectors.model_scan import Walk
from genotel.collectors.model_stores import Store
from tests.conftest import require
from tests.model_trees import cached_repository, ollama_model, weigh

MIB = 1024 * 1024


def found(folder, layout=None, walk=None):
    """Return (name, format, bytes, files) of every model of a store, sorted."""
    walk = walk or Walk(lambda: None)
    store = Store("here", str(folder), layout)
    models = [model for unit in walk.units(store) for model in walk.models(store, unit)]
    return sorted((model.name, model.format, sum(model.files.values()), len(model.files)) for model in models)


def test_a_repository_of_the_hub_is_one_model(tmp_path):
    """However many revisions link to its blobs; refs and data sets do not count."""
    files = {"model_index.json": 10, "unet/config.json": 20, "unet/model.safetensors": 3 * MIB}
    cached_repository(tmp_path, "stabilityai/sdxl", files, revisions=3)
    cached_repository(tmp_path, "gpt2", {"config.json": 5, "model.safetensors": MIB})
    weigh(tmp_path / "datasets--org--data" / "blobs" / "x", 99)
    weigh(tmp_path / ".locks" / "x", 99)
    assert found(tmp_path) == [
        ("gpt2", "transformers", MIB + 5, 2),
        ("stabilityai/sdxl", "diffusers", 3 * MIB + 30, 3),
    ]


def test_the_hub_s_own_library_finds_the_same(tmp_path):
    """Names, bytes and numbers of files."""
    require("found" if find_spec("huggingface_hub") else None, "huggingface_hub")
    hub = import_module("huggingface_hub")
    cached_repository(tmp_path, "org/a", {"config.json": 7, "model.safetensors": MIB}, revisions=2)
    cached_repository(tmp_path, "org/b--c", {"x.gguf": 2 * MIB})
    theirs = hub.scan_cache_dir(tmp_path)
    expected = sorted((repo.repo_id, repo.size_on_disk, repo.nb_files) for repo in theirs.repos)
    assert [(name, size, files) for name, _, size, files in found(tmp_path)] == expected


def test_a_download_that_was_broken_off_takes_its_bytes(tmp_path):
    """They are on the disk, whatever they are good for; a link to nothing is nothing."""
    home = cached_repository(tmp_path, "org/a", {"model.gguf": 5})
    weigh(home / "blobs" / "abc.incomplete", 7)
    (home / "snapshots" / "x").mkdir()
    (home / "snapshots" / "x" / "gone.bin").symlink_to("../../blobs/gone")
    assert found(tmp_path) == [("org/a", "gguf", 12, 2)]


def test_a_cache_without_links_has_files_in_their_place(tmp_path):
    """As on filesystems that know none."""
    weigh(tmp_path / "models--org--a" / "snapshots" / "r" / "model.gguf", 5)
    assert found(tmp_path) == [("org/a", "gguf", 5, 1)]


def test_ollama_s_models_are_named_as_they_are_run(tmp_path):
    """Its own registry and the tag that is the default are left out; others are not."""
    ollama_model(tmp_path, "registry.ollama.ai/library/llama3:latest", {"a": 1, "b": 10})
    ollama_model(tmp_path, "registry.ollama.ai/library/llama3:70b", {"c": 1, "d": 100})
    ollama_model(tmp_path, "registry.ollama.ai/ann/tuned:v1", {"e": 1, "b": 10})
    ollama_model(tmp_path, "hf.co/org/model:Q4", {"f": 1, "g": 5})
    assert found(tmp_path) == [
        ("hf.co/org/model:Q4", "ollama", 6, 2),
        ("llama3", "ollama", 11, 2),
        ("llama3:70b", "ollama", 101, 2),
        ("registry.ollama.ai/ann/tuned:v1", "ollama", 11, 2),
    ]


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "{nonsense", '{"config": {}, "layers": []}', '{"config": 5, "layers": [1]}']
)
def test_a_manifest_that_cannot_be_read_costs_one_model(tmp_path, text):
    """And is counted, so that the page can say that something is missing."""
    ollama_model(tmp_path, "registry.ollama.ai/library/good:latest", {"a": 1})
    bad = tmp_path / "manifests" / "registry.ollama.ai" / "library" / "bad" / "latest"
    bad.parent.mkdir()
    bad.write_text(text)
    walk = Walk(lambda: None)
    assert found(tmp_path, walk=walk) == [("good", "ollama", 1, 1)]
    assert walk.failures == 1


def test_a_manifest_names_no_file_outside_of_its_store(tmp_path):
    """A digest is a name, not a way."""
    weigh(tmp_path / "secret", 99)
    manifest = ollama_model(tmp_path / "store", "registry.ollama.ai/library/a:latest", {"b": 1})
    manifest.write_text('{"config": {"digest": "../../secret"}, "layers": []}')
    assert found(tmp_path / "store") == []


def test_folders_and_loose_files(tmp_path):
    """Whole folders are one model each, other files one each; shards are one."""
    weigh(tmp_path / "wan" / "model_index.json", 5)
    weigh(tmp_path / "wan" / "transformer" / "diffusion_pytorch_model-00001-of-00002.safetensors", 10)
    weigh(tmp_path / "wan" / "transformer" / "diffusion_pytorch_model-00002-of-00002.safetensors", 20)
    weigh(tmp_path / "Qwen" / "Qwen2-7B" / "config.json", 1)
    weigh(tmp_path / "Qwen" / "Qwen2-7B" / "model.safetensors", 30)
    weigh(tmp_path / "gguf" / "llama-00001-of-00002.gguf", 40)
    weigh(tmp_path / "gguf" / "llama-00002-of-00002.gguf", 50)
    weigh(tmp_path / "gguf" / "phi.gguf", 60)
    weigh(tmp_path / "gguf" / "readme.md", 999)
    weigh(tmp_path / "adapters" / "style" / "pytorch_lora_weights.safetensors", 70)
    weigh(tmp_path / ".hidden" / "x.gguf", 999)
    assert found(tmp_path) == [
        ("Qwen2-7B", "transformers", 31, 2),
        ("llama-00001-of-00002.gguf", "gguf", 90, 2),
        ("phi.gguf", "gguf", 60, 1),
        ("style", "lora", 70, 1),
        ("wan", "diffusers", 35, 3),
    ]


def test_trees_of_comfyui_and_automatic1111(tmp_path):
    """The folder tells what an adapter is; tiny files of ambiguous suffixes are none."""
    weigh(tmp_path / "checkpoints" / "sd_xl_base_1.0.safetensors", 100)
    weigh(tmp_path / "checkpoints" / "old" / "v1-5.ckpt", 90)
    weigh(tmp_path / "loras" / "style.safetensors", 10)
    weigh(tmp_path / "Lora" / "other.safetensors", 11)
    weigh(tmp_path / "Stable-diffusion" / "anything.safetensors", 80)
    weigh(tmp_path / "embeddings" / "bad-hands.pt", 5)
    weigh(tmp_path / "upscale_models" / "4x.pth", MIB)
    weigh(tmp_path / "checkpoints" / "put_checkpoints_here", 0)
    assert found(tmp_path) == [
        ("4x.pth", "ckpt", MIB, 1),
        ("anything.safetensors", "safetensors", 80, 1),
        ("other.safetensors", "lora", 11, 1),
        ("sd_xl_base_1.0.safetensors", "safetensors", 100, 1),
        ("style.safetensors", "lora", 10, 1),
        ("v1-5.ckpt", "ckpt", 90, 1),
    ]


def test_a_cache_inside_of_a_folder_is_a_cache(tmp_path):
    """Programs put one beside their own models."""
    cached_repository(tmp_path / "cache", "org/a", {"x.gguf": 5})
    weigh(tmp_path / "b.gguf", 6)
    assert found(tmp_path) == [("b.gguf", "gguf", 6, 1), ("org/a", "gguf", 5, 1)]


def test_links_to_folders_are_followed_once(tmp_path):
    """Also when they lead in circles, and no deeper than a store ever is."""
    weigh(tmp_path / "real" / "a.gguf", 5)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "circle").symlink_to("..")
    weigh(tmp_path.joinpath(*"123456789") / "deep" / "b.gguf", 6)
    assert found(tmp_path) == [("a.gguf", "gguf", 5, 1)]


def test_hard_links_and_links_are_one_file(tmp_path):
    """Its bytes are on the disk once."""
    weigh(tmp_path / "m" / "model_index.json", 1)
    original = weigh(tmp_path / "m" / "unet" / "a.safetensors", 10)
    os.link(original, tmp_path / "m" / "unet" / "b.safetensors")
    (tmp_path / "m" / "unet" / "c.safetensors").symlink_to("a.safetensors")
    assert found(tmp_path) == [("m", "diffusers", 11, 2)]


def test_times_are_of_the_weights(tmp_path):
    """Listing programs read small files; without a large one the small ones count."""
    weigh(tmp_path / "a" / "model_index.json", 5, read=9000, modified=100)
    weigh(tmp_path / "a" / "unet" / "x.safetensors", MIB, read=2000, modified=300)
    weigh(tmp_path / "b.gguf", 5, read=7000, modified=50)
    walk = Walk(lambda: None)
    store = Store("here", str(tmp_path), None)
    times = {
        model.name: (model.last_read, model.last_modified)
        for unit in walk.units(store)
        for model in walk.models(store, unit)
    }
    assert times == {"a": (2000, 300), "b.gguf": (7000, 50)}


def test_reading_times_are_not_touched(tmp_path):
    """A walk that read the weights would make every model look used."""
    weigh(tmp_path / "a.safetensors", MIB, read=2000)
    cached_repository(tmp_path / "hub", "org/a", {"model.safetensors": MIB})
    found(tmp_path)
    assert (tmp_path / "a.safetensors").stat().st_atime == 2000


def test_what_changes_changes_the_unit(tmp_path):
    """A blob in a repository, a file in a folder."""
    home = cached_repository(tmp_path / "hub", "org/a", {"x.gguf": 5})
    weigh(tmp_path / "f" / "a.gguf", 5)

    def signatures():
        walk = Walk(lambda: None)
        return {unit.path: unit for unit in walk.units(Store("here", str(tmp_path), None))}

    before = signatures()
    assert signatures() == before
    weigh(home / "blobs" / "new", 1)
    os.utime(home / "blobs", (5, 5))
    os.utime(tmp_path / "f", (5, 5))
    after = signatures()
    assert {os.path.basename(path) for path in before if before[path] != after[path]} == {"models--org--a", "f"}


@pytest.mark.skipif(os.geteuid() == 0 and sys.platform == "linux", reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_counted(tmp_path):
    """The others are read."""
    weigh(tmp_path / "a" / "x.gguf", 5)
    (tmp_path / "b").mkdir(mode=0)
    walk = Walk(lambda: None)
    assert found(tmp_path, walk=walk) == [("x.gguf", "gguf", 5, 1)]
    assert walk.failures == 1


def test_a_unit_that_is_gone_has_no_models(tmp_path):
    """It was deleted between the list and the look."""
    walk = Walk(lambda: None)
    weigh(tmp_path / "a" / "x.gguf", 5)
    store = Store("here", str(tmp_path), None)
    [unit] = walk.units(store)
    (tmp_path / "a" / "x.gguf").unlink()
    assert walk.models(store, unit) == []
    (tmp_path / "a").rmdir()
    assert walk.models(store, unit) == []
    assert walk.failures == 1


def test_every_entry_is_at_the_pace(tmp_path):
    """So a walk can be slowed down and ended anywhere."""
    cached_repository(tmp_path, "org/a", {"x.gguf": 5, "y.gguf": 6})
    steps = []
    found(tmp_path, walk=Walk(lambda: steps.append(1)))
    assert len(steps) >= 8


def test_a_store_that_is_not_there_is_an_error(tmp_path):
    """Whether that matters is for whoever asked."""
    with pytest.raises(FileNotFoundError):
        found(tmp_path / "nowhere")


def test_places_leave_out_what_is_no_file(tmp_path):
    """A layer that is missing, and one that is named twice; a unit that is gone has no places."""
    manifest = ollama_model(tmp_path, "r/m:1", {"aa": 10, "bb": 20})
    (tmp_path / "blobs" / "sha256-bb").unlink()
    manifest.write_text(
        '{"config": {"digest": "sha256:aa"}, "layers": [{"digest": "sha256:aa"}, {"digest": "sha256:bb"}]}'
    )
    walk, store = Walk(lambda: None), Store("here", str(tmp_path), None)
    (unit,) = walk.units(store)
    assert walk.places(store, unit) == {"r/m:1": [str(manifest), str(tmp_path / "blobs" / "sha256-aa")]}
    weigh(tmp_path / "loose" / "a.gguf", 2 * MIB)
    loose = Store("there", str(tmp_path / "loose"), None)
    (unit,) = walk.units(loose)
    (tmp_path / "loose" / "a.gguf").unlink()
    assert walk.places(loose, unit) == {}
