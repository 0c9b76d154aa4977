"""Parameters are counted by the day, and what never repeats is bounded."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from genotel.journal.connecting import connect
from genotel.journal.parameter_counts import MAX_VALUES, ParameterCounts
from genotel.journal.rows import EventRow
from genotel.journal.store import Batch, JournalStore
from tests.unit.journal.conftest import DAY, HOUR, call, finished, query


def test_equal_values_of_a_day_are_one_row(store: JournalStore, path: Path) -> None:
    """In one batch and in several; a text and a number that look alike are counted together."""
    for _ in range(2):
        rows = [call(DAY + hour * HOUR, parameters={"steps": 30}) for hour in (0, 23, 24)]
        store.write(finished(*rows, call(DAY, parameters={"steps": "30"})), 0)
    assert query(path, "SELECT day, value, calls FROM parameters ORDER BY day") == [
        (DAY, "30", 6),
        (DAY + 24 * HOUR, "30", 2),
    ]


def test_parameters_that_never_repeat_are_counted_as_other(store: JournalStore, path: Path) -> None:
    """Also by the next process, which learns from the file what is known."""
    store.write(finished(*[call(DAY, parameters={"seed": number}) for number in range(MAX_VALUES + 50)]), 0)
    connection = connect(path)
    other = ParameterCounts()
    for seed in (5, MAX_VALUES + 60):
        other.add(DAY, "sdxl", f'{{"seed":{seed}}}')
    other.write(connection)
    connection.close()
    assert query(path, "SELECT count(*) FROM parameters") == [(MAX_VALUES + 1,)]
    assert query(path, "SELECT calls FROM parameters WHERE value IN ('5', 'other') ORDER BY value") == [(2,), (51,)]


def test_a_batch_that_fails_is_not_counted_twice(store: JournalStore, path: Path) -> None:
    """It is written again, with its counts."""
    row = call(DAY, parameters={"steps": 30})
    with pytest.raises(sqlite3.IntegrityError):
        store.write(Batch(finished=[(1, row)], events=[EventRow(DAY, "m", "load", None)]), 0)  # type: ignore[arg-type]  # on purpose
    store.write(finished(row), 0)
    assert query(path, "SELECT calls FROM parameters") == [(1,)]
