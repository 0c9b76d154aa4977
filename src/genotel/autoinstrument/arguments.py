"""The arguments of a call by name, however they were given, without binding them anew at each call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any


class Arguments:
    """Give the arguments of one call by name."""

    __slots__ = ("_given", "kwargs", "positional")

    def __init__(self, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.positional = args
        self.kwargs: Mapping[str, Any] = kwargs
        self._given: dict[str, Any] = {**kwargs, **dict(zip(names, args, strict=False))}

    @property
    def owner(self) -> Any:
        """Return the first argument: the object, or the class, that was called."""
        return self.positional[0] if self.positional else None

    def get(self, name: str, default: Any = None) -> Any:
        """Return an argument, or ``default`` where it was left out."""
        return self._given.get(name, default)


def positional_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names that positional arguments of a function go to.

    Example:
        >>> positional_names(lambda a, b=1, *rest, c=2: None)
        ('a', 'b')
    """
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(each.name for each in inspect.signature(function).parameters.values() if each.kind in kinds)
