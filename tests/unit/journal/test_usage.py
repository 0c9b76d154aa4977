"""Sums are exact at the moment of reading, settled or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from genotel.journal.connecting import connect
from genotel.journal.reader import JournalReader
from genotel.journal.rows import EventRow
from genotel.journal.settling import Settler
from genotel.journal.store import Batch, JournalStore
from tests.unit.journal.conftest import DAY, HOUR, call, finished


def kill_sessions(path: Path) -> None:
    """Let every session be one of a process that is gone."""
    connection = connect(path)
    connection.execute("UPDATE sessions SET pid_started = 1")
    connection.close()


def settle(path: Path) -> None:
    """Settle everything there is."""
    connection = connect(path)
    settler = Settler(connection)
    while settler.step(DAY + 100 * 24 * HOUR):
        pass
    connection.close()


@pytest.mark.parametrize("is_settled", [False, True])
def test_hours_say_everything_that_is_asked(store: JournalStore, path: Path, is_settled: bool) -> None:
    """The same before and after they are settled."""
    store.write(
        Batch(
            finished=[
                (1, call(DAY + 60, prompt="a", duration_seconds=1.0)),
                (2, call(DAY + 61, prompt="a", duration_seconds=4.0, outcome="out_of_memory")),
                (3, call(DAY + HOUR, prompt="b", operation="chat")),
            ],
            events=[EventRow(DAY, "sdxl", "load", "ok", 12.0)],
        ),
        0,
    )
    if is_settled:
        settle(path)
    with JournalReader(path) as reader:
        assert [tuple(hour) for hour in reader.hourly()] == [
            (DAY, "sdxl", "", 0, 0, 0, 0, 0, 0.0, None, None, 1, 12.0, 0, 0),
            (DAY, "sdxl", "generate_content", 2, 1, 1, 0, 2, 5.0, 1.0, 4.0, 0, 0.0, 0, 1),
            (DAY + HOUR, "sdxl", "chat", 1, 1, 0, 0, 1, 2.0, 2.0, 2.0, 0, 0.0, 0, 1),
        ]
        assert len(list(reader.hourly(since=DAY + 1))) == 1
        assert len(list(reader.hourly(until=DAY + HOUR))) == 2
        assert list(reader.hourly(model="wan")) == []


@pytest.mark.parametrize("is_settled", [False, True])
def test_days_say_everything_that_is_asked(store: JournalStore, path: Path, is_settled: bool) -> None:
    """Average, peak hour and unique prompts of the day."""
    store.write(
        finished(
            call(DAY + 3 * HOUR, prompt="a", duration_seconds=1.0),
            call(DAY + 9 * HOUR, prompt="a", duration_seconds=2.0),
            call(DAY + 9 * HOUR + 1, prompt="b", duration_seconds=None, operation="chat", outcome="cancelled"),
            call(DAY + 24 * HOUR, model="wan", outcome="error", duration_seconds=None),
        ),
        0,
    )
    if is_settled:
        settle(path)
    with JournalReader(path) as reader:
        assert [tuple(day) for day in reader.daily()] == [
            (DAY, "sdxl", 3, 2, 0, 0, 2, 3.0, 1.5, 9, 2),
            (DAY + 24 * HOUR, "wan", 1, 0, 1, 0, 0, 0.0, None, 0, 0),
        ]
        assert [day.model for day in reader.daily(since=DAY + 1)] == ["wan"]
        assert [day.model for day in reader.daily(model="sdxl", until=DAY + 1)] == ["sdxl"]


def test_calls_whose_process_died_are_killed_in_every_view(store: JournalStore, path: Path) -> None:
    """In hours and days that have other calls, before, between and after them, and in those that have none."""
    running = [call(DAY + hour * HOUR, outcome=None) for hour in (0, 5, 5, 30, 60)]
    store.write(Batch(running=list(enumerate(running))), 0)
    store.write(finished(call(DAY + 5 * HOUR), call(DAY + 31 * HOUR)), 0)
    kill_sessions(path)
    with JournalReader(path) as reader:
        assert [record.outcome for record in reader.calls()].count("killed") == 5
        assert [(hour.hour, hour.total, hour.killed) for hour in reader.hourly()] == [
            *((DAY, 0, 1), (DAY + 5 * HOUR, 1, 2), (DAY + 30 * HOUR, 0, 1), (DAY + 31 * HOUR, 1, 0)),
            (DAY + 60 * HOUR, 0, 1),
        ]
        assert [(day.day, day.total, day.killed, day.peak_hour) for day in reader.daily()] == [
            *((DAY, 1, 3, 5), (DAY + 24 * HOUR, 1, 1, 7), (DAY + 48 * HOUR, 0, 1, None)),
        ]
        assert [hour.hour for hour in reader.hourly(since=DAY + 29 * HOUR, until=DAY + 31 * HOUR)] == [DAY + 30 * HOUR]
        assert list(reader.hourly(model="wan")) == list(reader.daily(model="wan")) == []


def test_calls_that_run_are_no_killed_ones(store: JournalStore, path: Path) -> None:
    """Their process lives; they are in no sum yet."""
    store.write(Batch(running=[(1, call(DAY, outcome=None))]), 0)
    with JournalReader(path) as reader:
        assert [record.outcome for record in reader.calls()] == [None]
        assert list(reader.hourly()) == list(reader.daily()) == []


def test_settling_killed_calls_changes_no_view(store: JournalStore, path: Path) -> None:
    """Who reads before and after sees the same."""
    store.write(Batch(running=[(1, call(DAY, outcome=None)), (2, call(DAY + 5 * HOUR, outcome=None))]), 0)
    store.write(finished(call(DAY)), 0)
    kill_sessions(path)
    with JournalReader(path) as reader:
        before = list(reader.hourly()), list(reader.daily()), list(reader.calls())
        while store.maintain():
            pass
        assert (list(reader.hourly()), list(reader.daily()), list(reader.calls())) == before


def test_a_late_call_into_a_day_without_hours_keeps_its_peak(store: JournalStore, path: Path) -> None:
    """Retention has taken the hours; what was known of the day stays."""
    store.write(finished(call(DAY + 5 * HOUR), call(DAY + 5 * HOUR + 1)), 0)
    settle(path)
    connection = connect(path)
    connection.execute("DELETE FROM hourly")
    connection.close()
    store.write(finished(call(DAY + 9 * HOUR)), 0)
    with JournalReader(path) as reader:
        assert [(day.total, day.peak_hour) for day in reader.daily()] == [(3, 5)]
