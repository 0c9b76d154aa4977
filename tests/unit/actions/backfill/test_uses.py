"""What was used is read from a journal or an event list, whole, in order, with the days that were watched."""

from __future__ import annotations

import sqlite3

import pytest

from genotel.actions.backfill.uses import DAY, Load, Use, _watched, uses_of_events, uses_of_journal
from genotel.clock import Clock
from genotel.errors import InputError
from genotel.instrumentation.generation import DEFAULT_PROVIDER
from genotel.journal.rows import CallRow, EventRow, Session
from genotel.journal.writer import JournalWriter
from genotel.semconv import attributes as a

NOW = 1_790_000_000 // DAY * DAY + 5 * 3600
CLOCK = Clock(wall=lambda: NOW)


def journal(tmp_path, rows, spans=((NOW - 3 * DAY, NOW),), events=()):
    """Write a journal and return its path."""
    path = tmp_path / "journal.db"
    writer = JournalWriter(path, clock=CLOCK)
    for key, row in enumerate(rows):
        writer.finish(key, row)
    for event in events:
        writer.event(event)
    for span in spans:
        writer.watched(*span)
    assert writer.flush()
    writer.close()
    return path


def call(at, model="sdxl", outcome=a.OUTCOME_OK, seconds=2.0):
    """Return a finished call."""
    return CallRow(at, model, "generate_content", "diffusers", outcome=outcome, duration_seconds=seconds)


def test_calls_stand_at_their_end_in_order(tmp_path):
    """With operation, provider and outcome as they were counted."""
    path = journal(tmp_path, [call(NOW - 50, seconds=None), call(NOW - 100, "wan", a.OUTCOME_ERROR)])
    uses = uses_of_journal(path, 30, clock=CLOCK)
    assert uses.uses == (
        Use(NOW - 98, "wan", "generate_content", "diffusers", a.OUTCOME_ERROR, 2.0),
        Use(NOW - 50, "sdxl", "generate_content", "diffusers", a.OUTCOME_OK, None),
    )
    assert (uses.start, uses.end) == (NOW - 3 * DAY, NOW)


def test_only_the_days_that_were_asked_for_are_read(tmp_path):
    """Older calls are left out."""
    path = journal(tmp_path, [call(NOW - 2 * DAY), call(NOW - 100)])
    uses = uses_of_journal(path, 1, clock=CLOCK)
    assert [use.time for use in uses.uses] == [NOW - 98]
    assert uses.start == NOW - DAY


def test_days_without_anybody_are_no_watched_ones(tmp_path):
    """They lie between the spans."""
    path = journal(tmp_path, [call(NOW - 100)], [(NOW - 9 * DAY, NOW - 8 * DAY), (NOW - 300, NOW)])
    uses = uses_of_journal(path, 30, clock=CLOCK)
    today = NOW // DAY * DAY
    # The writer's own session begins now.
    assert uses.watched == ((NOW - 9 * DAY, today - 7 * DAY), (today, NOW))


def test_loads_are_read(tmp_path):
    """Their time is that of the event."""
    events = [
        EventRow(NOW - 60, "sdxl", a.EVENT_LOAD, a.OUTCOME_OK, 20.0),
        EventRow(NOW - 9, "sdxl", a.EVENT_LOAD, "ok"),
    ]
    path = journal(tmp_path, [call(NOW - 30)], events=events)
    assert uses_of_journal(path, 30, clock=CLOCK).loads == (Load(NOW - 60, "sdxl", 20.0),)


def test_a_journal_that_nobody_watched_lately_says_so(tmp_path):
    """And what asks for more."""
    path = journal(tmp_path, [], [(NOW - 90 * DAY, NOW - 80 * DAY)])
    later = Clock(wall=lambda: NOW + 60 * DAY)
    with pytest.raises(InputError, match=r"nobody watched in the last 30 days; --days asks for more"):
        uses_of_journal(path, 30, clock=later)


def test_days_on_which_rows_were_lost_are_no_watched_ones():
    """Nobody knows what was in them."""
    today = NOW // DAY * DAY
    sessions = [
        Session(1, "a", 1, today - 2 * DAY, today - DAY + 60, 0),
        Session(2, "a", 1, today - DAY + 90, today - DAY + 99, 3),
        Session(3, "a", 1, today + 60, NOW, 0),
    ]
    assert _watched(sessions, 0.0, NOW) == ((today - 2 * DAY, today - DAY), (today, NOW))
    assert _watched([], 0.0, NOW) == ()


def test_calls_that_are_kept_as_days_only_stand_in_their_busiest_hour(tmp_path):
    """As many as there were, with the outcomes that are known."""
    old = NOW - 40 * DAY
    rows = [call(old + number, outcome=outcome) for number, outcome in enumerate([*a.OUTCOMES, a.OUTCOME_OK])]
    path = journal(tmp_path, [*rows, call(NOW - 100)], [(NOW - 41 * DAY, NOW)])
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM calls WHERE started_at < ?", (NOW - 30 * DAY,))
    uses = uses_of_journal(path, 60, clock=CLOCK)
    spread = [use for use in uses.uses if use.time < NOW - 30 * DAY]
    assert [use.outcome for use in spread].count(a.OUTCOME_OK) == 2
    assert [use.outcome for use in spread].count(a.OUTCOME_ERROR) == 2
    assert len(spread) == 6
    assert {use.time // 3600 for use in spread} == {old // 3600}
    assert {use.provider for use in spread} == {"diffusers"}


def test_an_event_list_is_read(tmp_path):
    """Unknown outcomes are no failures; sizes are the last known."""
    path = tmp_path / "events.csv"
    path.write_text(
        "timestamp,model,status,duration_seconds,load_seconds,size_bytes\n"
        f"{NOW - 50},b,unknown,,,9\n{NOW - 90},a,ok,3,20,\n{NOW - 40},b,error,,,7\n"
    )
    uses = uses_of_events(path, 30, clock=CLOCK)
    assert [(use.model, use.outcome, use.seconds) for use in uses.uses] == [
        ("a", a.OUTCOME_OK, 3.0),
        ("b", a.OUTCOME_CANCELLED, None),
        ("b", a.OUTCOME_ERROR, None),
    ]
    assert {use.provider for use in uses.uses} == {DEFAULT_PROVIDER}
    assert uses.loads == (Load(NOW - 90, "a", 20.0),)
    assert uses.sizes == {"b": 7.0}
    assert uses.watched == ((NOW - 90, NOW - 40),)
    assert len(uses_of_events(path, 45 / DAY, clock=CLOCK).uses) == 2


def test_an_empty_event_list_says_so(tmp_path):
    """There is nothing to backfill."""
    path = tmp_path / "events.csv"
    path.write_text("timestamp,model\n")
    with pytest.raises(InputError, match="holds no events"):
        uses_of_events(path, 30)
