"""Unique prompts, peak hours and killed calls are counted once their time is over."""

from __future__ import annotations

from pathlib import Path

import pytest

from genotel.journal import sessions
from genotel.journal.connecting import connect
from genotel.journal.rows import CallRow
from genotel.journal.settling import DELAY_SECONDS, Settler
from genotel.journal.store import Batch, JournalStore
from tests.unit.journal.conftest import DAY, HOUR, TurnedClock, call, finished, query

OVER = DAY + 24 * HOUR + DELAY_SECONDS + 1


def settle(path: Path, now: float, *, limit_seconds: float = 60.0) -> None:
    """Settle everything that is over at ``now``."""
    connection = connect(path)
    settler = Settler(connection, limit_seconds=limit_seconds)
    steps = 0
    while settler.step(now):
        steps += 1
        assert steps < 100
    connection.close()


def prompts(path: Path, table: str) -> list[tuple[int, int]]:
    """Return the unique prompts of a table and whether they are settled."""
    return query(path, f"SELECT unique_prompts, settled FROM {table} ORDER BY 1")


def test_an_hour_is_settled_a_while_after_its_end(store: JournalStore, path: Path) -> None:
    """By then most late calls are in."""
    store.write(finished(*[call(DAY + n, prompt=str(n % 7)) for n in range(20)]), 0)
    settle(path, DAY + HOUR + DELAY_SECONDS)
    assert prompts(path, "hourly") == [(0, 0)]
    settle(path, DAY + HOUR + DELAY_SECONDS + 1)
    assert prompts(path, "hourly") == [(7, 1)]
    assert prompts(path, "daily") == [(0, 0)]


def test_a_day_is_settled_with_its_peak_hour(store: JournalStore, path: Path) -> None:
    """A prompt counts once a day; of two hours with as many calls the earlier is the peak."""
    rows = [call(DAY + hour * HOUR + n, prompt="same") for hour in (9, 15, 3) for n in range(2 if hour == 3 else 4)]
    store.write(finished(*rows, call(DAY + 9 * HOUR, prompt="other")), 0)
    store.write(finished(call(DAY + 15 * HOUR)), 0)
    settle(path, OVER)
    assert query(path, "SELECT unique_prompts, peak_hour, settled FROM daily") == [(2, 9, 1)]


def test_a_late_call_settles_its_hour_again(store: JournalStore, path: Path) -> None:
    """Nothing that was settled is final while rows come in."""
    store.write(finished(call(DAY, prompt="a")), 0)
    settle(path, OVER)
    store.write(finished(call(DAY + 1, prompt="b")), 0)
    assert prompts(path, "hourly") == [(1, 0)]
    settle(path, OVER)
    assert prompts(path, "hourly") == prompts(path, "daily") == [(2, 1)]


def test_what_retention_has_deleted_is_not_forgotten(store: JournalStore, path: Path, time: TurnedClock) -> None:
    """A late call into a day whose rows are gone neither lowers its count nor moves its peak."""
    store.write(finished(*[call(DAY + 5 * HOUR + n, prompt=str(n)) for n in range(5)]), 0)
    settle(path, OVER)
    query_and_commit(path, "DELETE FROM calls", "DELETE FROM hourly")
    store.write(finished(call(DAY + 9 * HOUR, prompt="late")), 0)
    settle(path, OVER)
    assert query(path, "SELECT total, unique_prompts, peak_hour, settled FROM daily") == [(6, 5, 5, 1)]


def query_and_commit(path: Path, *statements: str) -> None:
    """Change a journal behind its back."""
    connection = connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_an_hour_that_would_hold_up_the_writer_is_left_alone(store: JournalStore, path: Path) -> None:
    """It stays unsettled, the others are settled, and readers count it themselves."""
    many = [call(DAY + n / 1000, prompt=str(n)) for n in range(30_000)]
    store.write(finished(*many, call(DAY + HOUR, prompt="few")), 0)
    settle(path, OVER, limit_seconds=-1.0)
    assert prompts(path, "hourly") == [(0, 0), (1, 1)]
    assert prompts(path, "daily") == [(0, 0)]


def test_another_fault_is_not_taken_for_a_time_limit(store: JournalStore, path: Path) -> None:
    """Only an interruption of our own is passed over."""
    store.write(finished(call(DAY, prompt="a")), 0)
    query_and_commit(path, "ALTER TABLE calls RENAME TO elsewhere")
    with pytest.raises(Exception, match="no such table"):
        settle(path, OVER)


def test_running_calls_of_dead_sessions_become_killed(store: JournalStore, path: Path) -> None:
    """They are counted as killed, once, in their own hour; those of the living stay."""
    row = call(DAY, outcome=None, duration_seconds=None, prompt="a")
    store.write(Batch(running=[(number, row) for number in range(2500)]), 0)
    connection = connect(path)
    settler = Settler(connection)
    here = sessions.this_process()
    assert not settler.step_killed(here, DAY)
    connection.execute("UPDATE sessions SET pid_started = 1")
    store.write(Batch(running=[(9999, row)]), 0)
    living = sessions.begin(connection, here, DAY, DAY)
    connection.execute("UPDATE calls SET session = ? WHERE id = (SELECT max(id) FROM calls)", (living,))
    steps = 0
    while settler.step_killed(here, DAY):
        steps += 1
    assert steps == 3
    assert query(path, "SELECT outcome, count(*) FROM calls GROUP BY outcome") == [(None, 1), ("killed", 2500)]
    assert query(path, "SELECT total, killed, settled FROM hourly") == [(0, 2500, 0)]
    assert query(path, "SELECT total, killed FROM daily") == [(0, 2500)]
    connection.close()


def test_silent_processes_elsewhere_are_given_a_day(store: JournalStore, path: Path) -> None:
    """A reader calls them killed after minutes; to settle it for good takes longer."""
    store.write(Batch(running=[(1, CallRow(DAY, "m", "o", "p"))]), 0)
    connection = connect(path)
    connection.execute("UPDATE sessions SET host = 'elsewhere', last_seen_at = ?", (DAY,))
    settler = Settler(connection)
    here = sessions.this_process()
    assert not settler.step_killed(here, DAY + sessions.SETTLE_SECONDS - 1)
    assert settler.step_killed(here, DAY + sessions.SETTLE_SECONDS)
    connection.close()
