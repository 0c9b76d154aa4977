"""Messages on a pipe: JSON behind four bytes that say how long it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_HEAD = 4
# Far above what eight GPUs with thousands of processes need; more is a stream out of step.
MOST_BYTES = 16 * 1024 * 1024

Message = dict[str, Any]


def packed(message: Message) -> bytes:
    """Return a message as it goes over the pipe.

    Example:
        >>> packed({"a": 1})
        b'\\x00\\x00\\x00\\x07{"a":1}'
    """
    body = json.dumps(message, separators=(",", ":")).encode()
    return len(body).to_bytes(_HEAD, "big") + body


class FrameReader:
    """Put the pieces that come over a pipe together.

    Example:
        >>> reader = FrameReader()
        >>> wire = packed({"a": 1})
        >>> [*reader.messages(wire[:5])], [*reader.messages(wire[5:])]
        ([], [{'a': 1}])
    """

    def __init__(self) -> None:
        self._pending = bytearray()

    def messages(self, piece: bytes) -> Iterator[Message]:
        """Yield the messages that are complete with this piece.

        Raises:
            ValueError: this is not such a stream.
        """
        pending = self._pending
        pending += piece
        while len(pending) >= _HEAD:
            end = _HEAD + int.from_bytes(pending[:_HEAD], "big")
            if end > MOST_BYTES:
                raise ValueError("a message is too long")
            if len(pending) < end:
                return
            body = bytes(pending[_HEAD:end])
            del pending[:end]
            message = json.loads(body)
            if not isinstance(message, dict):
                raise ValueError("a message is no object")
            yield message
