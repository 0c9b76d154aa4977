"""Exponential histograms on a page of classic buckets.

A text page has no native histograms. The buckets are merged to powers of two, so that the bounds
stay the same when the SDK changes the scale between two scrapes.
"""

from __future__ import annotations

from collections.abc import Sequence

# Bounds outside of this range are merged into its ends: from a nanosecond to 2^40.
_LOWEST, _HIGHEST = -30, 40


def classic_buckets(
    scale: int,
    zero_count: int,
    positive: tuple[int, Sequence[int]],
    negative: tuple[int, Sequence[int]] = (0, ()),
) -> tuple[tuple[float, ...], list[int]]:
    """Return bounds and counts, not cumulative, that hold every value once.

    Args:
        scale: bucket ``i`` holds values in ``(base**i, base**(i + 1)]``, ``base = 2**(2**-scale)``
            (OpenTelemetry data model, "Exponential Histograms").
        zero_count: number of values that count as 0.
        positive: index of the first bucket and the counts of the following ones.
        negative: the same for the absolute values of negative numbers.

    Returns:
        Bounds of shape ``(b,)`` and counts of shape ``(b + 1,)``.

    Example:
        >>> classic_buckets(0, 1, (0, [2, 3]))
        ((0.0, 2.0, 4.0), [1, 2, 3, 0])
    """
    totals: dict[float, int] = {}
    for bound, count in _powers(scale, *negative, upper=False):
        totals[-bound] = totals.get(-bound, 0) + count
    if zero_count or totals:
        totals[0.0] = totals.get(0.0, 0) + zero_count
    for bound, count in _powers(scale, *positive, upper=True):
        totals[bound] = totals.get(bound, 0) + count
    bounds = tuple(sorted(totals))
    return bounds, [*(totals[bound] for bound in bounds), 0]


def _powers(scale: int, offset: int, counts: Sequence[int], *, upper: bool) -> list[tuple[float, int]]:
    merged = []
    for position, count in enumerate(counts):
        if not count:
            continue
        index = offset + position
        # Ceiling of (index + 1) / 2**scale for the upper bound, floor of index / 2**scale for the
        # bound nearer to zero (which is the upper one of a negative value).
        if scale > 0:
            exponent = -((-(index + 1)) >> scale) if upper else index >> scale
        else:
            exponent = (index + 1 if upper else index) << -scale
        merged.append((float(2.0 ** min(max(exponent, _LOWEST), _HIGHEST)), count))
    return merged
