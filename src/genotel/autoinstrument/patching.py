"""One table wraps, checks and unwraps: what is patched, by what, and what was there before.

A patch replaces a function in the ``__dict__`` of its class (or module), and only there: inherited
functions stay inherited. Unwrapping puts the very same object back; where somebody has wrapped ours
since, theirs stays and ours becomes a mere passage.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from genotel import guard

Function = Callable[..., Any]
# Takes the original function, returns the one that measures.
Wrap = Callable[[Function], Function]


@dataclass(frozen=True, slots=True)
class Patch:
    """Name one public function of a library and what measures it.

    Attributes:
        module: full name of the module that defines it; ``*`` stands for anything.
        owner: its class; ``*`` stands for every class that the module defines.
        name: its name in the class.
        wrap: makes the measuring function.
    """

    module: str
    owner: str
    name: str
    wrap: Wrap


@dataclass(frozen=True, slots=True)
class _Patched:
    owner: Any
    name: str
    before: Any
    after: Any
    switch: list[bool]


class Patches:
    """Hold what is patched; safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._patched: dict[tuple[int, str], _Patched] = {}

    def __len__(self) -> int:
        return len(self._patched)

    def apply(self, patch: Patch, module: ModuleType) -> bool:
        """Patch what a module defines; return whether there was anything to patch."""
        if patch.owner != "*":
            owner = getattr(module, patch.owner, None)
            return isinstance(owner, type) and self.wrap(owner, patch.name, patch.wrap)
        defined = [each for each in vars(module).values() if isinstance(each, type)]
        for owner in defined:
            # What a module only imports is patched where it is defined.
            if owner.__module__ == module.__name__:
                self.wrap(owner, patch.name, patch.wrap)
        return True

    def wrap(self, owner: Any, name: str, wrap: Wrap) -> bool:
        """Replace a function that ``owner`` itself defines, once; return whether it is replaced."""
        with self._lock:
            if (id(owner), name) in self._patched:
                return True
            before = vars(owner).get(name)
            kind = type(before) if isinstance(before, staticmethod | classmethod) else None
            function = before.__func__ if isinstance(before, staticmethod | classmethod) else before
            if not isinstance(function, FunctionType):
                return False
            switch = [True]
            made = _switched(function, wrap(function), switch)
            after = made if kind is None else kind(made)
            setattr(owner, name, after)
            self._patched[(id(owner), name)] = _Patched(owner, name, before, after, switch)
            return True

    def unwrap_all(self) -> None:
        """Put every original back."""
        with self._lock:
            for patched in self._patched.values():
                patched.switch[0] = False
                with guard.guarded("patching.unwrap"):
                    if vars(patched.owner).get(patched.name) is patched.after:
                        setattr(patched.owner, patched.name, patched.before)
            self._patched.clear()


def _switched(original: FunctionType, measuring: Function, switch: list[bool]) -> Function:
    """Return the measuring function, which is the original again once the switch is off."""

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        return (measuring if switch[0] else original)(*args, **kwargs)

    return call
