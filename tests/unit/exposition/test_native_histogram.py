"""Exponential histograms become native ones; no count is lost on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.exposition.native_histogram import ZERO_THRESHOLD, NativeHistogram, Side, native_histogram

NOTHING = (0, ())
BUCKETS = st.tuples(st.integers(-2000, 2000), st.lists(st.integers(0, 10**12) | st.just(0), max_size=80))


def counts_of(side: Side) -> dict[int, int]:
    """Return the counts above 0 by index."""
    counts, index, count, deltas = {}, 0, 0, iter(side.deltas)
    for offset, length in side.spans:
        index += offset
        for _ in range(length):
            count += next(deltas)
            counts[index] = count
            index += 1
    assert next(deltas, None) is None
    return {index: count for index, count in counts.items() if count}


def test_an_index_is_one_higher_than_opentelemetry_s() -> None:
    """(1, 2] is bucket 0 there and bucket 1 here."""
    found = native_histogram(0, 0, (0, [5]), NOTHING)
    assert found is not None
    assert found.positive == Side(((1, 1),), (5,))


def test_small_gaps_are_bridged_and_large_ones_begin_a_span() -> None:
    """Two empty buckets are cheaper than a span."""
    found = native_histogram(3, 0, (-1, [4, 0, 0, 7, 0, 0, 0, 1]), NOTHING)
    assert found is not None
    assert found.positive == Side(((0, 4), (3, 1)), (4, -4, 0, 7, -6))


@pytest.mark.parametrize(("scale", "schema"), [(-4, -4), (0, 0), (8, 8), (9, 8), (20, 8)])
def test_a_scale_becomes_the_nearest_schema(scale: int, schema: int) -> None:
    """Finer ones than Prometheus has are made coarser."""
    found = native_histogram(scale, 0, (0, [1]), NOTHING)
    assert found is not None
    assert found.schema == schema


def test_a_scale_that_is_too_coarse_has_none() -> None:
    """Buckets cannot be split."""
    assert native_histogram(-5, 0, (0, [1]), NOTHING) is None


def test_the_zero_bucket_is_as_wide_as_the_go_client_s_where_that_is_right() -> None:
    """A populated bucket must not reach into it; a known threshold is kept."""
    wide = native_histogram(0, 3, NOTHING, NOTHING)
    assert wide == NativeHistogram(0, ZERO_THRESHOLD, 3, Side((), ()), Side((), ()))
    at_its_edge, below_it = (native_histogram(0, 1, (index, [1]), NOTHING) for index in (-128, -129))
    assert at_its_edge is not None
    assert at_its_edge.zero_threshold == ZERO_THRESHOLD
    assert below_it is not None
    assert below_it.zero_threshold == 0
    known = native_histogram(0, 1, NOTHING, (0, [1]), zero_threshold=0.5)
    assert known is not None
    assert known.zero_threshold == 0.5


@given(st.integers(-4, 20), st.integers(0, 10**12), BUCKETS, BUCKETS)
def test_no_count_is_lost_and_every_bucket_is_inside_its_own(
    scale: int, zeros: int, positive: tuple[int, list[int]], negative: tuple[int, list[int]]
) -> None:
    """Each count is in the one bucket of the coarser scale whose bounds hold the finer one's."""
    found = native_histogram(scale, zeros, positive, negative)
    assert found is not None
    assert found.zero_count == zeros
    shift = max(0, scale - 8)
    for side, (offset, counts) in ((found.positive, positive), (found.negative, negative)):
        expected: dict[int, int] = {}
        for position, count in enumerate(counts):
            # By their upper bounds, as exponents of 2: (index + 1) / 2**scale <= bucket / 2**schema.
            index = -(-(offset + position + 1) // 2**shift)
            expected[index] = expected.get(index, 0) + count
        assert counts_of(side) == {index: count for index, count in expected.items() if count}
        assert all(length > 0 for _, length in side.spans)
        assert all(offset > 0 for offset, _ in side.spans[1:])
