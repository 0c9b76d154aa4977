"""Totals of a queue's name are born at 0, capped, and forgotten by a child."""

from __future__ import annotations

import pytest

from genotel.instrumentation import caps, queue_totals
from genotel.instrumentation.queue_totals import QueueTotals
from tests.observed import Observed


def test_refusals_are_born_at_zero() -> None:
    """Both of them."""
    totals = QueueTotals("jobs")
    assert totals.refused == {"full": 0, "timeout": 0}
    totals.refuse("full")
    assert totals.refused == {"full": 1, "timeout": 0}


def test_waits_are_taken_oldest_first_and_once() -> None:
    """At most as many as asked for."""
    totals = QueueTotals("jobs")
    totals.waits.extend([1.0, 2.0, 3.0])
    assert (totals.take_waits(2), totals.take_waits(2), totals.take_waits(2)) == ([1.0, 2.0], [3.0], [])


def test_a_name_has_one_set_of_totals(batches: Observed) -> None:
    """And a new one after a reset."""
    totals = queue_totals.queue_totals("jobs")
    assert queue_totals.queue_totals("jobs") is totals
    assert queue_totals.all_totals() == [totals]
    queue_totals.reset()
    assert queue_totals.queue_totals("jobs") is not totals


def test_too_many_names_are_one(batches: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue for each user must not grow the page without bound."""
    monkeypatch.setitem(caps.LIMITS, "queue", (2, *caps.LIMITS["queue"][1:]))
    caps.reset()
    names = {queue_totals.queue_totals(f"user-{number}").attributes["genotel.queue.name"] for number in range(50)}
    assert names == {"user-0", "user-1", "other"}
