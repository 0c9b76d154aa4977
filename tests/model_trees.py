"""Stores of models on a disk, made as the programs make them; sizes in bytes, no real weights."""

from __future__ import annotations

import json
import os
from pathlib import Path


def weigh(path: Path, size: int, *, read: float = 1000.0, modified: float = 500.0) -> Path:
    """Write a file of this size and these Unix times."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    os.utime(path, (read, modified))
    return path


def cached_repository(cache: Path, repository: str, files: dict[str, int], *, revisions: int = 1) -> Path:
    """Make a repository of the Hugging Face cache: blobs, links to them by revision, refs."""
    home = cache / f"models--{repository.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(f"{0:040x}")
    for number, (name, size) in enumerate(files.items()):
        blob = weigh(home / "blobs" / f"{number:064x}", size)
        for revision in range(revisions):
            link = home / "snapshots" / f"{revision:040x}" / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(blob, link.parent))
    return home


def ollama_model(store: Path, name: str, layers: dict[str, int]) -> Path:
    """Make a model of Ollama's: a manifest, and blobs by digest; ``name`` is ``registry/…/model:tag``."""
    path, _, tag = name.rpartition(":")
    manifest = store / "manifests" / path / tag
    manifest.parent.mkdir(parents=True, exist_ok=True)
    entries = []
    for digest, size in layers.items():
        weigh(store / "blobs" / f"sha256-{digest}", size)
        entries.append({"digest": f"sha256:{digest}", "size": size})
    manifest.write_text(json.dumps({"config": entries[0], "layers": entries[1:]}))
    return manifest
