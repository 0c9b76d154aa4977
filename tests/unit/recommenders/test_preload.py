"""Preload advises what is used soon or often, says when and why, and keeps silent where it cannot know."""

from __future__ import annotations

import numpy as np
import pytest

from genotel.history.usage import UsageHistory
from genotel.recommenders.preload import Preload
from genotel.recommenders.recommendation import Priority, Reason
from genotel.recommenders.recommender import Findings
from genotel.settings import AdviceSettings
from histories import EPOCH, history


def findings(known: UsageHistory, **settings: float) -> Findings:
    """Return what the recommender says with these settings."""
    return Preload().recommend(known, AdviceSettings(**settings))


def daily(**more: list[int]) -> UsageHistory:
    """Return thirty days of a model used every noon, and of others."""
    return history({"daily": list(range(30)), **more}, days=30, sizes={"daily": 7e9})


def test_a_model_of_every_day_is_kept_by_the_classic_rule() -> None:
    """One use a day is more than one half; the next one is tomorrow around noon."""
    (entry,) = findings(daily(old=[0])).recommendations
    assert entry.model == "daily"
    assert entry.reason_code is Reason.USED_OFTEN
    assert entry.priority is Priority.HIGH
    assert entry.confidence == pytest.approx(entry.evidence["next_day"], abs=1e-6)
    assert entry.evidence["uses_per_day"] == pytest.approx(1.0, abs=0.01)
    assert entry.evidence["peak_hours"] == "12"
    assert entry.evidence["size_bytes"] == 7_000_000_000
    assert entry.saving.seconds_per_day is None
    assert entry.next_use is not None
    assert abs(entry.next_use - (EPOCH + 30.5 * 86_400)) < 4 * 3600
    assert entry.reason.startswith("Used 1 times a day, the limit is 0.5; within the day with a probability of 0.9")


def test_the_limit_is_a_setting() -> None:
    """At two uses a day, one is too few; what is said of the other models names the reason."""
    told = findings(daily(old=[0]), preload_threshold_frequency=2.0)
    assert not told.recommendations
    assert {entry.model: entry.reason_code for entry in told.withheld} == {
        "daily": Reason.USED_SELDOM,
        "old": Reason.USED_SELDOM,
    }


def test_a_model_in_use_right_now_is_likely_in_the_next_hour() -> None:
    """Used in every hour: the chance of the hour is the confidence, and seconds are saved where loads were measured."""
    known = history({"busy": [0]}, days=10)
    hours = np.arange(10 * 24) + int(EPOCH // 3600)
    table = type(known.hourly).gather(
        np.zeros(len(hours), dtype=np.int64),
        hours,
        requests=np.ones(len(hours), dtype=np.int64),
        loads=np.ones(len(hours), dtype=np.int64),
        timed_loads=np.ones(len(hours), dtype=np.int64),
        load_seconds=np.full(len(hours), 20.0),
    )
    busy = UsageHistory(
        "a test", known.start, known.end, known.models, known.observed, table, known.first_seen,
        np.array([known.end]), known.size_bytes,
    )  # fmt: skip
    (entry,) = findings(busy).recommendations
    assert entry.reason_code is Reason.LIKELY_NEXT_HOUR
    assert entry.confidence == pytest.approx(entry.evidence["next_hour"], abs=1e-6)
    assert entry.evidence["load_seconds"] == 20.0
    # One unbroken run of hours is one load in ten days.
    assert entry.saving.seconds_per_day == pytest.approx(2.0, rel=0.01)
    assert "Most used at" not in entry.reason


def test_a_model_that_was_used_often_and_is_not_any_more_is_left() -> None:
    """Twenty uses long ago are more than one half a day, but none comes soon."""
    told = findings(history({"gone": [1] * 60, "daily": list(range(40))}, days=40))
    assert ("gone", Reason.UNLIKELY_SOON) in [(entry.model, entry.reason_code) for entry in told.withheld]


def test_a_failing_model_is_not_loaded() -> None:
    """Performance tells of it."""
    told = findings(history({"bad": list(range(30))}, days=30, failed={"bad": 30}))
    assert [entry.reason_code for entry in told.withheld] == [Reason.FAILING_BUT_WANTED]


def test_short_and_unwatched_histories_say_nothing() -> None:
    """Each with its reason."""
    assert [entry.reason_code for entry in findings(history({"a": [0]}, days=1)).withheld] == [Reason.HISTORY_TOO_SHORT]
    hidden = history({"a": list(range(30))}, days=30, hidden=[29])
    assert [entry.reason_code for entry in findings(hidden).withheld] == [Reason.OBSERVATION_GAPS]


def test_a_week_is_needed_for_a_high_priority() -> None:
    """However sure it looks after five days."""
    (entry,) = findings(history({"a": list(range(5)), "b": [0]}, days=5)).recommendations
    assert entry.priority is not Priority.HIGH
