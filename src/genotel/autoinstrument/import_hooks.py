"""Tell when the user's program has imported a module, without importing it.

A finder at the head of ``sys.meta_path`` only looks at names whose first part is waited for, asks the
finders behind it as Python would, and lets the module's own loader call back once it has run it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NamedTuple

from genotel import guard

Imported = Callable[[ModuleType], None]


class _Waiting(NamedTuple):
    pattern: str
    imported: Imported


class _Finder:
    """Find nothing by itself; hand on what the other finders find."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        # First part of a module's name -> who waits for modules below it.
        self._waiting: dict[str, tuple[_Waiting, ...]] = {}

    def add(self, pattern: str, imported: Imported) -> None:
        root = pattern.partition(".")[0]
        with self._lock:
            self._waiting[root] = (*self._waiting.get(root, ()), _Waiting(pattern, imported))
            if self not in sys.meta_path:
                sys.meta_path.insert(0, self)

    def remove(self, pattern: str, imported: Imported) -> None:
        root = pattern.partition(".")[0]
        with self._lock:
            left = tuple(each for each in self._waiting.get(root, ()) if each != (pattern, imported))
            if left:
                self._waiting[root] = left
            else:
                self._waiting.pop(root, None)
            if not self._waiting and self in sys.meta_path:
                sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what the finders behind this one find, to be told when it has run."""
        waiting = self._waiting.get(name.partition(".")[0])
        if waiting is None:
            return None
        hooks = [each.imported for each in waiting if fnmatchcase(name, each.pattern)]
        if not hooks:
            return None
        for finder in [*sys.meta_path]:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None:
                with guard.guarded("import_hooks.attach"):
                    _call_after(spec, hooks)
                return spec
        return None


def _call_after(spec: ModuleSpec, hooks: Sequence[Imported]) -> None:
    """Let the loader of a module call the hooks after it has run that module, once."""
    # The loader stays what it is, as programs look at it; only this one method of this one object is
    # shadowed, until it has run.
    loader: Any = spec.loader
    execute = getattr(loader, "exec_module", None)
    if execute is None:
        return

    def exec_module(module: ModuleType) -> None:
        if module.__name__ == spec.name:
            # A loader may be shared by all modules of an archive.
            loader.__dict__.pop("exec_module", None)
        execute(module)
        if module.__name__ == spec.name:
            _tell(module, hooks)

    loader.exec_module = exec_module


def _tell(module: ModuleType, hooks: Sequence[Imported]) -> None:
    for imported in hooks:
        try:
            imported(module)
        except Exception as error:
            guard.report("import_hooks.imported", error)


_FINDER = _Finder()


def when_imported(pattern: str, imported: Imported) -> None:
    """Call ``imported`` with each module of that name, now if it is there and else when it is imported.

    Args:
        pattern: full name of a module; ``*`` stands for anything, but not in the first part.
        imported: what to call; its faults are counted and swallowed.
    """
    _FINDER.add(pattern, imported)
    for name, module in [*sys.modules.items()]:
        if isinstance(module, ModuleType) and fnmatchcase(name, pattern):
            _tell(module, [imported])


def forget(pattern: str, imported: Imported) -> None:
    """Call ``imported`` no more; the last one takes the finder away."""
    _FINDER.remove(pattern, imported)
