"""Numbers in words for people. Nowhere else do seconds and bytes leave their base unit."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
# Control characters, what breaks a line or turns the direction of writing, and halves of characters.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_SECONDS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))


def timestamp(seconds: float) -> str:
    """Return a Unix time as RFC 3339 in UTC, whole seconds.

    Example:
        >>> timestamp(1_700_000_000.7)
        '2023-11-14T22:13:20Z'
    """
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def date(seconds: float) -> str:
    """Return the day (UTC) of a Unix time.

    Example:
        >>> date(1_700_000_000)
        '2023-11-14'
    """
    return timestamp(seconds)[:10]


def size(count: float) -> str:
    """Return a size in decimal units, three digits.

    Example:
        >>> size(0), size(999), size(6_938_040_682), size(999_999)
        ('0 B', '999 B', '6.94 GB', '1.00 MB')
    """
    step = 0
    while count >= 999.5 and step < len(_SIZES) - 1:
        count, step = count / 1000, step + 1
    if not step:
        return f"{count:.0f} B"
    digits = 2 if count < 9.995 else 1 if count < 99.95 else 0
    return f"{count:.{digits}f} {_SIZES[step]}"


def duration(seconds: float) -> str:
    """Return a length of time in the largest unit of which it holds two.

    Example:
        >>> duration(0.25), duration(90), duration(150), duration(86_400), duration(259_200)
        ('0.25 s', '90 s', '2.5 min', '24 h', '3 d')
    """
    for length, unit in _SECONDS:
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def percent(ratio: float) -> str:
    """Return a probability in percent; certain only where it is.

    Example:
        >>> percent(0.987), percent(0.9996), percent(1.0)
        ('99 %', '>99 %', '100 %')
    """
    if 0.995 <= ratio < 1.0:
        return ">99 %"
    return f"{100 * ratio:.0f} %"


def sureness(probability: float) -> str:
    """Return how sure advice is; that it rounds to 1 makes nothing certain.

    Example:
        >>> sureness(0.5), sureness(1.0)
        ('50 %', '>99 %')
    """
    return percent(min(probability, 0.999))


def one_line(text: str) -> str:
    """Return a text that somebody else wrote as it can be shown: one line, nothing that a terminal obeys.

    Example:
        >>> one_line("sdxl\\x1b[2J\\nhigh")
        'sdxl�[2J�high'
    """
    return _UNPRINTABLE.sub("\ufffd", text)
