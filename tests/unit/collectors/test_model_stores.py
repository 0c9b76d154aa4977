"""Where models lie."""

from __future__ import annotations

import pytest

from genotel.collectors.model_stores import hub_cache, layout_of, stores


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}, "/a"),
        ({"HUGGINGFACE_HUB_CACHE": "/c", "HF_HOME": "/b"}, "/c"),
        ({"HF_HOME": "/b", "XDG_CACHE_HOME": "/d"}, "/b/hub"),
        ({"XDG_CACHE_HOME": "/d", "HOME": "/h"}, "/d/huggingface/hub"),
        ({"HOME": "/h"}, "/h/.cache/huggingface/hub"),
    ],
)
def test_the_hub_s_cache_is_found_as_its_library_finds_it(environ, path):
    """By the same variables in the same order."""
    assert hub_cache(environ) == path


def test_the_user_s_folders_come_first_under_names_of_their_own():
    """The name is given, or the part of the path that tells; never twice."""
    found = stores(["nas=/mnt/x", "/opt/ComfyUI/models", "/data/checkpoints", "/srv/checkpoints", "/"], {"HOME": "/h"})
    assert [(store.location, store.path) for store in found[:5]] == [
        ("nas", "/mnt/x"),
        ("ComfyUI", "/opt/ComfyUI/models"),
        ("checkpoints", "/data/checkpoints"),
        ("checkpoints-2", "/srv/checkpoints"),
        ("models", "/"),
    ]
    assert {store.location for store in found[5:]} >= {"huggingface", "ollama", "comfyui", "automatic1111"}


def test_a_known_place_that_the_user_names_is_looked_at_once():
    """Under the user's name."""
    found = stores(["mine=/h/.ollama/models"], {"HOME": "/h"})
    assert [store.location for store in found if store.path == "/h/.ollama/models"] == ["mine"]


def test_ollama_says_where_its_models_are():
    """Its variable replaces both of its usual places."""
    found = stores([], {"HOME": "/h", "OLLAMA_MODELS": "/o"})
    assert [store.path for store in found if store.location.startswith("ollama")] == ["/o"]


@pytest.mark.parametrize(
    ("names", "layout"),
    [(["models--a--b", "x"], "hub"), (["blobs", "manifests"], "ollama"), (["blobs"], "folder"), ([], "folder")],
)
def test_a_folder_shows_how_it_is_laid_out(names, layout):
    """A user's folder may be a cache on another disk."""
    assert layout_of("/x", names) == layout
