"""Exponential histograms on a page of classic buckets.

A text page has no native histograms. The buckets are merged to powers of two, so that the bounds
stay the same when the SDK changes the scale between two scrapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# Finite bounds: from a nanosecond to 2^40. Larger values are in the last bucket only.
_LOWEST, _HIGHEST = -30, 40


def classic_buckets(
    scale: int,
    zero_count: int,
    positive: tuple[int, Sequence[int]],
    negative: tuple[int, Sequence[int]] = (0, ()),
) -> tuple[tuple[float, ...], list[int]]:
    """Return bounds and counts, not cumulative, that hold every value once.

    There is a bound at every power of two between the smallest value and the largest (as far as the
    scale knows them), so that a value in between makes no new series.

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
    # Below scale 0 a bucket spans several powers of two, and there is no bound inside of one.
    step = 1 << max(0, -scale)
    lowest, highest = -(-_LOWEST // step * step), _HIGHEST // step * step
    above = _by_exponent(scale, *positive, upper=True)
    below = _by_exponent(scale, *negative, upper=False)
    _move(above, lowest, (exponent for exponent in [*above] if exponent < lowest))
    _move(below, highest, (exponent for exponent in [*below] if exponent > highest))
    too_large = sum(above.pop(exponent) for exponent in [*above] if exponent > highest)
    # Negative values too near to zero for a bound of their own are counted up to 0.
    zero_count += sum(below.pop(exponent) for exponent in [*below] if exponent < lowest)
    bounds: list[float] = []
    counts: list[int] = []
    for exponent in reversed(_range(below, step)):
        bounds.append(-(2.0**exponent))
        counts.append(below.get(exponent, 0))
    if zero_count or below:
        bounds.append(0.0)
        counts.append(zero_count)
    for exponent in _range(above, step):
        bounds.append(2.0**exponent)
        counts.append(above.get(exponent, 0))
    return tuple(bounds), [*counts, too_large]


def _by_exponent(scale: int, offset: int, counts: Sequence[int], *, upper: bool) -> dict[int, int]:
    """Return the counts by the power of two that bounds them: of positive values above them.

    Of negative ones it is the bound nearer to zero, since they are below it.
    """
    merged: dict[int, int] = {}
    for position, count in enumerate(counts):
        if not count:
            continue
        index = offset + position
        # Ceiling of (index + 1) / 2**scale for the upper bound, floor of index / 2**scale for the other.
        if scale > 0:
            exponent = -((-(index + 1)) >> scale) if upper else index >> scale
        else:
            exponent = (index + 1 if upper else index) << -scale
        merged[exponent] = merged.get(exponent, 0) + count
    return merged


def _move(merged: dict[int, int], end: int, beyond: Iterable[int]) -> None:
    for exponent in beyond:
        merged[end] = merged.get(end, 0) + merged.pop(exponent)


def _range(merged: dict[int, int], step: int) -> range:
    return range(min(merged), max(merged) + 1, step) if merged else range(0)
