"""The records keep to their words."""

from __future__ import annotations

from genotel.journal.encoding import CALL_COLUMNS
from genotel.journal.rows import KILLED, CallRecord, CallRow
from genotel.semconv.attributes import OUTCOMES


def test_a_call_comes_out_in_the_order_in_which_it_is_stored() -> None:
    """A record is its id and the columns of the table."""
    assert CallRecord._fields == ("id", *CALL_COLUMNS)


def test_a_call_goes_in_with_everything_but_the_session_and_the_hash() -> None:
    """What the program hands over and what is stored differ in the prompt only."""
    assert set(CallRow._fields) - set(CALL_COLUMNS) == {"prompt"}
    assert set(CALL_COLUMNS) - set(CallRow._fields) == {"session", "prompt_hash"}


def test_killed_is_no_outcome_that_a_process_could_count() -> None:
    """A process that was killed counts nothing any more."""
    assert KILLED not in OUTCOMES
