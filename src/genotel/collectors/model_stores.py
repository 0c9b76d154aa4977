"""Where models lie on this machine: the caches of the programs that load them, and the user's folders."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

HUB, OLLAMA, FOLDER = "hub", "ollama", "folder"


class Store(NamedTuple):
    """Name a place that holds models: what it is called, where it is, how it is laid out."""

    location: str
    path: str
    # None: it is looked at to find out.
    layout: str | None


def stores(folders: Sequence[str], environ: Mapping[str, str] | None = None) -> list[Store]:
    """Return every place to look at, whether it is there or not; the user's own come first.

    Args:
        folders: of the user: paths, or ``name=path``; without a name the last part of the path is it.
        environ: the environment, by default that of the process.

    Example:
        >>> stores(["nas=/mnt/nas/models"], {"HOME": "/home/ann"})[0]
        Store(location='nas', path='/mnt/nas/models', layout=None)
    """
    environ = os.environ if environ is None else environ
    found: list[Store] = []
    taken: dict[str, int] = {}
    for folder in folders:
        name, equals, path = folder.partition("=")
        if not equals:
            name, path = "", folder
        path = os.path.expanduser(path)
        found.append(Store(_unique(name or _last_part(path), taken), path, None))
    for location, path, layout in _known(environ):
        if path not in {store.path for store in found}:
            found.append(Store(_unique(location, taken), path, layout))
    return found


def hub_cache(environ: Mapping[str, str]) -> str:
    """Return the folder of the Hugging Face cache, by the variables of huggingface_hub, the strongest first."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environ.get(variable):
            return os.path.expanduser(environ[variable])
    home = environ.get("HF_HOME")
    if not home:
        cache = environ.get("XDG_CACHE_HOME") or os.path.join(_home(environ), ".cache")
        home = os.path.join(cache, "huggingface")
    return os.path.join(os.path.expanduser(home), "hub")


def layout_of(path: str, names: Sequence[str]) -> str:
    """Return how a folder is laid out, by the names in it."""
    if any(name.startswith("models--") for name in names):
        return HUB
    if {"manifests", "blobs"} <= {*names}:
        return OLLAMA
    return FOLDER


def _known(environ: Mapping[str, str]) -> list[tuple[str, str, str]]:
    home = _home(environ)
    known = [("huggingface", hub_cache(environ), HUB)]
    if environ.get("OLLAMA_MODELS"):
        known.append(("ollama", os.path.expanduser(environ["OLLAMA_MODELS"]), OLLAMA))
    else:
        known.append(("ollama", os.path.join(home, ".ollama", "models"), OLLAMA))
        # Where its installer makes a user of its own.
        known.append(("ollama", "/usr/share/ollama/.ollama/models", OLLAMA))
    known += [
        ("comfyui", os.path.join(home, "ComfyUI", "models"), FOLDER),
        ("automatic1111", os.path.join(home, "stable-diffusion-webui", "models"), FOLDER),
        ("lm-studio", os.path.join(home, ".lmstudio", "models"), FOLDER),
    ]
    return known


def _home(environ: Mapping[str, str]) -> str:
    return environ.get("HOME") or os.path.expanduser("~")


def _last_part(path: str) -> str:
    """Return what a folder is called: for ``…/ComfyUI/models`` that is ``ComfyUI``."""
    parts = [part for part in path.split("/") if part]
    if len(parts) > 1 and parts[-1].lower() == "models":
        parts.pop()
    return parts[-1] if parts else "models"


def _unique(name: str, taken: dict[str, int]) -> str:
    taken[name] = number = taken.get(name, 0) + 1
    return name if number == 1 else f"{name}-{number}"
