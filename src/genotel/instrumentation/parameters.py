"""Which of a call's parameters may be seen, and where.

Numbers and truth values are harmless; a text might be a prompt, so only a few keys whose values are
words of the trade may be texts. Everything else is left out, as is what is not a finite number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from numbers import Integral, Real

from genotel.semconv import attributes as a

# Upstream has a key for these; the others become `genotel.request.<name>`.
_UPSTREAM = {
    "seed": a.SEED,
    "max_tokens": a.MAX_TOKENS,
    "temperature": a.TEMPERATURE,
    "top_p": a.TOP_P,
    "top_k": a.TOP_K,
    "n": a.CHOICE_COUNT,
    "stream": a.STREAM,
}
_WORDS = frozenset({"scheduler", "lora", "sampler", "dtype", "precision", "quantization", "quality", "resolution"})
# "DPM++ 2M SDE Karras" is a sampler's name; what is longer is no name, and might be a prompt.
_WORD = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9_+.:-]+(?: [A-Za-z0-9_+.:-]+){0,3}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")
_RESOLUTION = re.compile(r"[0-9]{1,5}x[0-9]{1,5}|[0-9]{3,4}p|[0-9]{1,2}k", re.IGNORECASE)
MAX_PARAMETERS = 32
# OTLP has integers of 64 bits; seeds of torch reach to 2^64.
_LARGEST = 2**63


def safe_parameters(given: Mapping[str, object]) -> dict[str, bool | int | float | str]:
    """Return the parameters that may be exported.

    Example:
        >>> safe_parameters({"steps": 30, "prompt": "a secret", "scheduler": "euler"})
        {'steps': 30, 'scheduler': 'euler'}
    """
    safe: dict[str, bool | int | float | str] = {}
    for name, value in given.items():
        if len(safe) >= MAX_PARAMETERS:
            break
        if not isinstance(name, str) or not _is_name(name):
            continue
        number = _number(value)
        if number is not None:
            safe[name] = number
        elif isinstance(value, str) and name in _WORDS and _is_word(name, value):
            safe[name] = value
    return safe


# A program asks for the same few over and over.
@lru_cache(1024)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


@lru_cache(1024)
def _is_word(name: str, value: str) -> bool:
    return (_RESOLUTION if name == "resolution" else _WORD).fullmatch(value) is not None


def _number(value: object) -> bool | int | float | str | None:
    if isinstance(value, bool):
        return value
    # The abstract classes take in numpy's scalars; to ask them takes much longer.
    if isinstance(value, int) or (not isinstance(value, float | str) and isinstance(value, Integral)):
        number = int(value)
        return number if -_LARGEST <= number < _LARGEST else str(number)
    if (isinstance(value, float) or (not isinstance(value, str) and isinstance(value, Real))) and isfinite(value):
        return float(value)
    return None


def span_attributes(parameters: Mapping[str, bool | int | float | str]) -> dict[str, bool | int | float | str]:
    """Return the span attributes of safe parameters."""
    return {_UPSTREAM.get(name, a.PARAMETER_PREFIX + name): value for name, value in parameters.items()}


def counted_values(parameters: Mapping[str, bool | int | float | str]) -> list[tuple[str, str]]:
    """Return the (parameter, value) pairs that ``genotel.generation.parameters`` counts.

    Only resolution and steps: models × parameters × values is a cardinality bomb.

    Example:
        >>> counted_values({"width": 1024, "height": 768, "steps": 30})
        [('resolution', '1024x768'), ('steps', '30')]
    """
    pairs = []
    width, height = parameters.get("width"), parameters.get("height")
    if isinstance(width, int) and isinstance(height, int):
        pairs.append(("resolution", f"{width}x{height}"))
    elif isinstance(resolution := parameters.get("resolution"), str):
        pairs.append(("resolution", resolution))
    steps = parameters.get("steps")
    if isinstance(steps, int) and not isinstance(steps, bool):
        pairs.append(("steps", str(steps)))
    return pairs
