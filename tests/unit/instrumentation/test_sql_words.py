"""Of a statement only the first word is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.instrumentation.sql_words import operation_of
from genotel.semconv import attributes as a


@pytest.mark.parametrize(
    ("statement", "operation"),
    [
        ("SELECT 1", "SELECT"),
        ("\n  select\t1", "SELECT"),
        ("((SELECT 1) UNION SELECT 2)", "SELECT"),
        ("-- all of them\nDELETE FROM t", "DELETE"),
        ("/* a 'note' */ /* and\nmore */ insert into t values (1)", "INSERT"),
        ("WITH t AS (SELECT 1) SELECT * FROM t", "WITH"),
        ("PRAGMA journal_mode", "PRAGMA"),
        ("SELECTED", "other"),
        ("EXEC sp_who", "other"),
        ("'password'", "other"),
        ("/* without an end SELECT", "other"),
        ("-- without an end", "other"),
        ("", "other"),
        ("/* " + "long " * 1000 + "*/ SELECT 1", "other"),
    ],
)
def test_the_first_word_is_found(statement: str, operation: str) -> None:
    """Behind blanks, brackets and comments; what is not known is other."""
    assert operation_of(statement) == operation


@given(st.text())
def test_whatever_is_executed_the_answer_is_of_the_closed_set(statement: str) -> None:
    """No text of a user's gets out."""
    assert operation_of(statement) in a.DATABASE_OPERATIONS


def test_it_takes_linear_time() -> None:
    """A statement of a megabyte that never comes to a word."""
    assert operation_of("(/*" * 500_000) == "other"
