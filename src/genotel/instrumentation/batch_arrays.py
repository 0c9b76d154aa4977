"""Windows and many batches at once as numpy arrays, in either direction.

With :mod:`genotel.instrumentation.batch_summary` the only place of the emitting tower that imports
numpy. Both modules are themselves imported late, when somebody asks for figures or hands arrays over:
a program that merely updates never loads numpy.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, NamedTuple, cast

import numpy as np

from genotel.instrumentation.batch_figures import (
    EMPTY,
    GREATEST_SIZE,
    UNKNOWN,
    WAIT_AND_WORK,
    Columns,
    columns_of,
    doubles,
)
from genotel.instrumentation.batch_state import EVERYTHING, Interval
from genotel.instrumentation.batch_window import Snapshot

_INFINITY_BITS = int(np.array(np.inf).view(np.uint64))


class Arrays(NamedTuple):
    """Hold the columns of a snapshot as numpy arrays; NaN and -1 stand for the unknown."""

    moments: Any
    processing: Any
    sizes: Any
    waits: Any
    latencies: Any
    lengths: Any
    errors: Any


def arrays_of(snapshot: Snapshot, interval: Interval = EVERYTHING) -> Arrays:
    """Return views of a snapshot's columns, or copies of the part that lies in the interval."""
    kinds = (np.float64, np.float64, np.int64, np.float64, np.float64, np.float64, np.int8)
    copies: tuple[Any, ...] = snapshot
    columns = [np.frombuffer(column, kind) for column, kind in zip(copies, kinds, strict=True)]
    if interval.since is not None or interval.until is not None:
        moments = columns[0]
        inside = np.ones(len(moments), bool)
        if interval.since is not None:
            inside &= moments > interval.since
        if interval.until is not None:
            inside &= moments <= interval.until
        if not inside.all():
            columns = [column[inside] for column in columns]
    arrays = Arrays(*columns)
    latencies = np.where(arrays.latencies == WAIT_AND_WORK, arrays.processing + arrays.waits, arrays.latencies)
    return arrays._replace(latencies=latencies)


def columns_of_arrays(given: Sequence[Any], moments: Any, now: float, workers: int) -> Columns:
    """Return the clean figures of many batches that came as arrays, lists or single values.

    Args:
        given: the arguments of ``BatchStats.update`` without the timestamp, in its order; each is one
            value for all batches or has one for each, shape ``(n,)``.
        moments: when each batch ended, seconds of the monotonic clock, shape ``(n,)``; None if that
            was not told: then they are laid one after the other before ``now``, ``workers`` at a time.
        now: seconds of the monotonic clock.
        workers: batches that the engine works on at a time.

    Raises:
        ValueError: the lengths differ, or nothing has a length.
    """
    count = -1
    for value in (*given, moments):
        if _has_length(value) and len(value) != count:
            if count >= 0:
                raise ValueError("expected values of one length")
            count = len(value)
    if count < 0:
        raise ValueError("expected values with a length")
    if not count:
        return EMPTY
    try:
        columns = _clean_arrays(given, count, moments, now, workers)
    except Exception:
        # Some figure is none, or absent for some batches only.
        columns = None
    if columns is not None:
        return columns
    lists = ([*_each(value, count)] for value in given)
    columns = columns_of([(*figures, now) for figures in zip(*lists, strict=True)])
    ends = _laid_before(now, columns.processing, workers) if moments is None else doubles(moments)
    return columns._replace(moments=ends)


def _clean_arrays(given: Sequence[Any], count: int, moments: Any, now: float, workers: int) -> Columns | None:
    """Return the columns if every figure is clean, else None."""
    given_processing, given_sizes, given_waits, given_latencies, given_lengths, given_errors = given
    worked = _clean_numbers(given_processing, count)
    waited = _clean_numbers(given_waits, count)
    taken = _clean_numbers(WAIT_AND_WORK if given_latencies is None else given_latencies, count)
    queued = _clean_numbers(UNKNOWN if given_lengths is None else given_lengths, count)
    counted = _clean_sizes(given_sizes, count)
    if worked is None or waited is None or taken is None or queued is None or counted is None:
        return None
    sizes = np.frombuffer(counted, np.int64)
    items = int(np.add.reduce(sizes))
    failed = failed_items = 0
    if _has_length(given_errors):
        errors = np.asarray(given_errors, bool)
        marks = array("b", errors.tobytes())
        failed = int(errors.sum())
        failed_items = int(sizes[errors].sum())
    elif given_errors:
        marks, failed, failed_items = array("b", [1]) * count, count, items
    else:
        marks = array("b", bytes(count))
    ends = _laid_before(now, worked, workers) if moments is None else doubles(moments)
    return Columns(ends, worked, counted, waited, taken, queued, marks, items, failed, failed_items, {})


def _has_length(value: object) -> bool:
    if value is None or isinstance(value, int | float | str | bytes):
        return False
    return isinstance(value, list | tuple) or (hasattr(value, "__len__") and getattr(value, "ndim", 1) == 1)


def _each(value: Any, count: int) -> Iterable[Any]:
    if not _has_length(value):
        return repeat(value, count)
    return cast("Iterable[Any]", value.tolist() if hasattr(value, "tolist") else value)


def _clean_numbers(value: Any, count: int) -> array[float] | None:
    """Return a column of figures, or None if one of them is none or negative."""
    if value is WAIT_AND_WORK or value is UNKNOWN:
        return array("d", [value]) * count
    if not _has_length(value):
        return array("d", [value]) * count if 0 <= value < np.inf else None
    column = doubles(value) if isinstance(value, list | tuple) else None
    numbers = np.ascontiguousarray(value, np.float64) if column is None else np.frombuffer(column)
    # Read as unsigned, the bits of all numbers from 0 on are in order, infinity and NaN come after them,
    # and a sign makes them the greatest: one look finds everything.
    if np.maximum.reduce(numbers.view(np.uint64)) >= _INFINITY_BITS:
        return None
    return column or _of_array(numbers)


def _clean_sizes(value: Any, count: int) -> array[int] | None:
    """Return a column of sizes, or None if one of them is no whole number."""
    if not _has_length(value):
        return array("q", array("Q", [value]).tobytes()) * count if value <= GREATEST_SIZE else None
    if isinstance(value, list | tuple):
        # Unsigned numbers refuse what is negative, and fractions, by themselves.
        column = array("q", array("Q", value).tobytes())
        return column if np.maximum.reduce(np.frombuffer(column, np.uint64)) <= GREATEST_SIZE else None
    numbers = np.asarray(value)
    whole = numbers.astype(np.int64)
    if numbers.dtype.kind not in "iu" and not (whole == numbers).all():
        return None
    # Negative numbers are the greatest of all unsigned ones.
    if np.maximum.reduce(whole.view(np.uint64)) > GREATEST_SIZE:
        return None
    return array("q", whole.tobytes())


def _of_array(column: Any) -> array[float]:
    return array("d", column.tobytes())


def _laid_before(now: float, processing: Any, workers: int) -> array[float]:
    """Return when each batch ended if they were worked on one after the other, the last until now."""
    seconds = np.frombuffer(processing)
    after = np.add.accumulate(seconds[::-1])[::-1]
    if after[0] != after[0]:
        seconds = np.where(seconds == seconds, seconds, 0.0)
        after = np.add.accumulate(seconds[::-1])[::-1]
    # What comes after a batch still had to be done when it ended.
    return _of_array(now - (after - seconds) / workers)
