"""Priorities are what their probabilities say."""

from __future__ import annotations

import re

import pytest

from genotel.recommenders.recommendation import Priority, Reason, ReasonCode, priority


@pytest.mark.parametrize(
    ("probability", "is_long", "expected"),
    [
        (1.0, True, Priority.HIGH),
        (0.95, True, Priority.HIGH),
        (0.95, False, Priority.MEDIUM),
        (0.949, True, Priority.MEDIUM),
        (0.8, True, Priority.MEDIUM),
        (0.799, True, Priority.LOW),
        (0.5, False, Priority.LOW),
        (0.499, True, None),
        (0.0, True, None),
    ],
)
def test_a_priority_needs_its_probability(probability: float, is_long: bool, expected: Priority | None) -> None:
    """The limits belong to the higher class; a short history is never high."""
    assert priority(probability, is_history_long_enough=is_long) == expected


def test_ranks_go_up_with_priority() -> None:
    """What sorts and what --fail-on compares."""
    assert [entry.rank for entry in (Priority.LOW, Priority.MEDIUM, Priority.HIGH)] == [1, 2, 3]


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_would_change_it(reason: Reason) -> None:
    """A word for programs and a sentence for people; a reason without the second cannot be written."""
    assert reason == reason.value == str(reason)
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", reason.value)
    assert re.fullmatch(r"[A-Z].*\.", reason.would_change)


def test_a_reason_without_a_sentence_is_none() -> None:
    """It fails where it is written, not where it is read."""
    with pytest.raises(TypeError):
        ReasonCode("Bad", {"SILENT": "silent"})
