"""Performance reports models that fail, and only where that is certain."""

from __future__ import annotations

from genotel.history.usage import UsageHistory, empty_history
from genotel.recommenders.performance import Performance
from genotel.recommenders.recommendation import Priority, Reason
from genotel.recommenders.recommender import Findings
from genotel.settings import AdviceSettings
from histories import history


def findings(known: UsageHistory, **settings: float) -> Findings:
    """Return what the recommender says with these settings."""
    return Performance().recommend(known, AdviceSettings(**settings))


def test_a_model_whose_calls_fail_is_reported_with_its_interval() -> None:
    """114 failures of 114 calls are beyond doubt; the most failed calls come first."""
    known = history(
        {"broken": [29] * 114, "ok": [29] * 50, "shaky": [28] * 30}, days=30, failed={"broken": 114, "shaky": 25}
    )
    told = findings(known)
    assert [entry.model for entry in told.recommendations] == ["broken", "shaky"]
    entry = told.recommendations[0]
    assert entry.kind == "performance"
    assert entry.reason_code is Reason.LOW_SUCCESS
    assert entry.priority is Priority.HIGH
    assert entry.confidence > 0.999
    assert entry.evidence["failed"] == 114
    assert entry.evidence["success_rate_low"] == 0.0
    assert entry.evidence["success_rate_high"] == 0.032599
    assert entry.reason.startswith(
        "114 of 114 calls in the last 7 days failed; the true success rate lies between 0.00"
    )
    assert [(entry.model, entry.reason_code) for entry in told.withheld] == [("ok", Reason.SUCCEEDS)]


def test_few_calls_prove_nothing() -> None:
    """Three failures of three may be bad luck at a limit of one half; four are not."""
    three = findings(history({"a": [29] * 3}, days=30, failed={"a": 3}))
    assert [entry.reason_code for entry in three.withheld] == [Reason.TOO_FEW_CALLS]
    four = findings(history({"a": [29] * 4}, days=30, failed={"a": 4}))
    assert [entry.priority for entry in four.recommendations] == [Priority.HIGH]


def test_only_the_last_days_count() -> None:
    """A fault of three weeks ago is over, unless the window is longer."""
    known = history({"a": [5] * 20 + [29] * 5, "b": [5] * 20}, days=30, failed={"a": 20, "b": 20})
    assert [entry.reason_code for entry in findings(known).withheld] == [Reason.SUCCEEDS, Reason.NOT_ASKED_FOR]
    longer = findings(known, performance_window_days=30.0)
    assert [entry.model for entry in longer.recommendations] == ["b", "a"]


def test_the_limit_is_a_setting() -> None:
    """A quarter of failures is well for one half and bad for nine tenths."""
    known = history({"a": [29] * 40}, days=30, failed={"a": 10})
    assert not findings(known).recommendations
    assert findings(known, min_success=0.9).recommendations


def test_calls_of_unknown_outcome_say_nothing() -> None:
    """Neither a success nor a failure."""
    known = history({"a": [29] * 9}, days=30)
    known.hourly.succeeded[:] = 0
    assert [entry.reason_code for entry in findings(known).withheld] == [Reason.OUTCOMES_UNKNOWN]


def test_nothing_known_is_nothing_said() -> None:
    """An empty history has no models to speak of."""
    assert findings(empty_history("nothing")) == Findings()
