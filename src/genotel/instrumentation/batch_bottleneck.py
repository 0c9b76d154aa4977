"""What holds a batch engine up: five questions to a window, each answered with its evidence.

The thresholds are rules of thumb with the reason beside them; ``docs/batch-statistics.md`` says what to
do about each answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

from genotel.instrumentation.batch_arrays import Arrays

QUEUE_BOUND = "queue_bound"
COMPUTE_BOUND = "compute_bound"
SMALL_BATCHES = "small_batches"
ERROR_BOUND = "error_bound"
LONG_TAIL = "long_tail"

# Below this many batches a share says nothing.
LEAST_BATCHES = 20
# More than half of the latency is waiting.
MOST_WAIT_SHARE = 0.5
# Above this load queues grow steeply: at .85 an M/M/1 queue waits 5.7 times the work.
MOST_UTILIZATION = 0.85
# A third of the time of a batch does not depend on its size.
MOST_FIXED_SHARE = 1 / 3
# The share at which the monitor warns too.
MOST_ERROR_RATE = 0.05
# An exponential distribution has 6.6 at this ratio; steadier work stays well below.
MOST_TAIL_RATIO = 7.0

Evidence = dict[str, float]


def bottlenecks(arrays: Arrays, stats: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what holds the engine up, worst first: ``kind``, ``message``, ``evidence``, ``severity``.

    ``severity`` is by how many times a threshold is passed, so more than 1.

    Args:
        arrays: the window.
        stats: its statistics, with ``utilization``.
    """
    if len(arrays.moments) < LEAST_BATCHES:
        return []
    found = [answer for ask in QUESTIONS if (answer := ask(arrays, stats)) is not None]
    return sorted(found, key=lambda answer: -answer["severity"])


def _queue_bound(arrays: Arrays, stats: Mapping[str, Any]) -> dict[str, Any] | None:
    wait, work = stats["avg_queue_time"], stats["avg_processing_time"]
    if wait is None or work is None or not wait + work:
        return None
    share = wait / (wait + work)
    return _answer(
        QUEUE_BOUND,
        "batches wait longer than they are worked on: add workers, or let fewer arrive",
        share,
        MOST_WAIT_SHARE,
        {"wait_share": share, "avg_queue_time": wait, "avg_processing_time": work},
    )


def _compute_bound(arrays: Arrays, stats: Mapping[str, Any]) -> dict[str, Any] | None:
    utilization = stats["utilization"]
    if utilization is None:
        return None
    return _answer(
        COMPUTE_BOUND,
        "the workers are busy nearly all the time: add workers, or make the work cheaper",
        utilization,
        MOST_UTILIZATION,
        {"utilization": utilization, "avg_processing_time": stats["avg_processing_time"] or 0.0},
    )


def _small_batches(arrays: Arrays, stats: Mapping[str, Any]) -> dict[str, Any] | None:
    """Fit time = fixed + size x each by least squares; large fixed parts call for larger batches."""
    known = (arrays.sizes > 0) & (arrays.processing == arrays.processing)
    sizes, times = arrays.sizes[known].astype(float), arrays.processing[known]
    if len(sizes) < LEAST_BATCHES or sizes.min() == sizes.max():
        # One size tells nothing of the others.
        return None
    away = sizes - sizes.mean()
    each = float(away.dot(times) / away.dot(away))
    fixed = float(times.mean()) - each * float(sizes.mean())
    mean = float(times.mean())
    if each < 0 or fixed <= 0 or not mean or not isfinite(each):
        return None
    rest = times - fixed - each * sizes
    total = float(((times - mean) ** 2).sum())
    explained = 1 - float(rest.dot(rest)) / total if total else 0.0
    # A larger batch is no advice to who already has the largest ones, nor where size explains nothing.
    if explained < 0.25 or float(sizes.mean()) > 0.8 * float(sizes.max()):
        return None
    return _answer(
        SMALL_BATCHES,
        "much of a batch's time does not depend on its size: make batches larger",
        fixed / mean,
        MOST_FIXED_SHARE,
        {
            "fixed_share": fixed / mean,
            "fixed_seconds": fixed,
            "seconds_per_item": each,
            "explained": explained,
            "avg_batch_size": float(sizes.mean()),
            "max_batch_size": float(sizes.max()),
        },
    )


def _error_bound(arrays: Arrays, stats: Mapping[str, Any]) -> dict[str, Any] | None:
    rate = stats["error_rate"]
    return _answer(
        ERROR_BOUND,
        "failed batches take the time of good ones: look at their errors first",
        rate,
        MOST_ERROR_RATE,
        {"error_rate": rate, "errors": float(arrays.errors.sum())},
    )


def _long_tail(arrays: Arrays, stats: Mapping[str, Any]) -> dict[str, Any] | None:
    median, tail = stats["median_processing_time"], stats["p99_processing_time"]
    if not median:
        return None
    return _answer(
        LONG_TAIL,
        "a few batches take many times as long as the others: look for outliers in size, memory or input",
        tail / median,
        MOST_TAIL_RATIO,
        {"tail_ratio": tail / median, "median_processing_time": median, "p99_processing_time": tail},
    )


def _answer(kind: str, message: str, value: float, most: float, evidence: Evidence) -> dict[str, Any] | None:
    if value <= most:
        return None
    return {"kind": kind, "message": message, "evidence": evidence, "severity": value / most}


# Every question; one visible line each.
QUESTIONS: Sequence[Callable[[Arrays, Mapping[str, Any]], dict[str, Any] | None]] = (
    _queue_bound,
    _compute_bound,
    _small_batches,
    _error_bound,
    _long_tail,
)
