"""Single uses from event lists and journals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genotel.clock import Clock
from genotel.errors import InputError
from genotel.journal.rows import CallRow, EventRow
from genotel.journal.writer import JournalWriter
from genotel.recommenders.trace import Trace, trace_of_events, trace_of_journal
from histories import EPOCH

DAY = 86_400.0


def test_an_event_list_gives_uses_and_measured_loads(tmp_path: Path) -> None:
    """In any order; a load of no time is none."""
    file = tmp_path / "e.csv"
    file.write_text(
        f"timestamp,model,status,load_seconds\n{EPOCH + 5},b,error,\n{EPOCH},a,ok,20\n{EPOCH + DAY},a,ok,0\n"
    )
    trace = trace_of_events(file)
    assert trace.model == ["b", "a", "a"]
    assert trace.uses.names == ("a", "b")
    assert trace.load_model == ["a"]
    assert trace.failed.tolist() == [True, False, False]
    assert trace.load_table().tolist() == [[0.0, 0.0], [20.0, 20.0]]
    assert trace.load_table(fixed_seconds=3.0).tolist() == [[3.0, 3.0], [3.0, 3.0]]


def test_an_event_list_without_a_use_is_refused(tmp_path: Path) -> None:
    """There is nothing to play."""
    file = tmp_path / "e.csv"
    file.write_text("timestamp,model\n")
    with pytest.raises(InputError, match=r"e\.csv: holds no use of a model"):
        trace_of_events(file)


def test_a_journal_gives_its_calls_and_loads(tmp_path: Path) -> None:
    """Call by call, as long as it keeps them; loads of models that nobody called do not count."""
    path = tmp_path / "journal.db"
    writer = JournalWriter(path, clock=Clock(wall=lambda: EPOCH + DAY, monotonic=lambda: EPOCH))
    writer.finish(1, CallRow(EPOCH, "sdxl", "generate_content", "test", outcome="ok"))
    writer.finish(2, CallRow(EPOCH + DAY, "sdxl", "generate_content", "test", outcome="error"))
    writer.event(EventRow(EPOCH + 1, "sdxl", "load", "ok", 12.0))
    writer.event(EventRow(EPOCH + 2, "flux", "load", "ok", 90.0))
    writer.flush()
    writer.close()
    trace = trace_of_journal(path, clock=Clock(wall=lambda: EPOCH + DAY, monotonic=lambda: EPOCH))
    assert trace.source == "journal journal.db"
    assert trace.model == ["sdxl", "sdxl"]
    assert trace.succeeded.tolist() == [True, False]
    assert trace.failed.tolist() == [False, True]
    assert trace.load_table().tolist() == [[0.0], [12.0]]


def test_a_history_knows_nothing_of_what_came_later() -> None:
    """Neither uses nor models."""
    trace = Trace(
        "a test",
        ["b", "a", "c"],
        EPOCH + np.array([0.5, 1.5, 3.5]) * DAY,
        np.ones(3, dtype=bool),
        np.zeros(3, dtype=bool),
        [],
        np.zeros(0),
        np.zeros(0),
    )
    history = trace.history_until(EPOCH + 2 * DAY)
    assert history.models == ("a", "b")
    assert history.total("requests").tolist() == [1.0, 1.0]
    assert history.end == EPOCH + 2 * DAY - 1
    assert ((history.last_used - EPOCH) / DAY).tolist() == [1.5, 0.5]


def test_an_event_list_gives_sizes(tmp_path: Path) -> None:
    """The last one that is known of each model; a model without one, or of nothing, has none."""
    file = tmp_path / "events.csv"
    file.write_text(
        "timestamp,model,size_bytes\n1700000100,a,7\n1700000000,a,5\n1700000200,a,\n1700000000,b,\n1700000000,c,0\n"
    )
    trace = trace_of_events(file)
    assert trace.size_bytes == {"a": 7.0, "c": 0.0}
    assert np.nan_to_num(trace.sizes(), nan=-1.0).tolist() == [7.0, -1.0, -1.0]
