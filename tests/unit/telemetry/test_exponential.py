"""An exponential histogram becomes classic buckets that hold every value once."""

from __future__ import annotations

import math

import pytest

from genotel.telemetry.exponential import classic_buckets


@pytest.mark.parametrize(
    ("scale", "zero", "positive", "negative", "bounds", "counts"),
    [
        (0, 0, (0, []), (0, []), (), [0]),
        (0, 3, (0, []), (0, []), (0.0,), [3, 0]),
        (0, 0, (0, [1]), (0, []), (2.0,), [1, 0]),
        (0, 0, (0, [1, 0, 0, 2]), (0, []), (2.0, 4.0, 8.0, 16.0), [1, 0, 0, 2, 0]),
        (1, 0, (0, [1, 2, 4]), (0, []), (2.0, 4.0), [3, 4, 0]),
        (3, 0, (-8, [1] * 16), (0, []), (1.0, 2.0), [8, 8, 0]),
        (-1, 0, (0, [1, 2]), (0, []), (4.0, 16.0), [1, 2, 0]),
        (-1, 0, (0, [1, 0, 2]), (0, []), (4.0, 16.0, 64.0), [1, 0, 2, 0]),
        (-4, 0, (-3, [1, 2]), (0, []), (2.0**-16,), [3, 0]),
        (-4, 0, (0, []), (1, [1, 2]), (-(2.0**32), -(2.0**16), 0.0), [2, 1, 0, 0]),
        (0, 1, (0, [2]), (0, [3]), (-1.0, 0.0, 2.0), [3, 1, 2, 0]),
        (0, 0, (0, []), (-1, [1, 0, 2]), (-2.0, -1.0, -0.5, 0.0), [2, 0, 1, 0, 0]),
        (0, 0, (60, [5]), (0, []), (), [5]),
        (0, 0, (39, [1, 5]), (0, []), (2.0**40,), [1, 5]),
        (0, 0, (-60, [5]), (0, []), (2.0**-30,), [5, 0]),
        (0, 0, (0, []), (60, [5]), (-(2.0**40), 0.0), [5, 0, 0]),
        (0, 0, (0, []), (-60, [5]), (0.0,), [5, 0]),
        (-10, 0, (-1, [1, 1]), (0, []), (1.0,), [1, 1]),
    ],
)
def test_buckets_are_merged_to_powers_of_two(
    scale: int,
    zero: int,
    positive: tuple[int, list[int]],
    negative: tuple[int, list[int]],
    bounds: tuple[float, ...],
    counts: list[int],
) -> None:
    """Without gaps between the smallest and the largest value."""
    assert classic_buckets(scale, zero, positive, negative) == (bounds, counts)


def test_a_change_of_scale_changes_no_bound() -> None:
    """The SDK halves the resolution when a value does not fit; the series on the page stay."""
    fine = classic_buckets(4, 0, (0, [1] * 64))
    coarse = classic_buckets(3, 0, (0, [2] * 32))
    assert fine == coarse
    assert sum(fine[1]) == 64
    assert all(math.log2(bound).is_integer() for bound in fine[0])
