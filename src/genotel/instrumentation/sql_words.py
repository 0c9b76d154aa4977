"""The first word of a statement: all of it that may be told, from a closed set."""

from __future__ import annotations

import re

from genotel.semconv import attributes as a

# Blanks, brackets and comments before it, such as those by which programs mark their statements. Each
# alternative begins otherwise, so that matching stays linear.
_FIRST_WORD = re.compile(r"(?:[\s(]|--[^\n]*\n|/\*.*?\*/)*([A-Za-z]+)", re.DOTALL)
# A longer comment hides the word.
_LOOKED_AT = 2_000
_KNOWN = frozenset(a.DATABASE_OPERATIONS) - {a.OTHER}


def operation_of(statement: str) -> str:
    """Return the first word of a statement in capitals, or ``other``.

    Example:
        >>> operation_of("/* page 7 */ select name from users"), operation_of("frobnicate")
        ('SELECT', 'other')
    """
    found = _FIRST_WORD.match(statement, 0, _LOOKED_AT)
    word = found[1].upper() if found else ""
    return word if word in _KNOWN else a.OTHER
