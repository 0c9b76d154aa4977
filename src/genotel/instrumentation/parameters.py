"""Which of a call's parameters may be seen, and where.

Numbers and truth values are harmless; a text might be a prompt, so only a few keys whose values are
words of the trade may be texts. Everything else is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

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
_WORDS = frozenset({"scheduler", "sampler", "dtype", "precision", "quantization", "quality", "resolution"})
MAX_WORD_LENGTH = 64
MAX_PARAMETERS = 32


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
        if isinstance(value, bool | int | float) or (
            name in _WORDS and isinstance(value, str) and len(value) <= MAX_WORD_LENGTH
        ):
            safe[str(name)] = value
    return safe


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
