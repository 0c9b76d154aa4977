"""The workload of pipelines, on a pipeline that is none; real ones are in tests/real_libraries."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest

from genotel.demo import diffusers_workload
from genotel.demo.diffusers_workload import DiffusersWorkload, Kind, require_libraries
from genotel.errors import SettingsError
from tests.servers import wait_for


def pipeline(*, generator, height=4, num_inference_steps, clip=False):
    """Give a picture, or a clip, of random numbers."""
    if height == 33:
        raise ValueError("height has to be divisible by 8")
    shape = (1, 2, 3, height, height) if clip else (1, 3, height, height)
    return (np.random.default_rng(generator).random(shape),)


def workload(**arguments):
    """Return a workload of two kinds."""
    kinds = {"still": Kind(pipeline, {}, 3), "moving": Kind(pipeline, {"clip": True}, 1)}
    return DiffusersWorkload(kinds, generator=int, **arguments)


def test_calls_are_counted_by_the_program_itself():
    """Good ones and those of a size that no model has."""
    made = workload()
    for _ in range(100):
        made.answer("still")
        made.answer("moving")
    counts = made.tally.models["still"]
    assert (counts.calls, counts.running, counts.refused) == (100, 0, 0)
    assert 0 < counts.failed < 30
    assert counts.steps > 100
    assert made.tally.calls == 200


def test_the_picture_is_stretched_from_black_to_white():
    """Of a clip its last frame; what is all one shade is grey."""
    made = workload(seed=2)
    made.answer("moving")
    glimpse = made.glimpse
    assert (glimpse.model, glimpse.side, glimpse.step == glimpse.steps) == ("moving", 4, True)
    assert (glimpse.picture.min(), glimpse.picture.max()) == (-1, 1)
    assert glimpse.picture.shape == (16,)
    side, shades = diffusers_workload._picture(np.ones((1, 3, 5, 5)))
    assert (side, set(shades)) == (5, {0.0})


def test_it_runs_until_it_is_stopped():
    """One of each comes first; stopped twice is stopped."""
    made = workload()
    made.start()
    wait_for("a call of each", lambda: made.tally.calls >= 2)
    assert {name for name, model in made.tally.models.items() if model.calls} == {"still", "moving"}
    assert (made.in_memory, made.waiting) == (("still", "moving"), 0)
    made.stop()
    made.stop()
    calls = made.tally.calls
    assert made.tally.running == 0
    assert made.tally.calls == calls


def test_without_the_libraries_one_line_says_what_to_do(monkeypatch):
    """The names of those that are missing, and the command that brings them."""
    monkeypatch.setattr(diffusers_workload, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(SettingsError, match=r"needs torch, which is not installed: pip install 'genotel\[diffusers\]'"):
        require_libraries()
    monkeypatch.setattr(diffusers_workload, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="needs torch, diffusers, transformers, which are not installed"):
        require_libraries()
    monkeypatch.setattr(diffusers_workload, "find_spec", lambda name: importlib.util.find_spec("json"))
    require_libraries()


class Saved:
    """Be a pipeline that can be written and loaded."""

    def save_pretrained(self, folder):
        folder.mkdir(parents=True)

    @classmethod
    def from_pretrained(cls, folder):
        assert folder.is_dir()
        return cls()


def test_pipelines_are_loaded_from_where_they_were_written(monkeypatch, tmp_path):
    """By their names; the libraries keep off the screen, and torch takes one thread."""
    said = []
    logging = SimpleNamespace(
        set_verbosity_error=lambda: said.append("quiet"), disable_progress_bar=lambda: said.append("no bars")
    )
    torch = SimpleNamespace(
        set_num_threads=said.append, Generator=lambda: SimpleNamespace(manual_seed=lambda seed: f"numbers of {seed}")
    )
    tiny = SimpleNamespace(stable_diffusion=Saved, wan=Saved, STABLE_DIFFUSION={}, WAN={}, quiet=lambda made: made)
    libraries = {
        "transformers.utils.logging": logging,
        "diffusers.utils.logging": logging,
        "torch": torch,
        "genotel.demo.tiny_pipelines": tiny,
    }
    monkeypatch.setattr(diffusers_workload, "import_module", libraries.__getitem__)
    kinds = diffusers_workload.load_kinds(tmp_path / "models")
    assert [*kinds] == ["tiny-sd", "tiny-wan"]
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["tiny-sd", "tiny-wan"]
    assert said == ["quiet", "no bars", "quiet", "no bars", 1]
    assert DiffusersWorkload(kinds)._generator(5) == "numbers of 5"
