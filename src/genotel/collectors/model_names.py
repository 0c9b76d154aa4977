"""What a model on disk is called where it is used: rules that join inventory and use.

A model from a hub is called ``org/name`` in both places. A file or folder is called by its last part, as
a program that loads it by its path reports it. Everything else is a rule of the user's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
_SUFFIX = re.compile(r"\.(safetensors|sft|gguf|ggml|ckpt|pt|pth|bin|onnx)$", re.IGNORECASE)
_LONGEST = 200


class NameRules:
    """Map names on disk to names in use; of several rules that fit, the first one counts.

    Args:
        rules: pairs of a pattern (``*`` and ``?`` as in a shell, case counts) and a name; in the name ``{stem}``
            stands for the name on disk without suffix and shard number, ``{last}`` for what follows
            its last slash.

    Example:
        >>> rules = NameRules([("stabilityai/*xl-base*", "sdxl"), ("*.gguf", "{stem}")])
        >>> rules.name_of("stabilityai/stable-diffusion-xl-base-1.0"), rules.name_of("llama-3-8b.gguf")
        ('sdxl', 'llama-3-8b')
    """

    def __init__(self, rules: Iterable[tuple[str, str]] = ()) -> None:
        self._rules = [*rules]

    def name_of(self, found: str) -> str:
        """Return what a model is called in use."""
        for pattern, name in self._rules:
            if fnmatchcase(found, pattern):
                # Not str.format(), whose fields reach into attributes.
                return name.replace("{stem}", stem_of(found)).replace("{last}", found.rpartition("/")[2])[:_LONGEST]
        return found[:_LONGEST]


def stem_of(name: str) -> str:
    """Return a file's name without suffix and shard number.

    Example:
        >>> stem_of("llama-00001-of-00003.gguf"), stem_of("qwen2.5")
        ('llama', 'qwen2.5')
    """
    return _SHARD.sub("", _SUFFIX.sub("", name))
