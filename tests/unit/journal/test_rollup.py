"""Sums are what one would count from the rows, whatever the batches."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genotel.journal.connecting import immediate
from genotel.journal.rollup import Rollup
from genotel.journal.rows import KILLED, CallRow, EventRow
from genotel.semconv.attributes import OUTCOMES
from tests.unit.journal.conftest import DAY, HOUR, call


def add(connection: sqlite3.Connection, *batch: CallRow | EventRow) -> None:
    """Roll up one batch."""
    rollup = Rollup()
    for row in batch:
        if isinstance(row, EventRow):
            rollup.add_event(row)
        else:
            rollup.add_call(row)
    with immediate(connection):
        rollup.write(connection)


def hours(connection: sqlite3.Connection, columns: str = "*") -> list[tuple[object, ...]]:
    """Return the hourly sums."""
    return connection.execute(f"SELECT {columns} FROM hourly ORDER BY hour, model, operation").fetchall()


def test_outcomes_are_told_apart(connection: sqlite3.Connection) -> None:
    """Failed is what failed; who gave up did not fail, and who was killed never finished."""
    add(connection, *[call(DAY, outcome=outcome) for outcome in (*OUTCOMES, KILLED)])
    assert hours(connection, "total, ok, failed, killed") == [(5, 1, 2, 1)]
    assert connection.execute("SELECT total, ok, failed, killed FROM daily").fetchall() == [(5, 1, 2, 1)]
    assert connection.execute("SELECT total, ok, failed FROM models").fetchall() == [(5, 1, 2)]


def test_a_call_belongs_to_the_hour_and_the_day_of_its_start(connection: sqlite3.Connection) -> None:
    """Also a moment before midnight."""
    add(connection, call(DAY), call(DAY + HOUR - 1e-3), call(DAY + HOUR), call(DAY + 24 * HOUR - 1e-3))
    assert hours(connection, "hour - ?".replace("?", str(int(DAY)))) == [(0,), (3600,), (23 * 3600,)]
    assert connection.execute("SELECT day, total FROM daily").fetchall() == [(int(DAY), 4)]


def test_times_of_calls_without_a_duration_are_absent(connection: sqlite3.Connection) -> None:
    """An unknown duration is neither 0 nor counted."""
    add(connection, call(DAY, duration_seconds=None))
    assert hours(connection, "timed, total_seconds, min_seconds, max_seconds") == [(0, 0.0, None, None)]
    add(connection, call(DAY, duration_seconds=3.0))
    add(connection, call(DAY, duration_seconds=None), call(DAY, duration_seconds=1.0))
    assert hours(connection, "total, timed, total_seconds, min_seconds, max_seconds") == [(4, 2, 4.0, 1.0, 3.0)]


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -1.0])
def test_a_duration_that_is_none_spoils_no_sum(connection: sqlite3.Connection, seconds: float) -> None:
    """One broken figure must not turn a sum into nothing."""
    add(connection, call(DAY, duration_seconds=seconds), call(DAY, duration_seconds=1.0))
    assert hours(connection, "total, timed, total_seconds") == [(2, 1, 1.0)]


def test_loads_stand_beside_the_calls(connection: sqlite3.Connection) -> None:
    """Loads that failed count apart; other events only make the model known."""
    load = EventRow(DAY, "sdxl", "load", "ok", 12.0)
    add(
        connection,
        *(call(DAY + 1), load, load._replace(duration_seconds=None), load._replace(outcome="error")),
        EventRow(DAY - 9, "flux", "download", "ok", 99.0),
    )
    assert hours(connection, "model, operation, total, loads, load_seconds, load_failures") == [
        ("sdxl", "", 0, 2, 12.0, 1),
        ("sdxl", "generate_content", 1, 0, 0.0, 0),
    ]
    assert connection.execute("SELECT model, first_seen, last_used, total FROM models ORDER BY model").fetchall() == [
        ("flux", DAY - 9, None, 0),
        ("sdxl", DAY, DAY + 1, 1),
    ]
    assert connection.execute("SELECT model FROM daily").fetchall() == [("sdxl",)]


def test_a_call_that_runs_uses_its_model(connection: sqlite3.Connection) -> None:
    """The model is known and was used, though nothing is counted yet."""
    rollup = Rollup()
    rollup.add_start(call(DAY, outcome=None))
    rollup.add_start(call(DAY - 5, outcome=None))
    with immediate(connection):
        rollup.write(connection)
    assert connection.execute("SELECT * FROM models").fetchall() == [("sdxl", DAY - 5, DAY, 0, 0, 0)]
    assert hours(connection) == []


calls = st.builds(
    call,
    at=st.floats(DAY, DAY + 50 * HOUR),
    model=st.sampled_from(["a", "b"]),
    operation=st.sampled_from(["chat", "embeddings"]),
    outcome=st.sampled_from(OUTCOMES),
    duration_seconds=st.none() | st.floats(0, 1e4),
)


@given(st.lists(st.lists(calls, max_size=8), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_sums_equal_what_the_rows_hold(connection: sqlite3.Connection, batches: list[list[CallRow]]) -> None:
    """However the rows are cut into batches."""
    for table in ("hourly", "daily", "models"):
        connection.execute(f"DELETE FROM {table}")
    for batch in batches:
        add(connection, *batch)
    rows = [row for batch in batches for row in batch]
    found = hours(connection, "hour, model, operation, total, ok, timed, total_seconds, min_seconds, max_seconds")
    keys = sorted({(row.started_at // HOUR * HOUR, row.model, row.operation) for row in rows})
    assert [line[:3] for line in found] == keys
    for line in found:
        mine = [row for row in rows if (row.started_at // HOUR * HOUR, row.model, row.operation) == line[:3]]
        assert_counted(line[3:], mine)
    for day, model, *figures in connection.execute("SELECT day, model, total, ok, timed, total_seconds FROM daily"):
        mine = [row for row in rows if (row.started_at // DAY_SECONDS * DAY_SECONDS, row.model) == (day, model)]
        assert_counted(figures, mine)
    for model, first, last, total in connection.execute("SELECT model, first_seen, last_used, total FROM models"):
        starts = [row.started_at for row in rows if row.model == model]
        assert (first, last, total) == (min(starts), max(starts), len(starts))


DAY_SECONDS = 24 * HOUR


def assert_counted(figures: Sequence[object], rows: list[CallRow]) -> None:
    """Compare total, ok, timed, total_seconds and, where given, the extremes with the rows."""
    times = [row.duration_seconds for row in rows if row.duration_seconds is not None]
    expected = [len(rows), sum(row.outcome == "ok" for row in rows), len(times), pytest.approx(sum(times))]
    extremes = [min(times, default=None), max(times, default=None)]
    assert list(figures) == (expected + extremes)[: len(figures)]
