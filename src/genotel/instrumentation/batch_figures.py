"""What updates of batch statistics are made of, checked: records become columns of clean figures.

A figure that is no number, negative, infinite or of a wrong type is dropped and counted; the rest of
its record stays. Records are checked in chunks: one pass over a column costs a fraction of a check
per figure.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import compress
from math import isfinite, nan
from struct import pack
from typing import Any, NamedTuple

from genotel.clock import Clock
from genotel.semconv import attributes as a

# processing_time, batch_size, queue_time, latency, queue_length, error, moment; the last is ours and clean.
Record = tuple[Any, Any, Any, Any, Any, Any, float]

PROCESSING, SIZE, WAIT, LATENCY, LENGTH, ERROR, TIMESTAMP = a.FIGURES
# What stands for an unknown figure inside of a window, and for a latency that nobody gave, so that it
# is wait and work. Nothing outside ever sees them.
UNKNOWN = nan
UNKNOWN_SIZE = -1
WAIT_AND_WORK = -1.0

_INFINITY = float("inf")
GREATEST_SIZE = 2**53
# Columns that are the same for most chunks, cut to length.
_BLANKS = 256
_ZEROS = array("d", [0.0]) * _BLANKS
_UNKNOWNS = array("d", [UNKNOWN]) * _BLANKS
_NOT_GIVEN = array("d", [WAIT_AND_WORK]) * _BLANKS
_NO_ERRORS = array("b", [0]) * _BLANKS


class Columns(NamedTuple):
    """Hold the clean figures of n batches, oldest first.

    Attributes:
        moments: when each ended, seconds of the monotonic clock, shape ``(n,)``.
        processing: seconds of work, NaN where unknown.
        sizes: items, -1 where unknown.
        waits: seconds in the queue, NaN where unknown.
        latencies: seconds from arrival to end, NaN where unknown, -1 where they are wait and work.
        lengths: items in the queue, NaN where unknown.
        errors: 1 where the batch failed.
        items: sum of the known sizes.
        failed: number of failed batches.
        failed_items: sum of their known sizes.
        dropped: figures that were dropped, by name.
    """

    moments: Sequence[float]
    processing: Sequence[float]
    sizes: Sequence[int]
    waits: Sequence[float]
    latencies: Sequence[float]
    lengths: Sequence[float]
    errors: Sequence[int]
    items: int
    failed: int
    failed_items: int
    dropped: dict[str, int]

    def part(self, first: int, last: int) -> Columns:
        """Return batches ``first`` to ``last``, without; the sums stay those of the whole."""
        parts: list[Any] = [column[first:last] for column in self[:7]]
        return Columns(*parts, *self[7:])  # type: ignore[call-arg]  # seven and four


EMPTY = Columns(array("d"), array("d"), array("q"), array("d"), array("d"), array("d"), array("b"), 0, 0, 0, {})


def columns_of(records: Sequence[Record]) -> Columns:
    """Return the clean figures of a chunk of records; never raises for what a figure is.

    Example:
        >>> found = columns_of([(0.5, 8, 0.1, None, None, False, 10.0), (-1, 8, 0, None, 3, True, 11.0)])
        >>> [*found.waits], found.items, found.failed, found.dropped
        ([0.1, 0.0], 16, 1, {'processing_time': 1})
    """
    try:
        clean = _clean_columns(records)
    except Exception:
        # Some figure is none: a text, None, an object whose methods raise.
        clean = None
    return clean if clean is not None else _checked_columns(records)


def _clean_columns(records: Sequence[Record]) -> Columns | None:
    """Return the columns if every figure is clean, else None; the way of nearly every chunk."""
    count = len(records)
    processing, sizes, waits, latencies, lengths, errors, moments = zip(*records, strict=False)
    worked = doubles(processing)
    # A NaN makes the sum NaN; an infinity makes it infinite.
    if not (min(processing) >= 0.0 and sum(processing) < _INFINITY):
        return None
    # Unsigned numbers refuse what is negative, and fractions, by themselves.
    counted = array("Q", sizes)
    items = sum(sizes)
    if items > GREATEST_SIZE:
        return None
    waited = _column(waits, _ZEROS, waits.count(0.0) == count)
    taken = _column(latencies, _NOT_GIVEN, latencies.count(None) == count)
    queued = _column(lengths, _UNKNOWNS, lengths.count(None) == count)
    if waited is None or taken is None or queued is None:
        return None
    failed = failed_items = 0
    marks = _NO_ERRORS[:count] if count <= _BLANKS else _NO_ERRORS[:1] * count
    if any(errors):
        marks = array("b", map(bool, errors))
        failed = sum(marks)
        failed_items = sum(compress(sizes, marks))
    return Columns(
        doubles(moments),
        worked,
        array("q", counted.tobytes()),
        waited,
        taken,
        queued,
        marks,
        int(items),
        failed,
        int(failed_items),
        {},
    )


def doubles(values: Sequence[Any]) -> array[float]:
    """Return a list or tuple of numbers as a column; raises for what is no number.

    ``struct`` packs four numbers in the time in which ``array`` reads one.

    Example:
        >>> doubles([1, 2.5])
        array('d', [1.0, 2.5])
    """
    return array("d", pack(f"{len(values)}d", *values))


def _column(values: tuple[Any, ...], blank: array[float], is_blank: bool) -> array[float] | None:
    """Return figures as a column, the blank one where there are none; None if one is wrong or absent."""
    if is_blank:
        return blank[: len(values)] if len(values) <= _BLANKS else blank[:1] * len(values)
    column = doubles(values)
    return column if min(values) >= 0.0 and sum(values) < _INFINITY else None


def _checked_columns(records: Sequence[Record]) -> Columns:
    """Return the columns of a chunk in which something is wrong or absent, figure by figure."""
    dropped: dict[str, int] = {}
    rows = [_checked(record, dropped) for record in records]
    processing, sizes, waits, latencies, lengths, errors, moments = zip(*rows, strict=True)
    known = [max(size, 0) for size in sizes]
    return Columns(
        array("d", moments),
        array("d", processing),
        array("q", sizes),
        array("d", waits),
        array("d", latencies),
        array("d", lengths),
        array("b", errors),
        sum(known),
        sum(errors),
        sum(size for size, error in zip(known, errors, strict=True) if error),
        dropped,
    )


def _checked(record: Record, dropped: dict[str, int]) -> tuple[float, int, float, float, float, int, float]:
    given_processing, given_size, given_wait, given_latency, given_length, given_error, moment = record
    processing = _figure(PROCESSING, given_processing, dropped)
    wait = _figure(WAIT, given_wait, dropped)
    latency = WAIT_AND_WORK if given_latency is None else _figure(LATENCY, given_latency, dropped)
    length = UNKNOWN if given_length is None else _figure(LENGTH, given_length, dropped)
    try:
        error = int(bool(given_error))
    except Exception:  # an array of several truths, a lazy object that raises
        error = 0
        _drop(ERROR, dropped)
    return processing, _size(given_size, dropped), wait, latency, length, error, moment


def _figure(name: str, value: Any, dropped: dict[str, int]) -> float:
    try:
        # A text that spells a number is a mistake too.
        number = UNKNOWN if isinstance(value, str | bytes) else float(value)
    except Exception:
        number = UNKNOWN
    if isfinite(number) and number >= 0:
        return number
    _drop(name, dropped)
    return UNKNOWN


def _size(value: Any, dropped: dict[str, int]) -> int:
    number = _figure(SIZE, value, dropped)
    if isfinite(number):
        if number.is_integer() and number <= GREATEST_SIZE:
            return int(number)
        _drop(SIZE, dropped)
    return UNKNOWN_SIZE


def _drop(name: str, dropped: dict[str, int]) -> None:
    dropped[name] = dropped.get(name, 0) + 1


def latencies_of(latencies: Iterable[float], processing: Iterable[float], waits: Iterable[float]) -> list[float]:
    """Return seconds from arrival to end: as they were given, else wait and work; NaN where unknown.

    Example:
        >>> latencies_of([WAIT_AND_WORK, 9.0], [0.5, 0.5], [0.25, 0.25])
        [0.75, 9.0]
    """
    return [
        work + wait if latency == WAIT_AND_WORK else latency
        for latency, work, wait in zip(latencies, processing, waits, strict=True)
    ]


# A monotonic clock counts from the start of the machine, so a greater timestamp is Unix time.
_UNIX_TIME = 1e9


def moment_of(timestamp: Any, clock: Clock) -> float | None:
    """Return a timestamp in seconds of the monotonic clock; None if it is none.

    Unix time is told from monotonic time by its size: no machine has been up for 30 years.

    Example:
        >>> stopped = Clock(wall=lambda: 1_700_000_000.0, monotonic=lambda: 50.0)
        >>> moment_of(1_699_999_990.0, stopped), moment_of(40, stopped), moment_of("soon", stopped)
        (40.0, 40.0, None)
    """
    try:
        moment = UNKNOWN if isinstance(timestamp, str | bytes) else float(timestamp)
    except Exception:
        return None
    if not (isfinite(moment) and moment >= 0):
        return None
    return moment - (clock.wall() - clock.monotonic()) if moment >= _UNIX_TIME else moment
