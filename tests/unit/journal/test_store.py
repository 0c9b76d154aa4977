"""A batch is one transaction: rows, sums and heartbeat together, or nothing."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from genotel.errors import JournalError
from genotel.journal import location
from genotel.journal.connecting import connect
from genotel.journal.rows import EventRow, WatchRow
from genotel.journal.store import Batch, JournalStore
from tests.unit.journal.conftest import DAY, HOUR, TurnedClock, call, finished, query


def test_no_byte_of_a_prompt_reaches_the_disk(store: JournalStore, path: Path) -> None:
    """Neither of a finished call nor of a running one, in no file; nor of a long parameter."""
    row = call(DAY, prompt="a secret cat", parameters={"steps": 3, "negative": "no secret dogs " * 10})
    store.write(Batch(finished=[(1, row)], running=[(2, row._replace(outcome=None))]), 0)
    files = list(path.parent.iterdir())
    assert len(files) == 3
    assert not any(b"secret" in file.read_bytes() for file in files)
    assert query(path, "SELECT count(DISTINCT prompt_hash) FROM calls") == [(1,)]


def test_many_calls_are_written_in_their_order(store: JournalStore, path: Path) -> None:
    """More than one statement takes, with a rest."""
    store.write(finished(*[call(DAY + n, steps=n) for n in range(123)]), 0)
    assert query(path, "SELECT steps FROM calls ORDER BY id") == [(n,) for n in range(123)]
    assert query(path, "SELECT total FROM hourly") == [(123,)]


def test_a_running_call_is_completed_in_its_own_row(store: JournalStore, path: Path) -> None:
    """It is counted when it ends, not before."""
    store.write(Batch(running=[(5, call(DAY, outcome=None)), (6, call(DAY, outcome=None))]), 0)
    assert query(path, "SELECT count(*) FROM hourly") == [(0,)]
    store.write(Batch(finished=[(5, call(DAY)), (7, call(DAY))]), 0)
    assert query(path, "SELECT id, outcome FROM calls ORDER BY id") == [(1, "ok"), (2, None), (3, "ok")]
    assert query(path, "SELECT total FROM hourly") == [(2,)]
    assert set(store.running) == {6}


def test_a_call_whose_row_is_gone_gets_another(store: JournalStore, path: Path) -> None:
    """Retention or another process may have taken it."""
    store.write(Batch(running=[(5, call(DAY, outcome=None))]), 0)
    connection = connect(path)
    connection.execute("DELETE FROM calls")
    connection.close()
    store.write(Batch(finished=[(5, call(DAY))]), 0)
    assert query(path, "SELECT outcome FROM calls") == [("ok",)]


def test_a_row_that_was_settled_as_killed_is_not_overwritten(store: JournalStore, path: Path) -> None:
    """A machine that slept for days finds its calls written off; both facts stay."""
    store.write(Batch(running=[(5, call(DAY, outcome=None))]), 0)
    connection = connect(path)
    connection.execute("UPDATE calls SET outcome = 'killed'")
    connection.close()
    store.write(Batch(finished=[(5, call(DAY))]), 0)
    assert query(path, "SELECT outcome FROM calls ORDER BY id") == [("killed",), ("ok",)]


def test_a_running_call_that_is_forgotten_loses_its_row(store: JournalStore, path: Path) -> None:
    """Its end was dropped and counted: nobody will ever complete it."""
    store.write(Batch(running=[(5, call(DAY, outcome=None)), (6, call(DAY, outcome=None))]), 0)
    store.write(Batch(forgotten=[5, 99]), 0)
    assert query(path, "SELECT id FROM calls") == [(2,)]
    assert set(store.running) == {6}


def test_a_batch_that_fails_leaves_nothing(store: JournalStore, path: Path) -> None:
    """Neither rows nor sums nor what is known of running calls."""
    store.write(Batch(running=[(5, call(DAY, outcome=None))]), 0)
    broken = EventRow(DAY, "m", "load", None)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(sqlite3.IntegrityError):
        store.write(Batch(finished=[(5, call(DAY)), (6, call(DAY))], events=[broken]), 0)
    assert query(path, "SELECT outcome FROM calls") == [(None,)]
    assert query(path, "SELECT count(*) FROM hourly") == [(0,)]
    assert set(store.running) == {5}


def test_every_batch_is_a_heartbeat(store: JournalStore, path: Path, time: TurnedClock) -> None:
    """One session, seen until now, with what it lost."""
    begin = time.wall
    for dropped in (0, 2, 3):
        time.advance(60)
        store.write(finished(call(time.wall)), dropped)
    store.beat(4)
    assert query(
        path, "SELECT started_at - ?, last_seen_at - ?, rows_dropped, closed_at FROM sessions", begin, begin
    ) == [(0.0, 180.0, 4, None)]


@pytest.mark.parametrize("jump", [400.0, 86_400.0, -61.0, -86_400.0])
def test_time_that_nobody_saw_ends_the_session(store: JournalStore, path: Path, time: TurnedClock, jump: float) -> None:
    """A suspended machine and a jump of the clock, either way, claim no watching."""
    begin = time.wall
    store.beat(0)
    time.wall += jump
    store.beat(0)
    assert query(path, "SELECT started_at, last_seen_at FROM sessions ORDER BY id") == [
        (begin, begin),
        (begin + jump, begin + jump),
    ]


def test_a_session_tells_what_was_lost_in_it(store: JournalStore, path: Path, time: TurnedClock) -> None:
    """From its first row on, and not what an earlier one has told."""
    store.beat(2)
    store.beat(5)
    time.advance(86_400)
    store.beat(6)
    store.end(9)
    assert query(path, "SELECT rows_dropped FROM sessions ORDER BY id") == [(5,), (4,)]


def test_a_clock_that_is_corrected_a_little_keeps_the_session(
    store: JournalStore, path: Path, time: TurnedClock
) -> None:
    """Time servers move clocks all the time."""
    for jump in (0.0, -2.0, 200.0):
        time.wall += jump
        store.beat(0)
    assert query(path, "SELECT count(*) FROM sessions") == [(1,)]


def test_imported_watches_are_closed_sessions(store: JournalStore, path: Path) -> None:
    """They neither live nor die."""
    store.write(Batch(watches=[WatchRow(DAY - HOUR, DAY)]), 0)
    assert query(path, "SELECT started_at, last_seen_at, closed_at FROM sessions WHERE started_at < ?", DAY) == [
        (DAY - HOUR, DAY, DAY)
    ]


def test_a_file_that_was_removed_is_begun_again(store: JournalStore, path: Path, time: TurnedClock) -> None:
    """Rows do not go into a file without a name; the new one knows nothing of before."""
    store.write(Batch(running=[(5, call(DAY, outcome=None))]), 0)
    for file in path.parent.iterdir():
        file.unlink()
    time.advance(30)
    store.write(Batch(finished=[(5, call(DAY)), (6, call(DAY))]), 0)
    assert query(path, "SELECT outcome FROM calls") == [("ok",), ("ok",)]
    assert query(path, "SELECT started_at FROM sessions") == [(time.wall,)]


def test_a_file_that_was_closed_is_opened_again(store: JournalStore, path: Path) -> None:
    """As around a fork: same session, same running calls."""
    store.write(Batch(running=[(5, call(DAY, outcome=None))]), 0)
    store.disconnect()
    assert not store.is_connected
    store.write(Batch(finished=[(5, call(DAY))]), 0)
    assert query(path, "SELECT outcome, session FROM calls") == [("ok", 1)]


def test_the_end_closes_session_and_log(store: JournalStore, path: Path, time: TurnedClock) -> None:
    """Everything is in the one file then; ending twice is harmless."""
    store.write(finished(call(DAY)), 0)
    time.advance(5)
    store.end(2)
    store.end(3)
    assert os.listdir(path.parent) == [path.name]
    assert query(path, "SELECT closed_at, last_seen_at, rows_dropped FROM sessions") == [(time.wall, time.wall, 2)]


def test_an_end_without_a_session_closes_the_file(store: JournalStore, path: Path) -> None:
    """Maintenance alone begins none."""
    assert not store.maintain()
    store.end(0)
    assert query(path, "SELECT count(*) FROM sessions") == [(0,)]


def test_a_foreign_file_is_not_left_open(path: Path, store: JournalStore) -> None:
    """The connection is closed before the error goes on (a leak would be a warning here)."""
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (name)")
    connection.close()
    with pytest.raises(JournalError, match="another program"):
        store.beat(0)


def test_a_corrupt_file_is_set_aside_by_the_first_that_finds_out(store: JournalStore, path: Path) -> None:
    """Who comes second must not set the fresh file aside."""
    store.write(finished(call(DAY)), 0)
    location.set_aside(path, DAY)
    location.make_private(path)
    assert store.set_aside() is None
    store.write(finished(call(DAY)), 0)
    assert store.set_aside() is not None
    assert not path.exists()


def test_retention_follows_the_older_of_two_clocks(store: JournalStore, path: Path, time: TurnedClock) -> None:
    """A clock that jumps forwards by years deletes nothing; days that really passed do."""
    store.write(finished(call(time.wall)), 0)
    time.wall += 3650 * 86_400
    while store.maintain():
        pass
    assert query(path, "SELECT count(*) FROM calls") == [(1,)]
    time.monotonic += 91 * 86_400
    while store.maintain():
        pass
    assert query(path, "SELECT count(*) FROM calls") == [(0,)]
    assert query(path, "SELECT total FROM daily") == [(1,)]
