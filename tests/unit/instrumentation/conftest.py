"""A measured program for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace

from genotel.instrumentation import batch_totals, queue_totals
from genotel.instrumentation.generation import running
from tests.observed import Observed, lenient, observing


@pytest.fixture
def observed() -> Iterator[Observed]:
    """Measure the test with providers of its own."""
    with observing() as observed:
        yield observed
        assert running.get() is None, "a call was left current"
        assert not trace.get_current_span().get_span_context().is_valid, "a span was left current"


@pytest.fixture
def forgiving() -> Iterator[None]:
    """Swallow faults of ours, as in a user's program."""
    with lenient():
        yield


@pytest.fixture
def batches(observed: Observed) -> Iterator[Observed]:
    """Measure the test with counts of batches and queues that begin at 0."""
    batch_totals.reset()
    queue_totals.reset()
    yield observed
    batch_totals.reset()
    queue_totals.reset()
