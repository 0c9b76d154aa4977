"""Things that happen to models beside calls."""

from __future__ import annotations

import pytest

import genotel
from genotel import guard
from tests.observed import Observed

EVENTS = "genotel_model_events_total"


@pytest.mark.parametrize("kind", [*genotel.EventKind, "quantize"])
def test_an_event_of_any_kind_is_counted_and_kept(observed: Observed, kind: str) -> None:
    """The kinds that dashboards know, and any word of the user's."""
    genotel.record_event("/models/m", kind=kind, duration_seconds=31.0, source="hub")
    assert observed.value(EVENTS, gen_ai_request_model="m", genotel_event=str(kind), genotel_outcome="ok") == 1
    (event,) = observed.sink.events
    assert (event.model, event.kind, event.outcome, event.duration_seconds, event.source) == (
        "m",
        str(kind),
        "ok",
        31.0,
        "hub",
    )


def test_an_unknown_outcome_is_an_error(observed: Observed) -> None:
    """There are two: it went well, or it did not."""
    genotel.record_event("m", kind="download", outcome="timeout")
    assert observed.value(EVENTS, genotel_outcome="error") == 1
    assert observed.sink.events[0].outcome == "error"


def test_an_event_needs_no_journal(observed: Observed) -> None:
    """It is counted all the same."""
    from genotel.instrumentation.sink import set_sink

    set_sink(None)
    genotel.record_event("m", kind="evict")
    assert observed.value(EVENTS, genotel_event="evict") == 1


@pytest.mark.usefixtures("forgiving")
def test_a_fault_is_ours_alone(observed: Observed) -> None:
    """A sink that raises."""

    def fault(_: object) -> None:
        raise OSError("full")

    observed.sink.event = fault  # type: ignore[method-assign]
    genotel.record_event("m", kind="load")
    assert guard.internal_errors() == {"events.record": 1}
    assert observed.value(EVENTS, genotel_event="load") == 1
