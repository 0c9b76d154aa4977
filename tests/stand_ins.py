"""Stand-ins for libraries in a test: importable while it runs, forgotten after it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from genotel.autoinstrument.registry import uninstrument

LIBRARIES = Path(__file__).resolve().parent / "fixtures" / "libraries"
ROOTS = frozenset(path.name for path in LIBRARIES.iterdir() if path.is_dir())


def loaded() -> list[str]:
    """Return the names of modules of libraries that are loaded."""
    return [name for name in sys.modules if name.partition(".")[0] in ROOTS]


@contextmanager
def stand_ins() -> Iterator[Callable[[str], ModuleType]]:
    """Let the libraries be imported from the stand-ins; give what imports a module of one."""
    before = {name: sys.modules.pop(name) for name in loaded()}
    sys.path.insert(0, str(LIBRARIES))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module
    finally:
        uninstrument()
        for name in loaded():
            del sys.modules[name]
        sys.path.remove(str(LIBRARIES))
        sys.modules.update(before)
