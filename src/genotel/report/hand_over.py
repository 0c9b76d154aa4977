"""The models to keep loaded, written for the servers that would load them: a plan, or calls to look at first.

Nothing is sent anywhere. What is printed can be read, and run by whoever wants to.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence

from genotel.errors import SettingsError
from genotel.recommenders.advice import Advice
from genotel.recommenders.recommendation import Recommendation

KIND = "preload"


def hand_over(advice: Advice, server: str, memory_bytes: int | None) -> str:
    """Return the models to keep loaded in the words of a server; ``plan`` is JSON for any other.

    Args:
        advice: with what preload advises.
        server: ``plan``, ``ollama`` or ``triton``.
        memory_bytes: what the models may take together, by their size on disk; None for any amount.

    Raises:
        SettingsError: there is no such server here.
    """
    if server not in SERVERS:
        raise SettingsError(f"unknown hand-over {server!r}; there are {', '.join(SERVERS)}")
    wanted = [entry for entry in advice.recommendations if entry.kind == KIND]
    resident = resident_set(wanted, memory_bytes)
    others = [entry for entry in wanted if entry not in resident]
    return SERVERS[server](resident, others)


def resident_set(wanted: Sequence[Recommendation], memory_bytes: int | None) -> list[Recommendation]:
    """Return which models fit, those first that save most seconds a day for each byte.

    Where no load was measured each saves its cold starts. A model of unknown size is taken only where
    the memory has no limit.
    """
    if memory_bytes is None:
        return list(wanted)
    sized = [(entry, int(size)) for entry in wanted if (size := entry.evidence.get("size_bytes")) is not None]
    sized.sort(key=lambda pair: (_worth(pair[0]) / max(pair[1], 1), pair[0].model), reverse=True)
    chosen, left = [], memory_bytes
    for entry, size in sized:
        if size <= left:
            chosen.append(entry)
            left -= size
    return chosen


def _worth(entry: Recommendation) -> float:
    seconds = entry.saving.seconds_per_day
    return seconds if seconds is not None else float(entry.evidence.get("cold_starts_per_day") or 0.0)


def _plan(resident: Sequence[Recommendation], others: Sequence[Recommendation]) -> str:
    content = {
        "resident": [
            {
                "model": entry.model,
                "size_bytes": entry.evidence.get("size_bytes"),
                "seconds_saved_per_day": entry.saving.seconds_per_day,
                "confidence": round(entry.confidence, 6),
            }
            for entry in resident
        ],
        "no_room": [entry.model for entry in others],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _ollama(resident: Sequence[Recommendation], others: Sequence[Recommendation]) -> str:
    """Return calls of Ollama's API: a request without a prompt loads a model, keep_alive 0 lets it go."""
    kept = ((entry.model, -1) for entry in resident)
    gone = ((entry.model, 0) for entry in others)
    lines = [
        "curl -s http://127.0.0.1:11434/api/generate -d "
        + shlex.quote(json.dumps({"model": model, "keep_alive": seconds}))
        for model, seconds in (*gone, *kept)
    ]
    return _lines(lines)


def _triton(resident: Sequence[Recommendation], others: Sequence[Recommendation]) -> str:
    """Return calls of Triton's model repository extension, for --model-control-mode=explicit."""
    calls = [(entry.model, "unload") for entry in others] + [(entry.model, "load") for entry in resident]
    return _lines(
        [
            "curl -s -X POST " + shlex.quote(f"http://127.0.0.1:8000/v2/repository/models/{model}/{call}")
            for model, call in calls
        ]
    )


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(["# Read it before you run it: nothing was sent.", *lines]) + "\n"


# Name -> what writes it. One visible line for each server.
SERVERS: dict[str, Callable[[Sequence[Recommendation], Sequence[Recommendation]], str]] = {
    "plan": _plan,
    "ollama": _ollama,
    "triton": _triton,
}
