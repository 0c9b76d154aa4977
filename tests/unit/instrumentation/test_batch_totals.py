"""Totals of a name are born at 0, add up, and are forgotten by a child."""

from __future__ import annotations

import pytest

from genotel.instrumentation import batch_totals, caps
from genotel.instrumentation.batch_figures import Columns, columns_of
from genotel.instrumentation.batch_totals import BatchTotals
from genotel.instrumentation.outcomes import CANCELLED, ERROR, OK
from genotel.semconv import attributes as a
from tests.observed import Observed


def chunk(count: int, *, failed: bool = False) -> Columns:
    """Return the columns of batches of two items."""
    return columns_of([(0.5, 2, 0.0, None, None, failed, 1.0)] * count)


def test_counts_begin_at_zero_for_every_outcome() -> None:
    """A counter that is born at 1 has no increase."""
    totals = BatchTotals("doc")
    assert (totals.batches, totals.items, totals.active) == ([0] * 5, [0] * 5, 0)
    assert [attributes[a.OUTCOME] for attributes in totals.outcomes] == [*a.OUTCOMES]
    assert totals.name == "doc"


def test_a_chunk_is_counted_by_outcome() -> None:
    """Batches and their items."""
    totals = BatchTotals("doc")
    totals.take(chunk(3))
    totals.take(chunk(2, failed=True))
    assert (totals.batches[OK], totals.batches[ERROR]) == (3, 2)
    assert (totals.items[OK], totals.items[ERROR]) == (6, 4)


def test_a_measured_batch_is_counted_when_it_ends() -> None:
    """Some of a good one's items may have failed; others count it as they will."""
    totals = BatchTotals("doc")
    totals.active = 3
    totals.finish(OK, 8, failed_items=3)
    totals.finish(CANCELLED, 4)
    totals.leave()
    totals.count(OK, 2, 2)
    assert totals.active == 0
    assert (totals.items[OK], totals.items[ERROR], totals.items[CANCELLED]) == (7, 3, 4)
    assert totals.batches[OK] == 3


def test_dropped_figures_are_born_at_zero_with_the_first_window() -> None:
    """A plain loop has no figures to drop."""
    totals = BatchTotals("doc")
    totals.take(columns_of([(-1, 2, 0.0, None, None, False, 1.0)]))
    assert totals.dropped is None
    totals.keep_figures()
    totals.keep_figures()
    totals.take(columns_of([(-1, 2, 0.0, None, None, False, 1.0)]))
    assert totals.dropped == {**dict.fromkeys(a.FIGURES, 0), "processing_time": 1}


def test_pending_batches_are_taken_in_the_size_that_is_asked_for() -> None:
    """Whole chunks, and parts of a large one."""
    totals = BatchTotals("doc")
    for count in (3, 10, 2):
        totals.take(chunk(count))
    assert [len(part.moments) for part in totals.take_pending(5)] == [3, 2]
    assert totals.pending_count == 10
    assert [len(part.moments) for part in totals.take_pending(100)] == [8, 2]
    assert (totals.pending_count, totals.take_pending(100)) == (0, [])


def test_nothing_is_kept_that_nobody_listens_to() -> None:
    """Until somebody does; counts go on."""
    totals = BatchTotals("doc")
    totals.take(chunk(3))
    totals.forget_pending()
    totals.take(chunk(3))
    assert (totals.pending_count, totals.batches[OK]) == (0, 6)


def test_a_name_has_one_set_of_totals(batches: Observed) -> None:
    """As a label has one series."""
    assert batch_totals.batch_totals("one") is batch_totals.batch_totals("one")
    assert batch_totals.batch_totals("one") is not batch_totals.batch_totals("two")
    assert [totals.name for totals in batch_totals.all_totals()] == ["one", "two"]


def test_too_many_names_are_one(batches: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id as a name must not grow the page without bound."""
    monkeypatch.setitem(caps.LIMITS, "batch", (2, *caps.LIMITS["batch"][1:]))
    caps.reset()
    names = {batch_totals.batch_totals(f"user-{number}").name for number in range(100)}
    assert names == {"user-0", "user-1", "other"}


def test_an_orphan_is_counted_once(batches: Observed) -> None:
    """What waited in a window that is gone."""
    totals = batch_totals.batch_totals("doc")
    batch_totals.orphans.append((totals, [(0.5, 2, 0.0, None, None, False, 1.0)]))
    batch_totals.settle_orphans()
    batch_totals.settle_orphans()
    assert totals.batches[OK] == 1


def test_a_reset_makes_totals_nobody_s(batches: Observed) -> None:
    """Who holds them still can tell."""
    totals = batch_totals.batch_totals("doc")
    batch_totals.reset()
    assert totals.stale
    assert batch_totals.batch_totals("doc") is not totals
