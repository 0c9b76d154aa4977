"""Call records go to one sink, or nowhere."""

from __future__ import annotations

import genotel
from genotel.instrumentation.sink import OUT, set_sink
from tests.observed import ListSink, Observed


def test_the_sink_in_force_gets_every_record(observed: Observed) -> None:
    """One that is set later gets what comes later."""
    with genotel.generation("m"):
        pass
    later = ListSink()
    set_sink(later)
    with genotel.generation("m"):
        pass
    assert (len(observed.sink.finished), len(later.finished)) == (1, 1)


def test_without_a_sink_calls_are_measured_all_the_same(observed: Observed) -> None:
    """The journal is off unless asked for."""
    set_sink(None)
    assert OUT.sink is None
    with genotel.generation("m"):
        pass
    assert observed.outcomes() == {"ok": 1}
