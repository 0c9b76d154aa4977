"""The models to keep loaded, written for the servers that would load them: a plan, or calls to look at first.

Nothing is sent anywhere. What is printed can be read, and run by whoever wants to.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from statistics import median

from genotel.errors import SettingsError
from genotel.recommenders.advice import Advice
from genotel.recommenders.recommendation import Recommendation

KIND = "preload"
# A thousandth of a card is less than anybody knows a model's need by.
_PARTS = 1000


def hand_over(advice: Advice, server: str, memory_bytes: int | None) -> str:
    """Return the models to keep loaded in the words of a server; ``plan`` is JSON for any other.

    Args:
        advice: with what preload advises.
        server: ``plan``, ``ollama``, ``triton``, ``llama-swap`` or ``vllm``.
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
    """Return which models fit and save most seconds of loading a day together, the densest first.

    Where a load was not measured it counts as the median of those that were; where none was, each saves
    its cold starts. A model of unknown size is taken only where the memory has no limit. The memory is
    divided into a thousand parts and sizes are rounded up, so that what is returned fits.
    """
    if memory_bytes is None:
        return list(wanted)
    sized = [(entry, int(size)) for entry in wanted if (size := entry.evidence.get("size_bytes")) is not None]
    worth = _worths([entry for entry, _ in sized])
    parts = [-(-size * _PARTS // memory_bytes) if memory_bytes else _PARTS + 1 for _, size in sized]
    chosen = max(
        (_densest(sized, worth, memory_bytes), _best(worth, parts)),
        key=lambda places: sum(worth[place] for place in places),
    )
    chosen.sort(key=lambda place: (-worth[place] / max(sized[place][1], 1), sized[place][0].model))
    return [sized[place][0] for place in chosen]


def _worths(entries: Sequence[Recommendation]) -> list[float]:
    """Return what each model saves a day, all in one unit."""
    loads = [float(value) for entry in entries if (value := entry.evidence.get("load_seconds")) is not None]
    usual = median(loads) if loads else 1.0
    return [
        seconds
        if (seconds := entry.saving.seconds_per_day) is not None
        else usual * float(entry.evidence.get("cold_starts_per_day") or 0.0)
        for entry in entries
    ]


def _densest(sized: Sequence[tuple[Recommendation, int]], worth: Sequence[float], memory_bytes: int) -> list[int]:
    """Return what fits, those first that save most for each byte."""
    order = sorted(
        range(len(sized)), key=lambda place: (-worth[place] / max(sized[place][1], 1), sized[place][0].model)
    )
    chosen, left = [], memory_bytes
    for place in order:
        if sized[place][1] <= left:
            chosen.append(place)
            left -= sized[place][1]
    return chosen


def _best(worth: Sequence[float], parts: Sequence[int]) -> list[int]:
    """Return the set of most worth that fits into the parts of the memory: the knapsack, by Bellman's recursion."""
    most = [0.0] * (_PARTS + 1)
    taken: list[tuple[int, ...]] = [()] * (_PARTS + 1)
    for place, (value, size) in enumerate(zip(worth, parts, strict=True)):
        for room in range(_PARTS, size - 1, -1):
            if most[room - size] + value > most[room]:
                most[room] = most[room - size] + value
                taken[room] = (*taken[room - size], place)
    return list(taken[_PARTS])


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


def _llama_swap(resident: Sequence[Recommendation], others: Sequence[Recommendation]) -> str:
    """Return what to merge into llama-swap's config.yaml; names are written as JSON, which is YAML."""
    lines = ["models:"] if resident else []
    for entry in resident:
        lines += [f"  {_quoted(entry.model)}:", "    ttl: 0  # is never unloaded for being idle"]
    if resident:
        lines += ["hooks:", "  on_startup:", "    preload:", *(f"      - {_quoted(entry.model)}" for entry in resident)]
        lines.append("# Models that shall run side by side need a set of a matrix, or in older versions a group.")
    lines += [f"# No room beside them: {_quoted(entry.model)}" for entry in others]
    return _lines(lines)


def _vllm(resident: Sequence[Recommendation], others: Sequence[Recommendation]) -> str:
    """Return notes on vLLM, of which a server holds one model: which to run, and which may sleep."""
    lines = [f"vllm serve {shlex.quote(entry.model)} --enable-sleep-mode" for entry in resident]
    if resident:
        lines.append("# Each with a --port of its own, and a --gpu-memory-utilization that leaves room for the others.")
    if others:
        lines.append("# With VLLM_SERVER_DEV_MODE=1 these may sleep: POST /sleep?level=1 frees the card, POST /wake_up")
        lines.append("# brings the model back from the machine's memory. Their addresses are yours to fill in.")
        lines += [f"# sleeps: {_quoted(entry.model)}" for entry in others]
    return _lines(lines)


def _quoted(model: str) -> str:
    return json.dumps(model)


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(["# Read it before you run it: nothing was sent.", *lines]) + "\n"


# Name -> what writes it. One visible line for each server.
SERVERS: dict[str, Callable[[Sequence[Recommendation], Sequence[Recommendation]], str]] = {
    "plan": _plan,
    "ollama": _ollama,
    "triton": _triton,
    "llama-swap": _llama_swap,
    "vllm": _vllm,
}
