"""One library: which versions of it we know, what of it is patched, on when asked and off again."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from importlib import metadata
from types import ModuleType
from typing import Any

from genotel import guard
from genotel.autoinstrument.import_hooks import forget, when_imported
from genotel.autoinstrument.patching import Patch, Patches

logger = logging.getLogger("genotel")

Version = tuple[int, ...]


class LibraryInstrumentor:
    """Patch one library when the program imports it.

    It has the face of OpenTelemetry's instrumentors (``instrument``, ``uninstrument``,
    ``instrumentation_dependencies``) and needs none of its packages.

    Args:
        library: name of the library: its first module, and our provider's name.
        distributions: names under which it is installed; one of them is enough.
        versions: first version that we know and first one that we do not.
        patches: what of it is measured.
    """

    def __init__(
        self, library: str, distributions: Sequence[str], versions: tuple[str, str], patches: Sequence[Patch]
    ) -> None:
        self.library = library
        self._distributions = tuple(distributions)
        self._versions = versions
        self._by_module: dict[str, list[Patch]] = {}
        for patch in patches:
            self._by_module.setdefault(patch.module, []).append(patch)
        self._hooks: dict[str, Callable[[ModuleType], None]] = {}
        self._lock = threading.RLock()
        self.patches = Patches()

    def __call__(self) -> LibraryInstrumentor:
        """Return itself: OpenTelemetry's loader makes an instance of what an entry point names."""
        return self

    @property
    def is_on(self) -> bool:
        """Return whether it was asked to instrument."""
        return bool(self._hooks)

    def instrumentation_dependencies(self) -> list[str]:
        """Return the versions that we know, as requirements."""
        low, below = self._versions
        return [f"{name} >= {low}, < {below}" for name in self._distributions]

    def instrument(self, **_: Any) -> None:
        """Patch the library now where it is loaded, else when the program imports it; again is harmless."""
        with self._lock:
            if self._hooks:
                return
            self._hooks = {module: self._hook(patches) for module, patches in self._by_module.items()}
            for pattern, hook in self._hooks.items():
                when_imported(pattern, hook)

    def uninstrument(self, **_: Any) -> None:
        """Put back every function of the library, the very same objects."""
        with self._lock:
            hooks, self._hooks = self._hooks, {}
            for pattern, hook in hooks.items():
                forget(pattern, hook)
            self.patches.unwrap_all()

    def _hook(self, patches: Sequence[Patch]) -> Callable[[ModuleType], None]:
        def imported(module: ModuleType) -> None:
            if not self._is_known():
                return
            for patch in patches:
                if not self.patches.apply(patch, module) and not _is_shim(patch, module):
                    guard.warn_once(
                        f"autoinstrument.{self.library}.{patch.owner}.{patch.name}",
                        "genotel: this version of %s has no %s.%s; it is not measured",
                        self.library,
                        patch.owner,
                        patch.name,
                    )

        return imported

    def _is_known(self) -> bool:
        installed = self.installed_version()
        low, below = self._versions
        if installed is None or _numbers(low) <= _numbers(installed) < _numbers(below):
            return True
        guard.warn_once(
            f"autoinstrument.{self.library}.version",
            "genotel: %s %s is not one of the versions that genotel knows (from %s, below %s); it is not measured",
            self.library,
            installed,
            low,
            below,
        )
        return False

    def installed_version(self) -> str | None:
        """Return the version that is installed; None where the library says none."""
        for name in self._distributions:
            try:
                return metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
        return None


def _is_shim(patch: Patch, module: ModuleType) -> bool:
    """Say whether a module only passes on what another one defines, or a pattern hit another module."""
    owner = getattr(module, patch.owner, None)
    return "*" in patch.module if owner is None else getattr(owner, "__module__", None) != module.__name__


def _numbers(version: str) -> Version:
    """Return the release of a version as numbers.

    Example:
        >>> _numbers("0.42.1rc1") < _numbers("1.0")
        True
    """
    release = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in release[0].split(".")) if release else ()
