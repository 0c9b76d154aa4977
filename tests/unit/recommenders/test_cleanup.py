"""Cleanup says what can go, why, and why not."""

from __future__ import annotations

import numpy as np
import pytest

from genotel.history.hourly import Floats
from genotel.history.usage import UsageHistory
from genotel.recommenders.cleanup import Cleanup
from genotel.recommenders.recommendation import Priority, Reason, Recommendation
from genotel.settings import AdviceSettings
from histories import history

DAILY = list(range(60))


def sure(*probabilities: float) -> Cleanup:
    """Return cleanup with an engine that always says this, model by model."""

    def likelihood(known: UsageHistory, horizon_days: float) -> Floats:
        return np.array(probabilities)

    return Cleanup(likelihood=likelihood)


def advice(known: UsageHistory, cleanup: Cleanup | None = None, **settings: float) -> dict[str, Recommendation]:
    """Return the advice by model."""
    findings = (cleanup or Cleanup()).recommend(known, AdviceSettings(**settings))
    return {entry.model: entry for entry in findings.recommendations}


def withheld(known: UsageHistory, cleanup: Cleanup | None = None, **settings: float) -> dict[str, Reason]:
    """Return the reasons why there is no advice, by model."""
    findings = (cleanup or Cleanup()).recommend(known, AdviceSettings(**settings))
    return {entry.model: entry.reason_code for entry in findings.withheld}


def test_a_model_that_fell_silent_is_advised_with_its_evidence() -> None:
    """Idle for longer than the limit; everything that was used goes on being used."""
    known = history({"busy": DAILY, "dead": [0, 1, 2]}, days=60, sizes={"dead": 7e9})
    told = advice(known)
    assert list(told) == ["dead"]
    entry = told["dead"]
    assert entry.kind == "cleanup"
    assert entry.reason_code == Reason.UNUSED
    assert 0.5 <= entry.confidence < 0.95
    assert entry.priority is Priority.LOW
    assert entry.saving.bytes == 7_000_000_000
    assert entry.saving.seconds_per_day is None
    assert entry.evidence["requests"] == 3
    assert entry.evidence["idle_days"] == pytest.approx(57.5, abs=0.001)
    assert entry.evidence["horizon_days"] == 30.0
    assert entry.reason.startswith("Not used for 57.5 days, the limit is 30. The probability of no use in the next 30")
    assert withheld(known) == {"busy": Reason.IN_USE}


def test_a_model_that_was_never_used_since_it_came_says_so() -> None:
    """Only where its whole life was watched."""
    seen_later = history({"a": DAILY, "new": []}, days=60, first_seen={"new": 10})
    assert advice(seen_later)["new"].reason_code == Reason.NEVER_USED
    assert advice(seen_later)["new"].reason.startswith("Never used in the 50.0 days that it was watched.")
    assert advice(seen_later)["new"].evidence["last_used"] is None
    assert advice(seen_later)["new"].saving.bytes is None
    there_before = history({"a": DAILY, "new": []}, days=60)
    assert advice(there_before)["new"].reason_code == Reason.UNUSED
    with_a_gap = history({"a": DAILY, "new": []}, days=60, first_seen={"new": 10}, hidden=[20])
    assert advice(with_a_gap)["new"].reason_code == Reason.UNUSED


def test_fifteen_days_of_history_never_say_thirty_days_or_never() -> None:
    """No claim reaches beyond what was observed, and the priority stays below high."""
    known = history({"a": list(range(15)), "gone": [0], "old": []}, days=15)
    told = advice(known, sure(0.0, 0.99, 0.99))
    assert set(told) == {"gone", "old"}
    for entry in told.values():
        assert entry.priority is Priority.MEDIUM
        assert entry.reason_code in {Reason.UNLIKELY_TO_BE_USED, Reason.RARELY_USED}
        assert entry.evidence["horizon_days"] == 15.0
        assert "30" not in entry.reason
        assert "never" not in entry.reason.lower()


def test_rare_use_is_a_reason_only_after_enough_days() -> None:
    """Less than one use in ten days shows after ten days."""
    told = advice(history({"a": [1, 59], "b": [55]}, days=60), sure(0.9, 0.9))
    assert told["a"].reason_code == Reason.RARELY_USED
    assert told["a"].reason.startswith("Used 0.034 times a day, the limit is 0.1; idle for 0.5 days.")
    assert told["b"].reason_code == Reason.UNLIKELY_TO_BE_USED
    often = advice(history({"a": [1, 59], "b": [55]}, days=60), sure(0.9, 0.9), min_uses_per_day=0.01)
    assert often["a"].reason_code == Reason.UNLIKELY_TO_BE_USED


def test_the_threshold_moves_horizon_and_reason() -> None:
    """A shorter limit is reached sooner and asks about fewer days."""
    known = history({"a": DAILY, "dead": list(range(40))}, days=60)
    assert advice(known, sure(0.0, 0.9))["dead"].reason_code == Reason.UNLIKELY_TO_BE_USED
    sooner = advice(known, sure(0.0, 0.9), cleanup_threshold_days=14.0)["dead"]
    assert sooner.reason_code == Reason.UNUSED
    assert sooner.evidence["horizon_days"] == 14.0


def test_high_needs_a_history_as_long_as_the_limit() -> None:
    """The same probability is medium on a history that is shorter."""
    known = history({"a": [0]}, days=40)
    assert advice(known, sure(0.97))["a"].priority is Priority.HIGH
    assert advice(known, sure(0.97), cleanup_threshold_days=50.0)["a"].priority is Priority.MEDIUM


def test_what_is_kept_says_why() -> None:
    """Every model without advice has its reason."""
    uses = {"fails": DAILY, "rare": [5, 59], "returns": [0, 20], "used": DAILY}
    known = history(uses, days=60, failed={"fails": 40})
    assert withheld(known, sure(0.1, 0.1, 0.1, 0.1)) == {
        "fails": Reason.FAILING_BUT_WANTED,
        "rare": Reason.LIKELY_TO_BE_USED,
        "returns": Reason.LIKELY_TO_BE_USED,
        "used": Reason.IN_USE,
    }
    assert withheld(known, sure(0.1, 0.1, 0.1, 0.1), min_success=0.2)["fails"] == Reason.IN_USE


def test_a_failing_model_that_nobody_asks_for_may_go() -> None:
    """Failing protects a model only as long as it is wanted."""
    known = history({"a": DAILY, "dead": [0, 1]}, days=60, failed={"dead": 2})
    assert advice(known)["dead"].reason_code == Reason.UNUSED


def test_a_day_that_nobody_watched_withholds_what_it_may_hide() -> None:
    """Yesterday's use may have gone unseen: the model is kept, and the reason says so."""
    known = history({"a": DAILY, "dead": [0]}, days=60, hidden=[58])
    assert withheld(known) == {"a": Reason.IN_USE, "dead": Reason.UNOBSERVED_USE_POSSIBLE}


def test_many_unwatched_days_withhold_everything() -> None:
    """Below 95 % of observed hours nothing is said."""
    known = history({"a": DAILY, "dead": [0]}, days=60, hidden=[3, 4, 5, 6])
    assert withheld(known, sure(0.99, 0.99)) == {"a": Reason.OBSERVATION_GAPS, "dead": Reason.OBSERVATION_GAPS}


def test_a_week_must_have_passed() -> None:
    """Before that nobody knows the week-end."""
    assert withheld(history({"a": [0]}, days=6), sure(0.99)) == {"a": Reason.HISTORY_TOO_SHORT}
    assert withheld(history({"a": [0]}, days=8), sure(0.2)) == {"a": Reason.IN_USE}


def test_advice_comes_by_priority_and_then_by_expected_bytes() -> None:
    """Large and sure before small or doubtful; what has no size comes last."""
    known = history({name: [0] for name in "abcd"}, days=60, sizes={"a": 1e9, "b": 5e9, "c": 9e9})
    assert list(advice(known, sure(0.99, 0.98, 0.6, 0.97))) == ["b", "a", "d", "c"]


def test_what_must_be_fetched_again_counts_against_deleting() -> None:
    """Bytes times P, less the size and the wait times 1 - P; unknown where the size is."""
    known = history({"large": [0], "small": [0], "unsized": [0]}, days=60, sizes={"large": 100.0, "small": 10.0})
    found = advice(known, sure(0.6, 0.9, 0.9))
    assert found["large"].evidence["expected_bytes"] == round(100 * 0.6 - 100 * 0.4)
    assert found["small"].evidence["expected_bytes"] == round(10 * 0.9 - 10 * 0.1)
    assert found["unsized"].evidence["expected_bytes"] is None
