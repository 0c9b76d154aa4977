"""What is over a cap counts as other, is counted, and logged once."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from genotel import guard
from genotel.instrumentation import caps


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Begin and end with no known values."""
    caps.reset()
    yield
    caps.reset()


@pytest.mark.parametrize("label", caps.LIMITS)
def test_every_label_is_capped_counted_and_logged_once(label: str, caplog: pytest.LogCaptureFixture) -> None:
    """Values that were there first stay."""
    limit, metric, excess = caps.LIMITS[label]
    assert [caps.capped(label, f"v{number}") for number in range(limit)] == [f"v{number}" for number in range(limit)]
    assert caps.all_dropped() == {}
    assert {caps.capped(label, f"w{number}") for number in range(7)} == {excess}
    assert caps.capped(label, "v0") == "v0"
    assert caps.all_dropped() == {metric: 7}
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        f"genotel: more than {limit} values of {label}; further ones are counted as {label}={excess}"
    )


def test_folding_says_nothing_of_the_measurement() -> None:
    """Calls over a cap are counted where calls are counted."""
    for number in range(60):
        caps.fold("phase", str(number))
    assert caps.all_dropped() == {}


def test_a_value_that_is_called_other_is_not_dropped() -> None:
    """It is what the user said."""
    for number in range(60):
        caps.fold("phase", str(number))
    assert caps.capped("phase", "other") == "other"
    assert caps.all_dropped() == {}


def test_long_values_are_cut() -> None:
    """A text of a megabyte must not be kept."""
    assert caps.fold("phase", "x" * 1_000_000) == "x" * caps.MAX_VALUE_LENGTH


def test_values_that_are_no_texts_become_texts() -> None:
    """An enum or a number as a label."""
    assert caps.fold("phase", 3) == "3"  # type: ignore[arg-type]  # what a user may do


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_under_the_lock_can_go_on() -> None:
    """``reset`` makes a new lock."""
    with caps._lock:
        child = os.fork()
        if child == 0:
            caps.reset()
            caps.drop("m")
            os._exit(caps.all_dropped()["m"] + 6)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert guard.internal_errors() == {}
