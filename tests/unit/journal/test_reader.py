"""What was written is read back as it is, while others write."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from genotel.errors import JournalError
from genotel.journal import schema
from genotel.journal.connecting import connect
from genotel.journal.reader import JournalReader
from genotel.journal.rollup import DAY_SECONDS
from genotel.journal.rows import CallRow, EventRow, ModelUsage, ParameterCount, ScoreRecord
from genotel.journal.store import Batch, JournalStore
from genotel.journal.writer import JournalWriter
from tests.unit.journal.conftest import DAY, TurnedClock, call, finished


def test_a_call_comes_back_as_it_went_in(store: JournalStore, path: Path) -> None:
    """Except for the prompt, of which only a hash is left."""
    row = CallRow(
        *(DAY, "wan", "generate_content", "diffusers", "video", "error", "ValueError", 2.5, 0.5, 0.25),
        *(30, 2, 11, 12, "samplers", "B", {"steps": 30}, {"clip": 0.31}, "a cat", 0xABC, 0xDEF),
    )
    store.write(finished(row, row._replace(started_at=DAY + 1, prompt=None, trace_id=0)), 0)
    with JournalReader(path) as reader:
        first, second = reader.calls()
    for name in set(CallRow._fields) - {"prompt", "trace_id", "span_id"}:
        assert getattr(first, name) == getattr(row, name)
    assert (first.id, first.session) == (1, 1)
    assert (first.trace_id, first.span_id) == ("0" * 29 + "abc", "0" * 13 + "def")
    assert first.prompt_hash is not None
    assert len(first.prompt_hash) == 16
    assert (second.prompt_hash, second.trace_id) == (None, None)


def test_windows_contain_their_begin_and_not_their_end(store: JournalStore, path: Path) -> None:
    """So that windows side by side count everything once."""
    store.write(finished(*[call(DAY + n, model="ab"[n % 2], steps=n) for n in range(6)]), 0)
    with JournalReader(path) as reader:
        assert [row.steps for row in reader.calls(since=DAY + 1, until=DAY + 4)] == [1, 2, 3]
        assert [row.steps for row in reader.calls(model="b")] == [1, 3, 5]
        assert [row.steps for row in reader.calls(limit=2)] == [4, 5]
        assert [row.steps for row in reader.calls(model="a", until=DAY + 4, limit=1)] == [2]


def test_calls_are_sorted_by_their_start_not_by_their_end(store: JournalStore, path: Path) -> None:
    """Clocks jump, and long calls end late."""
    store.write(finished(*[call(DAY - n, steps=n) for n in range(3)]), 0)
    with JournalReader(path) as reader:
        assert [row.steps for row in reader.calls()] == [2, 1, 0]


def test_events_are_found_by_model_and_kind(store: JournalStore, path: Path) -> None:
    """Each with where it came from."""
    events = [
        EventRow(DAY + n, model, kind, "ok", 1.0, "disk") for n, model in enumerate("ab") for kind in ("load", "unload")
    ]
    store.write(Batch(events=events), 0)
    with JournalReader(path) as reader:
        assert [event[2:] for event in reader.events()] == [tuple(event) for event in events]
        assert [(event.model, event.kind) for event in reader.events(model="b", kind="load")] == [("b", "load")]
        assert [event.at for event in reader.events(limit=1)] == [DAY + 1]
        assert len(list(reader.events(since=DAY + 1, until=DAY + 2))) == 2


def test_models_are_known_since_they_were_first_seen(store: JournalStore, path: Path) -> None:
    """Also those that were loaded and never used, and those that run for the first time."""
    store.write(
        Batch(
            finished=[(1, call(DAY)), (2, call(DAY + 9, outcome="error"))],
            running=[(3, call(DAY + 5, model="wan", outcome=None))],
            events=[EventRow(DAY - 9, "flux", "load", "ok")],
        ),
        0,
    )
    with JournalReader(path) as reader:
        assert reader.models() == [
            ModelUsage("flux", DAY - 9, None, 0, 0, 0),
            ModelUsage("sdxl", DAY, DAY + 9, 2, 1, 1),
            ModelUsage("wan", DAY + 5, DAY + 5, 0, 0, 0),
        ]


def test_sessions_say_who_watched_when(store: JournalStore, path: Path, time: TurnedClock) -> None:
    """And what was lost meanwhile."""
    begin = time.wall
    store.beat(0)
    time.advance(60)
    store.beat(3)
    with JournalReader(path) as reader:
        (session,) = reader.sessions()
    assert (session.pid, session.started_at, session.last_seen_at, session.rows_dropped) == (
        *(os.getpid(), begin),
        *(begin + 60, 3),
    )
    assert session.host


def test_values_of_parameters_are_counted(store: JournalStore, path: Path) -> None:
    """By model and parameter; numbers as JSON writes them; in the days of the window."""
    rows = [
        *[call(DAY, parameters={"steps": 30, "sampler": "euler"})] * 3,
        call(DAY + DAY_SECONDS, parameters={"steps": 30.5, "tiled": True}),
        call(DAY + 2 * DAY_SECONDS, model="wan", parameters={"steps": 30}),
        call(DAY + 3),
    ]
    store.write(finished(*rows), 0)
    with JournalReader(path) as reader:
        assert list(reader.parameters()) == [
            ParameterCount("sdxl", "sampler", "euler", 3),
            ParameterCount("sdxl", "steps", "30", 3),
            ParameterCount("sdxl", "steps", "30.5", 1),
            ParameterCount("sdxl", "tiled", "true", 1),
            ParameterCount("wan", "steps", "30", 1),
        ]
        assert list(reader.parameters("wan")) == [ParameterCount("wan", "steps", "30", 1)]
        assert len(list(reader.parameters(since=DAY + 1, until=DAY + 2 * DAY_SECONDS))) == 2


def test_scores_come_with_what_they_belong_to(store: JournalStore, path: Path) -> None:
    """One record a figure."""
    store.write(
        finished(
            call(DAY, experiment="samplers", variant="B", scores={"clip": 0.31, "aesthetic": 5.5}),
            call(DAY + 1, scores={"clip": 0.2}),
            call(DAY + 2),
        ),
        0,
    )
    with JournalReader(path) as reader:
        assert [record.value for record in reader.scores()] == [0.31, 5.5, 0.2]
        assert list(reader.scores(experiment="samplers", model="sdxl", since=DAY, until=DAY + 1)) == [
            ScoreRecord(DAY, "sdxl", "samplers", "B", "clip", 0.31),
            ScoreRecord(DAY, "sdxl", "samplers", "B", "aesthetic", 5.5),
        ]


def test_a_reader_sees_what_is_written_after_it_was_opened(store: JournalStore, path: Path) -> None:
    """A live page keeps one open."""
    store.write(finished(call(DAY)), 0)
    with JournalReader(path) as reader:
        for number in range(2, 5):
            store.write(finished(call(DAY)), 0)
            assert len(list(reader.calls())) == number
            assert sum(hour.total for hour in reader.hourly()) == number


def test_a_missing_journal_says_how_one_begins(path: Path) -> None:
    """A reader makes no file."""
    with pytest.raises(JournalError, match=r"journal\.db: no such journal; .*GENOTEL_JOURNAL"):
        JournalReader(path)
    assert not path.exists()


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    """Garbage, and the database of another program; both stay as they are."""
    file = tmp_path / "file.db"
    file.write_bytes(b"garbage" * 1000)
    with pytest.raises(JournalError, match=r"file\.db: cannot be read as a journal \(file is not a database\)"):
        JournalReader(file)
    file.unlink()
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE customers (name)")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(JournalError, match="another program"):
        JournalReader(file)
    assert file.read_bytes() == before


def test_damage_that_is_met_while_reading_is_one_line(store: JournalStore, path: Path) -> None:
    """Whichever method meets it."""
    store.write(finished(call(DAY)), 0)
    connection = connect(path)
    connection.execute("ALTER TABLE calls RENAME TO elsewhere")
    connection.close()
    with JournalReader(path) as reader, pytest.raises(JournalError, match="cannot be read as a journal"):
        list(reader.calls())


def test_an_older_journal_is_brought_up_to_date(
    store: JournalStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading yesterday's journal with today's genotel needs no writer to come by first."""
    store.write(finished(call(DAY)), 0)
    store.end(0)
    newer = (*schema.MIGRATIONS, "ALTER TABLE calls ADD COLUMN remark TEXT")
    monkeypatch.setattr(schema, "MIGRATIONS", newer)
    monkeypatch.setattr(schema.prepare, "__defaults__", (newer,))
    monkeypatch.setattr(schema.check, "__defaults__", (newer,))
    with JournalReader(path) as reader:
        assert len(list(reader.calls())) == 1
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(newer),)
    connection.close()


def test_a_journal_that_is_just_begun_is_empty(path: Path) -> None:
    """Its file exists a moment before its tables."""
    path.parent.mkdir()
    path.touch()
    with JournalReader(path) as reader:
        assert list(reader.calls()) == list(reader.hourly()) == list(reader.daily()) == reader.models() == []


def test_a_closed_reader_is_no_longer_a_reason_to_distrust_forks(store: JournalStore, path: Path) -> None:
    """Only a file that is open reaches a child."""
    store.beat(0)
    with JournalReader(path) as reader:
        reader.before_fork()
        assert reader.open_path() == path
        reader.after_fork_in_parent()
        reader.after_fork()
    assert reader.open_path() is None


def test_label_sets_tell_what_calls_were_counted_under(tmp_path):
    """The last used first, those from before a time left out, each once."""
    path = tmp_path / "journal.db"
    writer = JournalWriter(path)
    for number, (model, operation) in enumerate([("a", "chat"), ("b", "chat"), ("a", "chat"), ("a", "embeddings")]):
        writer.start(number, lambda: None)
        writer.finish(number, call(DAY + number, model=model, operation=operation))
    writer.close()
    with JournalReader(path) as reader:
        found = [(known.model, known.operation, known.last_used) for known in reader.label_sets()]
        assert found == [("a", "embeddings", DAY + 3), ("a", "chat", DAY + 2), ("b", "chat", DAY + 1)]
        assert len(reader.label_sets(since=DAY + 2)) == 2
        assert len(reader.label_sets(limit=1)) == 1
