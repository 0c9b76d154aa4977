"""The wire format of Protocol Buffers, as far as a page needs it: fields, numbers, messages.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

_DOUBLE = struct.Struct("<d")
_VARINT, _FIXED64, _LENGTH = 0, 1, 2


def varint(number: int) -> bytes:
    """Return a number that is not negative, seven bits a byte.

    Example:
        >>> varint(300).hex()
        'ac02'
    """
    if number < len(_SMALL):
        return _SMALL[number]
    return _varint(number)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


# Most numbers of a page: counts and lengths.
_SMALL: tuple[bytes, ...] = tuple(_varint(number) for number in range(1024))


def zigzag(number: int) -> int:
    """Return a signed number as one that is not negative, small where that is small.

    Example:
        >>> [zigzag(number) for number in (0, -1, 1, -2)]
        [0, 1, 2, 3]
    """
    return number * 2 if number >= 0 else -number * 2 - 1


def integer(field: int, number: int) -> bytes:
    """Return a field of type ``uint32``, ``uint64`` or an enumeration."""
    return varint(field << 3 | _VARINT) + varint(number)


def signed(field: int, number: int) -> bytes:
    """Return a field of type ``sint32`` or ``sint64``."""
    return integer(field, zigzag(number))


def double(field: int, number: float) -> bytes:
    """Return a field of type ``double``."""
    return varint(field << 3 | _FIXED64) + _DOUBLE.pack(number)


def message(field: int, content: bytes) -> bytes:
    """Return a field that holds a message or bytes."""
    return varint(field << 3 | _LENGTH) + varint(len(content)) + content


def text(field: int, value: str) -> bytes:
    """Return a field of type ``string``; lone surrogates become ``?``."""
    return message(field, value.encode("utf-8", "replace"))


def packed(field: int, numbers: Iterable[int]) -> bytes:
    """Return a packed field of type ``sint64``."""
    return message(field, b"".join([varint(zigzag(number)) for number in numbers]))


def delimited(content: bytes) -> bytes:
    """Return a message behind its length, as several follow each other in a stream."""
    return varint(len(content)) + content
