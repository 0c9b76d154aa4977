"""Boundaries grow strictly and keep those of the semantic conventions."""

from __future__ import annotations

import itertools

import pytest

from genotel.semconv import buckets

LISTS = ("DURATION_SECONDS", "STEP_SECONDS", "LOAD_SECONDS", "TOKENS", "SCORES")


@pytest.mark.parametrize("name", LISTS)
def test_bounds_grow_strictly(name: str) -> None:
    """A histogram refuses bounds that do not."""
    bounds = getattr(buckets, name)
    assert all(low < high for low, high in itertools.pairwise(bounds))


def test_durations_begin_with_those_of_the_conventions() -> None:
    """The first 14 bounds are gen_ai.client.operation.duration's, so that old and new sums compare."""
    conventions = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
    assert buckets.DURATION_SECONDS[:14] == conventions
    assert buckets.DURATION_SECONDS[-1] == 5242.88


def test_tokens_are_those_of_the_conventions() -> None:
    """Powers of four up to 67,108,864."""
    assert buckets.TOKENS[:3] == (1.0, 4.0, 16.0)
    assert buckets.TOKENS[-1] == 67108864.0


def test_every_bound_has_a_short_text() -> None:
    """Doubling is exact in binary, so no bound prints as 0.30000000000000004."""
    for name in LISTS:
        assert max(len(repr(bound)) for bound in getattr(buckets, name)) <= 10
