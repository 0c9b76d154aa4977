"""On which line of a TOML file a key stands: ``tomllib`` does not say, and people look for it."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"\s*([^=#\[\]]+?)\s*=")


def line_of(text: str, section: str, key: str | None = None) -> int | None:
    """Return the line, from 1, of a section or of a key in it; None where it is not found.

    A line inside a text of several lines may be taken for a key: the answer is for a message only.

    Example:
        >>> line_of("[page]\\n# where\\nport = 1", "page", "port")
        3
    """
    wanted = section if key is None else f"{section}.{key}"
    inside, inline = "", None
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            name = inside = _plain(header[1])
        elif found := _KEY.match(line):
            name = _plain(f"{inside}.{found[1]}" if inside else found[1])
            if name == section:
                # page = { port = 1 }
                inline = number
        else:
            continue
        if name == wanted or name.startswith(f"{wanted}."):
            return number
    return inline


def _plain(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
