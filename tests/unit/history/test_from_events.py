"""A history from an event list knows what the list says, and no more."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from genotel.clock import Clock
from genotel.errors import InputError
from genotel.history.from_events import Events

STOPPED = Clock(wall=lambda: 1_700_100_000.0)


def test_events_become_hours_of_models(tmp_path: Path) -> None:
    """Lines in any order; the window reaches from the first to the last event."""
    file = tmp_path / "events.csv"
    file.write_text(
        "timestamp,model,status,duration_seconds,load_seconds,size_bytes\n"
        "1700007300,sdxl,error,1.5,,\n"
        "1700000000,sdxl,ok,2.5,20,7e9\n"
        "1700000001,flux,unknown,,0,\n"
        "1700000001,sdxl,ok,3.5,,6e9\n"
    )
    history = Events(file, clock=STOPPED).load_usage()
    assert history.source == "events events.csv"
    assert (history.start, history.end) == (1_700_000_000.0, 1_700_007_300.0)
    assert history.models == ("flux", "sdxl")
    assert history.observed.tolist() == [True, True, True]
    assert history.total("requests").tolist() == [1.0, 3.0]
    assert history.total("succeeded").tolist() == [0.0, 2.0]
    assert history.total("failed").tolist() == [0.0, 1.0]
    assert history.total("timed").tolist() == [0.0, 3.0]
    assert history.total("duration_seconds").tolist() == [0.0, 7.5]
    assert history.total("loads").tolist() == [0.0, 1.0]
    assert history.total("load_seconds").tolist() == [0.0, 20.0]
    assert history.first_seen.tolist() == [1_700_000_001.0, 1_700_000_000.0]
    assert history.last_used.tolist() == [1_700_000_001.0, 1_700_007_300.0]
    np.testing.assert_array_equal(history.size_bytes, [np.nan, 6e9])


def test_a_line_written_twice_counts_twice(tmp_path: Path) -> None:
    """Two calls in one second look the same, so that lines are not folded."""
    file = tmp_path / "events.csv"
    file.write_text("timestamp,model\n" + "1700000000,sdxl\n" * 3)
    assert Events(str(file), clock=STOPPED).load_usage().total("requests").tolist() == [3.0]


def test_a_list_without_events_is_an_empty_history(tmp_path: Path) -> None:
    """A header alone is no mistake."""
    file = tmp_path / "events.csv"
    file.write_text("timestamp,model\n")
    assert not Events(file).load_usage().has_data


def test_an_event_of_next_week_is_refused(tmp_path: Path) -> None:
    """One wrong clock would make every other model look unused; a day of error is let pass."""
    file = tmp_path / "events.csv"
    file.write_text("timestamp,model\n1700000000,sdxl\n1700186300,sdxl\n")
    Events(file, clock=STOPPED).load_usage()
    file.write_text("timestamp,model\n1700000000,sdxl\n1700186500,sdxl\n")
    with pytest.raises(InputError, match=r"events\.csv:3: timestamp lies in the future"):
        Events(file, clock=STOPPED).load_usage()


def test_two_hundred_thousand_lines_are_read_in_seconds(tmp_path: Path) -> None:
    """A million takes under four seconds on a slow machine; a fifth of it keeps this test short."""
    file = tmp_path / "events.csv"
    lines = (f"{1_699_000_000 + step},m{step % 300},ok,3.2,,\n" for step in range(200_000))
    file.write_text("timestamp,model,status,duration_seconds,load_seconds,size_bytes\n" + "".join(lines))
    begin = time.process_time()
    assert Events(file, clock=STOPPED).load_usage().total("requests").sum() == 200_000
    assert time.process_time() - begin < 4.0
