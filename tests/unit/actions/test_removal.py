"""What moves so that one model goes and no other loses a file."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from pathlib import Path

import pytest

from genotel.actions.removal import Obstacle, RefusedError, identity_of, plan_removal
from tests.conftest import require
from tests.model_trees import cached_repository, ollama_model, weigh
from tests.unit.actions.shelves import MIB, places, planned


def paths(found):
    """Return what is moved."""
    return [entry.path for entry in found.entries]


def refusal(model, found):
    """Return why a model stays."""
    with pytest.raises(RefusedError) as caught:
        planned(model, found)
    return caught.value.obstacle


def test_a_repository_goes_as_a_whole(tmp_path):
    """One rename, whatever is in it; its bytes are those of its blobs, once."""
    cached_repository(tmp_path, "org/a", {"config.json": 7, "model.safetensors": MIB}, revisions=3)
    found = planned("org/a", places(tmp_path))
    assert paths(found) == ["models--org--a"]
    assert found.freed_bytes == MIB + 7 + 40  # and the name of the revision
    assert found.kept == ()


def test_a_blob_that_another_model_links_to_stays(tmp_path):
    """The rest of the repository goes around it."""
    home = cached_repository(tmp_path, "org/a", {"config.json": 7, "model.safetensors": MIB})
    other = cached_repository(tmp_path, "org/b", {"config.json": 9})
    blob = home / "blobs" / f"{1:064x}"
    (other / "snapshots" / f"{0:040x}" / "model.safetensors").symlink_to(blob)
    found = planned("org/a", places(tmp_path))
    assert found.kept == (str(blob),)
    assert paths(found) == [
        f"models--org--a/blobs/{0:064x}",
        "models--org--a/refs",
        "models--org--a/snapshots",
    ]
    assert found.freed_bytes == 7 + 40


def test_a_folder_that_another_model_links_to_stays(tmp_path):
    """Whole, with what is in it."""
    weigh(tmp_path / "a" / "model_index.json", 5)
    weigh(tmp_path / "a" / "vae" / "weights.safetensors", MIB)
    weigh(tmp_path / "b" / "model_index.json", 5)
    (tmp_path / "b" / "vae").symlink_to(tmp_path / "a" / "vae")
    assert paths(planned("a", places(tmp_path))) == ["a/model_index.json"]


def test_layers_of_others_stay(tmp_path):
    """Of two models of Ollama with one base; and where all layers are shared the manifest goes."""
    ollama_model(tmp_path, "r/base:1", {"aa": 10, "bb": MIB})
    ollama_model(tmp_path, "r/tuned:1", {"cc": 10, "bb": MIB})
    ollama_model(tmp_path, "r/copy:1", {"aa": 10, "bb": MIB})
    found = places(tmp_path)
    assert paths(planned("r/tuned:1", found)) == ["manifests/r/tuned/1", "blobs/sha256-cc"]
    assert paths(planned("r/copy:1", found)) == ["manifests/r/copy/1"]


def test_a_hard_link_of_another_model_keeps_its_bytes(tmp_path):
    """The name goes and the other one stays, so that nothing is lost and nothing freed."""
    weigh(tmp_path / "a.safetensors", MIB)
    os.link(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    found = planned("a.safetensors", places(tmp_path))
    assert (paths(found), found.freed_bytes, found.files) == (["a.safetensors"], 0, 1)


def test_two_names_within_a_model_free_its_bytes_once(tmp_path):
    """When all names of a file go, its bytes go."""
    weigh(tmp_path / "a" / "model_index.json", 5)
    weigh(tmp_path / "a" / "x.safetensors", MIB)
    os.link(tmp_path / "a" / "x.safetensors", tmp_path / "a" / "y.safetensors")
    found = planned("a", places(tmp_path))
    assert (found.freed_bytes, found.files) == (MIB + 5, 2)


def test_a_model_that_is_all_of_others_stays(tmp_path):
    """There is nothing to move."""
    weigh(tmp_path / "a.safetensors", MIB)
    (tmp_path / "b.safetensors").symlink_to("a.safetensors")
    assert refusal("a.safetensors", places(tmp_path)) is Obstacle.FILES_OF_OTHERS


@pytest.mark.parametrize("layer", ["file", "folder", "way"])
def test_what_a_link_leads_to_stays(tmp_path, layer):
    """A linked file, a linked model folder, and a folder on the way that leads out of the store."""
    store = tmp_path / "store"
    store.mkdir()
    if layer == "file":
        weigh(tmp_path / "outside" / "a.safetensors", MIB)
        (store / "a.safetensors").symlink_to(tmp_path / "outside" / "a.safetensors")
        model = "a.safetensors"
    else:
        weigh(tmp_path / "outside" / "a" / "model_index.json", MIB)
        model = "a"
        if layer == "folder":
            (store / "a").symlink_to(tmp_path / "outside" / "a")
        else:
            (store / "way").symlink_to(tmp_path / "outside")
    assert refusal(model, places(store)) is Obstacle.REACHED_BY_LINK


def test_a_store_that_is_one_model_is_moved_from_within(tmp_path):
    """The store itself stays, and so does its trash."""
    weigh(tmp_path / "m" / "model_index.json", 5)
    weigh(tmp_path / "m" / "unet" / "x.safetensors", MIB)
    weigh(tmp_path / "m" / ".genotel-trash" / "old", 5)
    assert paths(planned("m", places(tmp_path / "m"))) == ["model_index.json", "unet"]


def test_a_network_filesystem_is_left_alone(tmp_path):
    """Its models are those of other machines too."""
    weigh(tmp_path / "a.safetensors", MIB)
    (place,) = places(tmp_path)
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw 0 0\n")
    with pytest.raises(RefusedError) as caught:
        plan_removal(place, set(), mounts)
    assert caught.value.obstacle is Obstacle.SHARED_FILESYSTEM


def test_an_incomplete_store_is_left_alone(tmp_path):
    """What cannot be read may need what is to go."""
    ollama_model(tmp_path, "r/good:1", {"aa": 10})
    ollama_model(tmp_path, "r/broken:1", {"aa": 10}).write_text("{")
    assert refusal("r/good:1", places(tmp_path)) is Obstacle.STORE_UNREADABLE


def test_another_filesystem_below_a_store_is_left_alone(tmp_path, monkeypatch):
    """A rename cannot take it to the trash of the store."""
    elsewhere = Path("/dev/shm")
    is_other = elsewhere.is_dir() and elsewhere.stat().st_dev != tmp_path.stat().st_dev
    require(elsewhere if is_other else None, "another filesystem")
    weigh(tmp_path / "a.safetensors", MIB)
    with tempfile.TemporaryDirectory(dir=elsewhere) as folder:
        weigh(Path(folder) / "b.safetensors", MIB)
        (place,) = places(tmp_path)
        # As if it were mounted below the store.
        mounted = dataclasses.replace(place, root=str(elsewhere), paths=(f"{folder}/b.safetensors",))
        assert plan_removal(mounted, set()).entries
        real = os.stat
        monkeypatch.setattr(os, "stat", lambda path, **how: real(tmp_path if path == str(elsewhere) else path, **how))
        with pytest.raises(RefusedError) as caught:
            plan_removal(mounted, set())
        assert caught.value.obstacle is Obstacle.OTHER_FILESYSTEM


def test_what_is_gone_meanwhile_is_said(tmp_path):
    """One line with the path, no traceback."""
    path = weigh(tmp_path / "a.safetensors", MIB)
    found = places(tmp_path)
    path.unlink()
    assert refusal("a.safetensors", found) is Obstacle.NO_ACCESS


def test_the_fingerprint_tells_every_change(tmp_path):
    """A new file, a byte, a name, a time of writing; reading changes nothing."""
    folder = tmp_path / "a"
    weigh(folder / "x.safetensors", MIB)
    seen = {identity_of(str(folder))}
    (folder / "x.safetensors").read_bytes()
    assert identity_of(str(folder)) in seen
    changes = (
        lambda: weigh(folder / "new", 1),
        lambda: weigh(folder / "new", 2),
        lambda: os.utime(folder / "new", (1, 501)),
        lambda: (folder / "new").rename(folder / "newer"),
        lambda: (folder / "link").symlink_to("newer"),
    )
    for number, change in enumerate(changes, 2):
        change()
        seen.add(identity_of(str(folder)))
        assert len(seen) == number


def test_times_are_those_of_weights(tmp_path):
    """A program that lists models reads small files, which is no use."""
    weigh(tmp_path / "a" / "model_index.json", 5, read=9000.0, modified=700.0)
    weigh(tmp_path / "a" / "x.safetensors", MIB, read=800.0, modified=600.0)
    found = planned("a", places(tmp_path))
    assert found.last_read in {800.0, None}  # the filesystem may keep no times of reading
    assert found.last_modified == 700.0
