"""The statistics of one window: thirty figures from seven columns.

It needs numpy and is therefore imported when somebody first asks for figures; in pure Python a window
of 10,000 costs five times as much (``benchmarks/batch.py``).
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from genotel.instrumentation.batch_arrays import Arrays, arrays_of
from genotel.instrumentation.batch_state import EVERYTHING, Interval, WindowState

TIMES = ("processing_time", "queue_time", "latency")
MEASURES = ("avg", "median", "p95", "p99", "min", "max", "std")

# What no clock tells apart is no time to divide by.
LEAST_SECONDS = 1e-9
# The peak is looked for in spans of this share of the window's wall time, which move by a quarter of
# themselves.
PEAK_SHARE = 0.1
_PEAK_MOVES = 4

Number = float | int | None


def wall_time(arrays: Arrays, interval: Interval, first_start: float | None) -> tuple[float, float] | None:
    """Return begin and end of the window in seconds of the monotonic clock; None without a batch.

    It begins when the first of its batches began, or at ``interval.since`` if the engine worked
    before; it ends with the last of its batches, or at ``interval.until``.
    """
    if not len(arrays.moments):
        return None
    begins = arrays.moments - arrays.processing
    begin = float(begins.min())
    if begin != begin:
        # Some time of work is unknown: such a batch began when it ended, as far as is known.
        known = begins == begins
        begin = float(min(arrays.moments.min(), begins[known].min(initial=float("inf"))))
    end = float(arrays.moments.max())
    if interval.since is not None and first_start is not None:
        begin = max(interval.since, first_start)
    if interval.until is not None:
        end = max(end, interval.until)
    return begin, end


def summarize(state: WindowState, interval: Interval = EVERYTHING) -> dict[str, Number]:
    """Return the figures of ``BatchStats.get_stats``.

    Averages, percentiles (linear interpolation, as ``numpy.percentile``), extremes and the standard
    deviation of the population are in seconds, throughputs in items per second. What is unknown is
    None; totals reach back to the last reset, everything else is of the window.
    """
    arrays = arrays_of(state.snapshot, interval)
    stats: dict[str, Number] = {}
    for name, column in zip(TIMES, (arrays.processing, arrays.waits, arrays.latencies), strict=True):
        stats.update(zip((f"{measure}_{name}" for measure in MEASURES), _spread(column), strict=True))
    wall = wall_time(arrays, interval, state.first_start)
    stats["throughput"], stats["peak_throughput"] = throughputs(arrays, wall)
    lengths = _known(arrays.lengths)
    stats["avg_queue_length"] = float(lengths.mean()) if len(lengths) else None
    stats["max_queue_length"] = int(lengths.max()) if len(lengths) else None
    sizes = _known_sizes(arrays.sizes)
    count = len(arrays.moments)
    stats["avg_batch_size"] = float(sizes.mean()) if len(sizes) else None
    stats["error_rate"] = int(arrays.errors.sum()) / count if count else None
    stats["total_errors"] = state.errors
    stats["total_processed"] = state.items
    stats["total_batches"] = state.batches
    return stats


def _spread(column: Any) -> tuple[float | None, ...]:
    """Return mean, median, 95th and 99th percentile, least, greatest and standard deviation."""
    ordered = np.sort(column)
    count = len(ordered)
    if count and ordered[-1] != ordered[-1]:
        # The unknown is sorted to the end.
        count = int(np.searchsorted(ordered, np.inf, side="right"))
        ordered = ordered[:count]
    if not count:
        return (None,) * len(MEASURES)
    mean = float(ordered.mean())
    away = ordered - mean
    deviation = sqrt(float(away.dot(away)) / count)
    return (
        mean,
        percentile(ordered, 0.5),
        percentile(ordered, 0.95),
        percentile(ordered, 0.99),
        float(ordered[0]),
        float(ordered[-1]),
        deviation,
    )


def percentile(ordered: Any, share: float) -> float:
    """Return a percentile of sorted values by linear interpolation.

    Example:
        >>> percentile([1.0, 2.0, 4.0], 0.75)
        3.0
    """
    place = (len(ordered) - 1) * share
    below = int(place)
    part = place - below
    low = float(ordered[below])
    if not part:
        return low
    high = float(ordered[below + 1])
    # From the nearer end, so that the result never leaves the interval.
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)


def throughputs(arrays: Arrays, wall: tuple[float, float] | None) -> tuple[float | None, float | None]:
    """Return items over wall time in items per second, and the same of the best span of the window.

    The span is a tenth of the wall time, at least as long as the longest batch, since a batch counts
    where it ends; it is moved by a quarter of itself. The peak is never below the throughput.
    """
    if wall is None or wall[1] - wall[0] < LEAST_SECONDS:
        return None, None
    begin, end = wall
    sizes = np.maximum(arrays.sizes, 0)
    length = end - begin
    throughput = float(sizes.sum()) / length
    longest = float(np.fmax.reduce(arrays.processing))
    span = length * PEAK_SHARE
    span = min(length, max(span, longest)) if longest == longest else span
    move = span / _PEAK_MOVES
    bins = int(length / move) + 1
    places = ((arrays.moments - begin) * (1 / move)).astype(np.intp)
    items = np.bincount(np.clip(places, 0, bins - 1), weights=sizes, minlength=bins)
    summed = np.concatenate(([0.0], np.cumsum(items)))
    inside = min(_PEAK_MOVES, bins)
    best = float((summed[inside:] - summed[:-inside]).max()) / span
    return throughput, max(throughput, best)


def _known(column: Any) -> Any:
    known = column == column
    return column if known.all() else column[known]


def _known_sizes(column: Any) -> Any:
    known = column >= 0
    return column if known.all() else column[known]
