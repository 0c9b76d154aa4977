"""From a record of the program to the columns of a table: hashed, made JSON, made storable.

This runs in the writer's thread, once a record.
"""

from __future__ import annotations

import hashlib
import json
import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from genotel.journal.rows import CallRow, EventRow, WatchRow

Column: TypeAlias = str | int | float | None

# A longer text is no setting of a model but content: a prompt, a path.
MAX_TEXT = 120
MAX_PARAMETERS = 64

CALL_COLUMNS = (
    *("session", "started_at", "model", "operation", "provider", "output_type", "outcome", "error_type"),
    *("duration_seconds", "queue_seconds", "first_chunk_seconds", "steps", "outputs", "input_tokens"),
    *("output_tokens", "experiment", "variant", "parameters", "scores", "prompt_hash", "trace_id", "span_id"),
)

# The fields of a call that go into the file as they are; parameters is the first that does not.
_PLAIN_FIELDS = CallRow._fields.index("parameters")

_INTEGERS = range(-(2**63), 2**63)
# Most calls of a program ask for the same few settings; looking them up is three times as fast.
_MAX_KNOWN_JSON = 1024
_SIMPLE = frozenset({bool, int, float, str})
_known_json: dict[tuple[object, ...], str] = {}
_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def prompt_hasher(key: bytes) -> Callable[[str], int]:
    """Return a function from a prompt to its keyed 64-bit hash, signed as SQLite stores integers.

    Without the journal's key nobody can try prompts against a hash; two hashes of 64 bits out of a
    million collide with a probability of 3e-8.

    Example:
        >>> hash_prompt = prompt_hasher(b"key")
        >>> hash_prompt("a cat") == hash_prompt("a cat"), hash_prompt("a cat") == hash_prompt("a dog")
        (True, False)
    """
    keyed = hashlib.blake2b(key=key, digest_size=8)

    def hash_prompt(prompt: str) -> int:
        digest = keyed.copy()
        digest.update(prompt.encode("utf-8", "surrogatepass"))
        return int.from_bytes(digest.digest(), "big", signed=True)

    return hash_prompt


def call_columns(row: CallRow, session: int, hash_prompt: Callable[[str], int]) -> tuple[Column, ...]:
    """Return the columns :data:`CALL_COLUMNS` of a call."""
    plain: tuple[Column, ...] = row[:_PLAIN_FIELDS]  # type: ignore[assignment]  # everything before the parameters
    return (
        session,
        *plain,
        json_text(row.parameters) if row.parameters else None,
        json_text(row.scores) if row.scores else None,
        hash_prompt(row.prompt) if row.prompt is not None else None,
        f"{row.trace_id:032x}" if row.trace_id else None,
        f"{row.span_id:016x}" if row.span_id else None,
    )


def json_text(values: Mapping[str, object]) -> str | None:
    """Return numbers and short texts as a JSON object; everything else is left out.

    Example:
        >>> json_text({"steps": 30, "sampler": "euler", "callback": print, "cfg": float("nan")})
        '{"steps":30,"sampler":"euler"}'
    """
    # Types belong to the key, since 1, 1.0 and True are equal. Other objects must not be kept alive.
    kinds = tuple(map(type, values.values()))
    if not _SIMPLE.issuperset(kinds):
        return _json_text(values)
    key = (kinds, *values.items())
    known = _known_json.get(key)
    if known is None:
        known = _json_text(values)
        if known is not None and not any(
            isinstance(value, str) and len(value) > MAX_TEXT for _, value in values.items()
        ):
            if len(_known_json) >= _MAX_KNOWN_JSON:
                _known_json.clear()
            _known_json[key] = known
    return known


def _json_text(values: Mapping[str, object]) -> str | None:
    kept: dict[str, object] = {}
    for name, value in values.items():
        if not isinstance(name, str) or len(name) > MAX_TEXT:
            continue
        if isinstance(value, bool):
            kept[name] = value
        elif isinstance(value, numbers.Integral):
            if int(value) in _INTEGERS:
                kept[name] = int(value)
        elif isinstance(value, numbers.Real):
            if math.isfinite(value):
                kept[name] = float(value)
        elif isinstance(value, str) and len(value) <= MAX_TEXT:
            kept[name] = str(value)
        if len(kept) >= MAX_PARAMETERS:
            break
    return _to_json(kept) if kept else None


def repaired_call(row: CallRow) -> CallRow | None:
    """Return a call with every column made storable, or None where nothing sensible is left.

    Integers of other libraries become Python's, numbers that SQLite cannot hold become absent,
    broken texts lose what cannot be encoded.
    """
    fixed = [_repaired(value) for value in row[:_PLAIN_FIELDS]]
    if not _is_time(fixed[0]) or not all(isinstance(text, str) for text in fixed[1:4]):
        return None
    return row._replace(
        **dict(zip(CallRow._fields, fixed, strict=False)),  # type: ignore[arg-type]  # checked above
        parameters=_repaired_mapping(row.parameters),
        scores=_repaired_mapping(row.scores),
        prompt=row.prompt if isinstance(row.prompt, str) else None,
        trace_id=row.trace_id if isinstance(row.trace_id, int) else 0,
        span_id=row.span_id if isinstance(row.span_id, int) else 0,
    )


def repaired_event(row: EventRow) -> EventRow | None:
    """Return an event with every column made storable, or None where nothing sensible is left."""
    fixed = [_repaired(value) for value in row]
    if not _is_time(fixed[0]) or not all(isinstance(text, str) for text in fixed[1:4]):
        return None
    return EventRow(*fixed)  # type: ignore[arg-type]  # checked above


def repaired_watch(row: WatchRow) -> WatchRow | None:
    """Return a stretch of watching, or None where its times are none."""
    return row if all(_is_time(value) for value in row) else None


def _repaired(value: object) -> Column:
    if isinstance(value, str):
        return str(value).encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, numbers.Integral):
        return int(value) if int(value) in _INTEGERS else None
    if isinstance(value, numbers.Real):
        return float(value) if math.isfinite(value) else None
    return None


def _repaired_mapping(values: object) -> Mapping[str, Any] | None:
    try:
        return json.loads(json_text(values) or "null") if isinstance(values, Mapping) else None
    except Exception:
        # A mapping of the user's may raise anything.
        return None


def _is_time(value: object) -> bool:
    # Beyond the year 9999 no tool can show it.
    return isinstance(value, int | float) and 0 <= value < 253_402_300_800
