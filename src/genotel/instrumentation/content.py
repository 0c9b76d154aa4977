"""Content of calls on their spans: nothing of it, unless the user asked by the standard variable.

Prompts and answers go nowhere but to two attributes of the call's own span, in the form of the GenAI
semantic conventions: a JSON list of messages, each with a role and parts of text. Images, audio and
objects are never written. https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

# Of all texts of one attribute together, in characters: a span must fit through a collector.
MAX_CHARACTERS = 32_768


class Capture:
    """Hold whether content may be written; ``configure()`` sets it."""

    is_on = False


CAPTURE = Capture()


def messages(content: object, role: str) -> str | None:
    """Return content as a JSON list of messages; None where there is no text in it.

    Args:
        content: a text, texts, or messages of chats (``{"role": …, "content": …}``, whose content is a
            text or parts with a text each).
        role: whose texts without a role are: ``user`` or ``assistant``.

    Example:
        >>> messages("a cat", "user")
        '[{"role": "user", "parts": [{"type": "text", "content": "a cat"}]}]'
        >>> messages([{"role": "system", "content": "Be brief."}], "user")
        '[{"role": "system", "parts": [{"type": "text", "content": "Be brief."}]}]'
        >>> messages(b"no text", "user")
    """
    left = MAX_CHARACTERS
    found = []
    for item in _items(content):
        name, texts = role, _texts(item)
        if isinstance(item, Mapping):
            given = item.get("role")
            name, texts = given if isinstance(given, str) else role, _texts(item.get("content"))
        parts = []
        for text in texts:
            if left <= 0:
                break
            parts.append({"type": "text", "content": text[:left]})
            left -= len(text)
        if parts:
            found.append({"role": name[:64], "parts": parts})
    return json.dumps(found, ensure_ascii=False) if found else None


def _items(content: object) -> Sequence[object]:
    # A list that grows as it is read must end all the same.
    return tuple(content[:MAX_CHARACTERS]) if isinstance(content, list | tuple) else (content,)


def _texts(content: object) -> list[str]:
    if isinstance(content, str):
        return [content] if content else []
    if isinstance(content, list | tuple):
        texts = (part.get("text") if isinstance(part, Mapping) else part for part in content)
        return [text for text in texts if isinstance(text, str) and text]
    return []
