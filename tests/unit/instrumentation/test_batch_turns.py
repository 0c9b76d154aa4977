"""The turns of a loop: what they measure, how they end, what a fork or a collection does to them."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace

from genotel import guard
from genotel.instrumentation import batch_totals, instruments
from genotel.instrumentation.batch_turns import LoopOptions, Pass, Tally, Turns
from genotel.instrumentation.late_ends import settle_all
from tests.observed import Observed
from tests.unit.instrumentation.test_batch_call import counts

PLAIN = LoopOptions("captions", None, "none", None, None, None)


def turns(source: Any = (1, 2, 3), total: int | None = None, options: LoopOptions = PLAIN) -> Turns[Any]:
    """Return an iterator over a source."""
    return Turns(iter(source), options, Tally(), total)


def durations(observed: Observed) -> int:
    """Return the turns whose duration was recorded."""
    return int(observed.value("genotel_batch_duration_seconds_count", genotel_batch_name="captions"))


def test_a_turn_lasts_from_handing_over_to_asking_for_the_next(batches: Observed) -> None:
    """The first has ended when the second one is asked for; at no time is more than one in flight."""
    current = turns()
    assert current.in_flight == 0
    assert next(current) == 1
    assert (current.in_flight, current.figures, counts(batches)) == (1, (0, 0, 0), {})
    assert batches.value("genotel_batch_active", genotel_batch_name="captions") == 1
    assert next(current) == 2
    assert (current.figures, counts(batches), durations(batches)) == ((1, 1, 0), {"ok": 1}, 1)
    assert [*current] == [3]
    assert (current.in_flight, current.figures, counts(batches)) == (0, (3, 3, 0), {"ok": 3})
    assert batches.value("genotel_batch_active", genotel_batch_name="captions") == 0


def test_collections_in_between_count_nothing_twice(batches: Observed) -> None:
    """The totals are told of plain turns when somebody asks."""
    current = turns(range(10))
    for _ in current:
        counts(batches)
    assert counts(batches) == {"ok": 10}
    assert durations(batches) == 10


def test_what_is_left_is_known_where_the_length_is(batches: Observed) -> None:
    """As gauges while the pass runs, and at its rate so far."""
    current = turns(range(4), total=4)
    next(current)
    assert (current.remaining, current.rate, current.eta_seconds) == (4, None, None)
    next(current)
    assert current.remaining == 3
    assert current.eta_seconds == pytest.approx(3 / current.rate, rel=0.5)
    assert batches.value("genotel_batch_remaining", genotel_batch_name="captions") == 3
    assert batches.value("genotel_batch_eta_seconds", genotel_batch_name="captions") > 0
    second = turns(range(10), total=10)
    next(second)
    next(second)
    assert batches.value("genotel_batch_remaining", genotel_batch_name="captions") == 3 + 9
    for each in (current, second):
        each.close()
        each.close()
    assert batches.samples("genotel_batch_remaining") == []
    assert (current.remaining, turns().remaining) == (None, None)


def test_a_source_that_gives_more_than_it_said_has_nothing_left(batches: Observed) -> None:
    """Never below 0."""
    current = turns(range(5), total=2)
    for _ in range(5):
        next(current)
    assert current.remaining == 0


def test_a_source_that_raises_is_a_failure(batches: Observed) -> None:
    """Its exception passes unchanged; the turn before it was good; the pass is over."""
    error = ValueError("secret")

    def source() -> Iterator[int]:
        yield 1
        raise error

    current = turns(source())
    assert next(current) == 1
    with pytest.raises(ValueError, match="secret") as caught:
        next(current)
    assert caught.value is error
    assert counts(batches) == {"ok": 1, "error": 1}
    assert counts(batches, "items") == {"ok": 1}
    assert current.figures == (1, 1, 1)
    with pytest.raises(StopIteration):
        next(current)


def test_a_turn_that_is_told_of_an_exception_ends_by_it(batches: Observed) -> None:
    """As from a `with` block around the loop."""
    current = turns()
    next(current)
    current.end(MemoryError())
    assert counts(batches) == {"out_of_memory": 1}
    assert current.figures == (1, 1, 1)
    current.end(MemoryError())
    assert durations(batches) == 1


def test_an_iterator_that_is_dropped_abandons_its_turn(batches: Observed) -> None:
    """At once, or at the next safe moment where the collector dropped it."""
    current = turns()
    next(current)
    del current
    assert counts(batches) == {"abandoned": 1}
    cycle: dict[str, Any] = {"turns": turns()}
    cycle["self"] = cycle
    next(cycle["turns"])
    del cycle
    gc.collect()
    settle_all()
    assert counts(batches) == {"abandoned": 2}
    assert batches.value("genotel_batch_active", genotel_batch_name="captions") == 0


def test_a_batch_with_options_is_a_measured_batch(batches: Observed) -> None:
    """Size, links and wait are asked of each one."""
    linked = trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=False))
    asked: list[Any] = []

    def links(batch: list[int]) -> list[trace.Span]:
        asked.append(batch)
        return [linked]

    options = LoopOptions("captions", len, "each", links, lambda batch: 5.0, None)
    assert [*turns([[1], [2, 3]], options=options)] == [[1], [2, 3]]
    assert asked == [[1], [2, 3]]
    assert counts(batches, "items") == {"ok": 3}
    assert [len(span.links) for span in batches.spans] == [1, 1]
    assert batches.value("genotel_batch_latency_seconds_count", genotel_batch_name="captions") == 2


@pytest.mark.usefixtures("forgiving")
def test_an_option_that_raises_does_not_end_the_loop(batches: Observed) -> None:
    """It is the user's, and what it raises is counted."""

    def fail(batch: object) -> int:
        raise RuntimeError("secret")

    options = LoopOptions("captions", fail, "each", None, None, None)
    assert [*turns(options=options)] == [1, 2, 3]
    assert counts(batches, "items") == {"ok": 3}
    assert guard.internal_errors() == {"batch_turns.options": 3}


@pytest.mark.usefixtures("forgiving")
@pytest.mark.parametrize("spans", ["none", "each"])
def test_a_fault_of_ours_stays_out_of_the_loop(batches: Observed, monkeypatch: pytest.MonkeyPatch, spans: Any) -> None:
    """Whatever breaks; the batches come."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    current = turns(options=LoopOptions("captions", None, spans, None, None, None))
    histogram = instruments.IN_FORCE.bound.batch.duration
    monkeypatch.setattr(type(histogram), "record", fail)
    monkeypatch.setattr(Pass, "_batch", fail)
    assert [*current] == [1, 2, 3]
    assert sum(guard.internal_errors().values()) == 3
    current = turns()
    next(current)
    current.end(ValueError())
    assert sum(guard.internal_errors().values()) == 4


def test_a_loop_goes_on_while_telemetry_is_disabled(batches: Observed) -> None:
    """Nothing is counted."""
    instruments.disable()

    def source() -> Iterator[int]:
        yield 1
        raise ValueError("secret")

    assert [*turns()] == [1, 2, 3]
    with pytest.raises(ValueError, match="secret"):
        list(turns(source()))
    assert counts(batches) == {}


@pytest.mark.parametrize("spans", ["none", "each"])
def test_a_forked_child_counts_only_its_own_turns(batches: Observed, spans: Any) -> None:
    """The turn that ran when it was forked is its parent's."""
    current = turns(range(4), options=LoopOptions("captions", None, spans, None, None, None))
    next(current)
    next(current)
    child = os.fork()
    if child == 0:  # pragma: no cover  # another process
        status = 1
        try:
            rest = [*current]
            status = 0 if (rest, counts(batches)) == ([2, 3], {"ok": 2}) else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert [*current] == [2, 3]
    assert counts(batches) == {"ok": 4}


def test_totals_that_were_reset_are_found_again(batches: Observed) -> None:
    """As in a child; what was counted before does not come again."""
    current = turns(range(4))
    next(current)
    next(current)
    batch_totals.reset()
    assert [*current] == [2, 3]
    assert counts(batches) == {"ok": 2}


@pytest.mark.usefixtures("forgiving")
def test_a_fault_while_an_iterator_is_dropped_is_counted(batches: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finalizer that raises would be printed to the user's terminal."""
    current = turns()
    monkeypatch.setattr(Pass, "close", lambda self: 1 / 0)
    del current
    assert guard.internal_errors() == {"batch_turns.collected": 1}
