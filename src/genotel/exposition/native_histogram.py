"""Native histograms: the buckets of an exponential histogram as Prometheus counts them.

Prometheus' bucket ``i`` of schema ``n`` holds values in ``(base**(i - 1), base**i]``, ``base = 2**(2**-n)``;
OpenTelemetry's of scale ``n`` has the same bounds one index lower
(https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/, "Exponential Histograms").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

# The schemas that Prometheus has for exponential buckets.
LOWEST_SCHEMA, HIGHEST_SCHEMA = -4, 8
# What the Go client takes, too, so that histograms of both can be added up.
ZERO_THRESHOLD = 2.0**-128
# Empty buckets that are cheaper to write than the beginning of another span.
_BRIDGED = 2

# Index of the first bucket, as OpenTelemetry counts, and the counts of the following ones.
Buckets = tuple[int, Sequence[int]]


class Side(NamedTuple):
    """Hold the populated buckets of one sign.

    Attributes:
        spans: pairs of the distance from the end of the span before (of the first one: its index) and the
            number of buckets.
        deltas: of each bucket, the difference of its count to that of the bucket before.
    """

    spans: tuple[tuple[int, int], ...]
    deltas: tuple[int, ...]


class NativeHistogram(NamedTuple):
    """Hold one histogram at one moment; ``schema`` is from -4 to 8."""

    schema: int
    zero_threshold: float
    zero_count: int
    positive: Side
    negative: Side


def native_histogram(
    scale: int, zero_count: int, positive: Buckets, negative: Buckets, zero_threshold: float = 0.0
) -> NativeHistogram | None:
    """Return an exponential histogram of OpenTelemetry for Prometheus.

    A finer scale than Prometheus has is made coarser, which merges whole buckets and loses no count.

    Args:
        scale: of the buckets.
        zero_count: number of values that count as 0.
        positive: buckets of positive values.
        negative: of the absolute values of negative ones.
        zero_threshold: largest absolute value that counts as 0, where it is known.

    Returns:
        None where the scale is coarser than Prometheus' coarsest.

    Example:
        >>> native_histogram(0, 1, (0, [2, 3]), (0, []))
        NativeHistogram(schema=0, zero_threshold=2.938735877055719e-39, zero_count=1, \
positive=Side(spans=((1, 2),), deltas=(2, 1)), negative=Side(spans=(), deltas=()))
    """
    if scale < LOWEST_SCHEMA:
        return None
    shift = max(0, scale - HIGHEST_SCHEMA)
    schema = scale - shift
    up, down = _coarser(positive, shift), _coarser(negative, shift)
    return NativeHistogram(
        schema, max(zero_threshold, _threshold(schema, up, down)), zero_count, _side(up), _side(down)
    )


def _coarser(buckets: Buckets, shift: int) -> dict[int, int]:
    """Return the counts above 0 by Prometheus' index, ascending."""
    offset, counts = buckets
    merged: dict[int, int] = {}
    for position, count in enumerate(counts):
        if count:
            index = (offset + position >> shift) + 1
            merged[index] = merged.get(index, 0) + count
    return merged


def _threshold(schema: int, *sides: dict[int, int]) -> float:
    """Return the width of the zero bucket; none where a populated bucket reaches into it."""
    lowest = min((index for side in sides for index in side), default=None)
    # The lower bound of that bucket, as a power of two.
    return ZERO_THRESHOLD if lowest is None or (lowest - 1) / 2.0**schema >= -128 else 0.0


def _side(counts: dict[int, int]) -> Side:
    spans: list[tuple[int, int]] = []
    deltas: list[int] = []
    before = 0
    for index, length in _runs([*counts]):
        # Of the first one it is the index itself.
        end = sum(offset + count for offset, count in spans)
        spans.append((index - end, length))
        for bucket in range(index, index + length):
            count = counts.get(bucket, 0)
            deltas.append(count - before)
            before = count
    return Side(tuple(spans), tuple(deltas))


def _runs(indexes: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first index and the length of each run, over gaps that are small."""
    begin = 0
    for position in range(1, len(indexes) + 1):
        if position == len(indexes) or indexes[position] - indexes[position - 1] - 1 > _BRIDGED:
            yield indexes[begin], indexes[position - 1] - indexes[begin] + 1
            begin = position
