"""Caps on the values of labels: what is over a cap counts as ``other``, is counted and logged once.

A box has tens of models, phases and words. The caps only stop mistakes (a user id as a model name)
from growing memory and series without bound.
"""

from __future__ import annotations

import threading

from genotel import guard
from genotel.semconv import attributes as a
from genotel.semconv import batch_metrics as bm
from genotel.semconv import generation_metrics as gm
from genotel.semconv import model_metrics as mm

# Label -> (distinct values, the metric that stands for it in genotel.series.dropped, what the excess
# is called). One visible line a label.
LIMITS: dict[str, tuple[int, str, str]] = {
    "operation": (50, gm.REQUESTS.name, a.OTHER),
    "provider": (50, gm.REQUESTS.name, a.OTHER),
    "model": (500, gm.REQUESTS.name, a.OTHER),
    "experiment": (50, gm.REQUESTS.name, a.OTHER),
    "variant": (50, gm.REQUESTS.name, a.OTHER),
    "error_type": (100, gm.DURATION.name, a.OTHER_ERROR),
    "phase": (50, gm.PHASE_DURATION.name, a.OTHER),
    "output_type": (50, gm.OUTPUTS.name, a.OTHER),
    "parameter_value": (500, gm.PARAMETERS.name, a.OTHER),
    "score": (50, gm.SCORE.name, a.OTHER),
    "load_source": (50, mm.LOAD_DURATION.name, a.OTHER),
    "event": (50, mm.EVENTS.name, a.OTHER),
    "batch": (100, bm.BATCHES.name, a.OTHER),
    "queue": (100, bm.QUEUE_LENGTH.name, a.OTHER),
}
# A longer value is cut: a text of a megabyte must not be kept for each of 500 names.
MAX_VALUE_LENGTH = 200

_lock = threading.RLock()
_values: dict[str, set[str]] = {label: set() for label in LIMITS}
_dropped: dict[str, int] = {}


def fold(label: str, value: str) -> str:
    """Return a value of a capped label, or what stands for the excess once the cap is reached.

    Example:
        >>> fold("phase", "denoise")
        'denoise'
    """
    limit, _, excess = LIMITS[label]
    value = str(value)[:MAX_VALUE_LENGTH]
    with _lock:
        known = _values[label]
        if value in known:
            return value
        if len(known) < limit:
            known.add(value)
            return value
    guard.warn_once(
        f"cap.{label}",
        "genotel: more than %d values of %s; further ones are counted as %s=%s",
        limit,
        label,
        label,
        excess,
    )
    return excess


def capped(label: str, value: str) -> str:
    """Return a value as :func:`fold` does, and count the measurement if it is over the cap."""
    folded = fold(label, value)
    _, metric, excess = LIMITS[label]
    if folded == excess and value != excess:
        drop(metric)
    return folded


def drop(metric: str, count: int = 1) -> None:
    """Count measurements that were left out, or whose label value was over a cap."""
    with _lock:
        _dropped[metric] = _dropped.get(metric, 0) + count


def all_dropped() -> dict[str, int]:
    """Return the measurements over a cap by metric name."""
    with _lock:
        return dict(_dropped)


def reset() -> None:
    """Forget every value and count; for tests and for a forked child."""
    global _lock
    # Another thread of the parent may have held the lock when the fork happened.
    _lock = threading.RLock()
    _dropped.clear()
    for known in _values.values():
        known.clear()
