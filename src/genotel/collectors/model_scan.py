"""Walk a store of models: which units it has, and what one unit holds.

A unit is what is looked at anew as a whole: a repository of the hub's cache, a manifest of Ollama's, a
folder that is one model, or the loose files of a folder. Only names and sizes are read, and of Ollama its
manifests, which are small.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from genotel.collectors import model_formats as formats
from genotel.collectors.model_stores import FOLDER, HUB, OLLAMA, Store, layout_of

_HUB_PREFIX = "models--"
# Folders of a cached repository that hold no part of it.
_HUB_SKIPPED = frozenset({"refs", ".no_exist", ".locks"})
# Deeper trees are no model stores; a link may also lead in circles.
_DEEPEST = 8
_LARGEST_MANIFEST_BYTES = 1024 * 1024
# What belongs to every model of Ollama's own registry, and is left out when one is named there.
_OLLAMA_HOME = "registry.ollama.ai/library/"
_OLLAMA_TAG = ":latest"
_NODE_BITS = 64


class Unit(NamedTuple):
    """Name a unit: where it is, how it is read, and what changes when it does."""

    path: str
    layout: str
    signature: tuple[int, ...]


class FoundModel(NamedTuple):
    """Hold a model that was found: its files by identity with their bytes, and Unix times.

    A file's identity is device and inode, so that links of any kind lead to one file.
    """

    name: str
    format: str
    files: dict[int, int]
    last_read: float
    last_modified: float


class Walk:
    """Go through a store, no faster than the pace allows.

    Args:
        pace: called for every entry; may wait.

    ``failures`` counts the folders and files that could not be read.
    """

    def __init__(self, pace: Callable[[], None]) -> None:
        self.failures = 0
        self._pace = pace

    def units(self, store: Store) -> Iterator[Unit]:
        """Yield the units of a store.

        Raises:
            OSError: the store itself cannot be read.
        """
        names = sorted(os.listdir(store.path))
        layout = store.layout or layout_of(store.path, names)
        if layout == HUB:
            for name in names:
                if name.startswith(_HUB_PREFIX):
                    yield self._unit(os.path.join(store.path, name), HUB, "blobs", "snapshots")
        elif layout == OLLAMA:
            for path in self._files_below(os.path.join(store.path, "manifests"), set(), 0):
                yield self._unit(path, OLLAMA)
        else:
            yield from self._folders(store.path, set(), 0)

    def models(self, store: Store, unit: Unit) -> list[FoundModel]:
        """Return the models of a unit; none if it is gone."""
        if unit.layout == HUB:
            return self._tree(_repository(unit.path), unit.path, None)
        if unit.layout == OLLAMA:
            return self._manifest(store.path, unit.path)
        if unit.layout == FOLDER:
            return self._loose(unit.path)
        return self._tree(os.path.basename(unit.path), unit.path, unit.layout)

    def places(self, store: Store, unit: Unit) -> dict[str, list[str]]:
        """Return the paths that a unit's models are made of, by name: whole folders, or single files.

        A path may belong to several models, such as a layer of Ollama's; what it holds is not looked at.
        """
        if unit.layout == HUB:
            return {_repository(unit.path): [unit.path]}
        if unit.layout == OLLAMA:
            name, blobs = self._read_manifest(store.path, unit.path)
            # A manifest may name anything; of a blob it is a file or it is left alone.
            return {name: [unit.path, *(blob for blob in dict.fromkeys(blobs) if os.path.isfile(blob))]}
        if unit.layout != FOLDER:
            return {os.path.basename(unit.path): [unit.path]}
        found: dict[str, list[str]] = {}
        for entry in self._entries(unit.path):
            if formats.suffix_format(entry.name) is None or entry.is_dir():
                continue
            if self._add(_Making(entry.name), entry.path, only_weights=True):
                found.setdefault(formats.whole_name(entry.name), []).append(entry.path)
        return found

    def _unit(self, path: str, layout: str, *parts: str) -> Unit:
        return Unit(path, layout, tuple(self._changed(os.path.join(path, part)) for part in ("", *parts)))

    def _changed(self, path: str) -> int:
        self._pace()
        try:
            return os.stat(path.rstrip("/")).st_mtime_ns
        except OSError:
            return 0

    def _folders(self, folder: str, seen: set[int], depth: int) -> Iterator[Unit]:
        """Yield the units of a folder and of those below: of each whole model, and of loose files."""
        names: set[str] = set()
        below: list[os.DirEntry[str]] = []
        for entry in self._entries(folder):
            if entry.is_dir():
                below.append(entry)
            else:
                names.add(entry.name)
        whole = formats.folder_format(names)
        if whole is not None:
            yield self._unit(folder, whole)
            return
        if any(formats.suffix_format(name) for name in names):
            yield self._unit(folder, FOLDER)
        for entry in below:
            if entry.name.startswith(_HUB_PREFIX):
                yield self._unit(entry.path, HUB, "blobs", "snapshots")
            elif depth < _DEEPEST and not entry.name.startswith(".") and self._is_new(entry, seen):
                yield from self._folders(entry.path, seen, depth + 1)

    def _is_new(self, folder: os.DirEntry[str], seen: set[int]) -> bool:
        try:
            identity = _identity(folder.stat())
        except OSError:
            return False
        new = identity not in seen
        seen.add(identity)
        return new

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        self._pace()
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError:
            self.failures += 1
            return []

    def _files_below(self, folder: str, skipped: frozenset[str] | set[str], depth: int) -> Iterator[str]:
        for entry in self._entries(folder):
            if entry.is_dir():
                if depth < _DEEPEST and entry.name not in skipped:
                    yield from self._files_below(entry.path, skipped, depth + 1)
            else:
                yield entry.path

    def _tree(self, name: str, folder: str, format: str | None) -> list[FoundModel]:
        made = _Making(name)
        names: set[str] = set()
        for path in self._files_below(folder, _HUB_SKIPPED, 0):
            if self._add(made, path):
                names.add(os.path.basename(path))
        # What is right in a repository says more than its blobs, whose names are numbers.
        return made.models(format or formats.tree_format(names))

    def _loose(self, folder: str) -> list[FoundModel]:
        made: dict[str, _Making] = {}
        for entry in self._entries(folder):
            if formats.suffix_format(entry.name) is None or entry.is_dir():
                continue
            name = formats.whole_name(entry.name)
            self._add(made.setdefault(name, _Making(name)), entry.path, only_weights=True)
        parent = os.path.basename(folder)
        return [model for one in made.values() for model in one.models(formats.single_format(parent, one.name))]

    def _manifest(self, store: str, path: str) -> list[FoundModel]:
        name, blobs = self._read_manifest(store, path)
        made = _Making(name)
        for blob in blobs:
            self._add(made, blob)
        return made.models(formats.OLLAMA)

    def _read_manifest(self, store: str, path: str) -> tuple[str, list[str]]:
        """Return a model's name and the paths of its blobs; none where the manifest cannot be read."""
        inside = os.path.relpath(path, os.path.join(store, "manifests"))
        model, _, tag = inside.rpartition(os.sep)
        name = f"{model}:{tag}".removeprefix(_OLLAMA_HOME).removesuffix(_OLLAMA_TAG)
        try:
            with open(path, "rb") as file:
                manifest = json.loads(file.read(_LARGEST_MANIFEST_BYTES))
            layers = [manifest["config"], *manifest["layers"]]
            digests = [str(layer["digest"]).replace(":", "-") for layer in layers]
        except (OSError, ValueError, KeyError, TypeError):
            self.failures += 1
            return name, []
        return name, [os.path.join(store, "blobs", os.path.basename(digest)) for digest in digests]

    def _add(self, made: _Making, path: str, *, only_weights: bool = False) -> bool:
        self._pace()
        try:
            found = os.stat(path)
        except OSError:
            # Gone meanwhile, or a link to nothing.
            return False
        if only_weights and not formats.is_weight_file(path, found.st_size):
            return False
        made.add(found)
        return True


class _Making:
    """Put a model together from its files."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._files: dict[int, int] = {}
        self._read = {False: 0.0, True: 0.0}
        self._modified = 0.0

    def add(self, found: os.stat_result) -> None:
        self._files[_identity(found)] = found.st_size
        # A listing program reads small files; only weights tell that a model was used.
        large = found.st_size >= formats.LEAST_BYTES
        self._read[large] = max(self._read[large], found.st_atime)
        self._modified = max(self._modified, found.st_mtime)

    def models(self, format: str) -> list[FoundModel]:
        if not self._files:
            return []
        return [FoundModel(self.name, format, self._files, self._read[True] or self._read[False], self._modified)]


def _repository(path: str) -> str:
    return os.path.basename(path).removeprefix(_HUB_PREFIX).replace("--", "/")


def _identity(found: os.stat_result) -> int:
    return found.st_dev << _NODE_BITS | found.st_ino
