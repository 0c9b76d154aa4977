"""Download priorities by use: above one a day, above one in ten days, or less."""

from __future__ import annotations

import pytest

from genotel.recommenders.priority import DownloadPriority, probability_of_rate_below
from genotel.recommenders.recommendation import Priority, Reason
from genotel.settings import AdviceSettings
from histories import history

KNOWN = history({"often": list(range(30)) * 3, "weekly": [1, 8, 15, 22, 29], "once": [0]}, days=30)


def test_every_model_gets_a_priority() -> None:
    """The most used first, with what stands behind it."""
    told = DownloadPriority().recommend(KNOWN, AdviceSettings())
    assert [(entry.model, entry.priority, entry.reason_code) for entry in told.recommendations] == [
        ("often", Priority.HIGH, Reason.USED_OFTEN),
        ("weekly", Priority.MEDIUM, Reason.IN_USE),
        ("once", Priority.LOW, Reason.USED_SELDOM),
    ]
    assert told.withheld == ()
    first = told.recommendations[0]
    assert first.confidence > 0.99
    assert first.reason == "Used 3 times a day over 30 days, above the limit of 1."


def test_the_limits_are_settings() -> None:
    """With others, everything is high or low."""
    high = DownloadPriority().recommend(KNOWN, AdviceSettings(priority_high_uses_per_day=0.01))
    assert {entry.priority for entry in high.recommendations} == {Priority.HIGH}
    low = AdviceSettings(priority_high_uses_per_day=50.0, priority_medium_uses_per_day=40.0)
    assert {entry.priority for entry in DownloadPriority().recommend(KNOWN, low).recommendations} == {Priority.LOW}


def test_hours_are_too_short_and_nothing_watched_says_nothing() -> None:
    """A rate a day needs a day."""
    short = DownloadPriority().recommend(history({"a": [0]}, days=1), AdviceSettings())
    assert [entry.reason_code for entry in short.withheld] == [Reason.HISTORY_TOO_SHORT]
    blind = DownloadPriority().recommend(history({"a": []}, days=9, hidden=range(9)), AdviceSettings())
    assert [entry.reason_code for entry in blind.withheld] == [Reason.OBSERVATION_GAPS]


def test_the_formula_is_near_the_gamma_distribution() -> None:
    """Values of the regularized incomplete gamma function."""
    assert probability_of_rate_below(0.1, 0.0, 30.0) == pytest.approx(0.9857, abs=0.02)
    assert probability_of_rate_below(1.0, 0.0, 1.0) == pytest.approx(0.8427, abs=0.02)
    assert probability_of_rate_below(1.0, 1e6, 30.0) == 0.0
