"""One setting: a field of a dataclass that knows how it is parsed, named in the environment and explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any


def setting(
    default: Any, parse: Callable[[object], Any], variable: str | None = None, *, help: str, example: Any = None
) -> Any:
    """Return a field of a frozen dataclass.

    Args:
        default: its value where nobody says anything.
        parse: returns the value or raises ValueError saying what was expected.
        variable: its variable of the environment, if it has one.
        help: one sentence for ``docs/settings.md`` and ``examples/genotel.toml``, with the unit.
        example: a value as ``genotel.toml`` has it, for a default that shows nothing.
    """
    metadata = {"parse": parse, "variable": variable, "help": help, "example": default if example is None else example}
    return field(default=default, metadata=metadata)
