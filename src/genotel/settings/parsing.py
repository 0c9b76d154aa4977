"""Parsers of single settings: each returns the value or raises ValueError saying what was expected."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


def parse_text(value: object) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError("expected a text that is not empty")
    return _checked(value)


def _checked(text: str) -> str:
    # No path and no host has it, and what is asked of the system with it raises anything.
    if "\0" in text:
        raise ValueError("expected a text without a NUL character")
    return text


def parse_boolean(value: object) -> bool:
    """Return a boolean, or the word for one."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
        return value.strip().lower() in _TRUE
    raise ValueError("expected true or false")


def parse_content_capture(value: object) -> bool:
    """Return whether content goes to spans, of the standard's words; events are none of ours."""
    words = {"no_content": False, "event_only": False, "span_only": True, "span_and_event": True}
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    try:
        return parse_boolean(value)
    except ValueError:
        raise ValueError(f"expected {', '.join(words)}, true or false") from None


def number_parser(low: float, high: float) -> Callable[[object], float]:
    """Return a parser of numbers from ``low`` to ``high``."""

    def parse(value: object) -> float:
        try:
            number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise ValueError(f"expected a number from {low:g} to {high:g}")
        return number

    return parse


def integer_parser(low: int, high: int) -> Callable[[object], int]:
    """Return a parser of whole numbers from ``low`` to ``high``."""

    def parse(value: object) -> int:
        try:
            number = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return number

    return parse


def parse_names(value: object) -> tuple[str, ...]:
    """Return names that were given as a list, or separated by commas."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError("expected names, separated by commas")
    return tuple(_checked(part.strip()) for part in parts if part.strip())


def parse_pairs(value: object) -> tuple[tuple[str, str], ...]:
    """Return a table of texts as pairs."""
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for pair in value.items() for part in pair):
        raise ValueError('expected a table of texts, { "pattern" = "name" }')
    return tuple(value.items())


def parse_collector_names(value: object) -> tuple[str, ...]:
    """Return names of collectors; ``none`` is none of them."""
    names = parse_names(value)
    return () if names == ("none",) else names


def parse_journal_path(value: object) -> Path | None:
    """Return the path of a journal: a path, a word for the default one, or None."""
    if value is None or value is False:
        return None
    if value is True or (isinstance(value, str) and value.strip().lower() in {"on", "true", "default"}):
        return default_journal_path()
    if isinstance(value, Path):
        return value
    text = parse_text(value)
    return None if text.strip().lower() in {"off", "false", "none"} else Path(os.path.expanduser(text))


def parse_folder(value: object) -> Path | None:
    """Return a folder, or None for a word that says none."""
    if isinstance(value, Path):
        return value
    text = parse_text(value)
    return None if text.strip().lower() in {"off", "false", "none"} else Path(os.path.expanduser(text))


def parse_file(value: object) -> Path | None:
    """Return the path of a file, or None for a word that says none."""
    return parse_folder(value)


def default_journal_path(environ: Mapping[str, str] | None = None) -> Path:
    """Return ``$XDG_STATE_HOME/genotel/journal.db``, where a journal is kept unless told otherwise."""
    environ = os.environ if environ is None else environ
    state = environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(state) / "genotel" / "journal.db"
