"""What advice claims, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from genotel.history.hourly import SECONDS_PER_HOUR
from genotel.history.usage import UsageHistory
from genotel.recommenders.publish_claims import Claim, Verdict, claim_of, is_watched, judge
from genotel.recommenders.recommendation import Priority, Reason, Recommendation, Saving
from histories import EPOCH, history

DAY_HOUR = int(EPOCH // SECONDS_PER_HOUR)


def advice(kind: str, reason: Reason, **evidence: float | str | None) -> Recommendation:
    """Return advice about the model that the histories here are about."""
    return Recommendation(
        model="sdxl",
        kind=kind,
        priority=Priority.HIGH,
        confidence=0.9,
        reason_code=reason,
        reason="So.",
        evidence=evidence,
        saving=Saving(bytes=7),
    )


def used(days: list[int], *, until: int, hidden: tuple[int, ...] = ()) -> UsageHistory:
    """Return a history of a model used at noon on some days, and of one that is used daily."""
    return history({"sdxl": days, "other": range(until)}, days=until, hidden=hidden)


def test_cleanup_claims_no_use_within_its_horizon() -> None:
    """In whole hours after the one in which it was said."""
    claim = claim_of(advice("cleanup", Reason.UNUSED, horizon_days=30.0), used([0], until=40))
    assert claim == Claim("cleanup", "sdxl", False, DAY_HOUR + 40 * 24 - 1, 720, 0.9, calls_then=0, bytes=7)


@pytest.mark.parametrize(("reason", "hours"), [(Reason.LIKELY_NEXT_HOUR, 1), (Reason.USED_OFTEN, 24)])
def test_preload_claims_a_use(reason: Reason, hours: int) -> None:
    """Within the hour or within the day, as its reason says."""
    claim = claim_of(advice("preload", reason, load_seconds=20.0), used([39], until=40))
    assert claim is not None
    assert (claim.is_use_expected, claim.hours, claim.load_seconds) == (True, hours, 20.0)


@pytest.mark.parametrize(
    ("kind", "reason", "evidence"),
    [
        ("performance", Reason.LOW_SUCCESS, {}),
        ("priority", Reason.USED_OFTEN, {}),
        ("cleanup", Reason.UNUSED, {}),
        ("cleanup", Reason.UNUSED, {"horizon_days": "many"}),
        ("cleanup", Reason.UNUSED, {"horizon_days": 0.0}),
    ],
)
def test_what_says_nothing_about_the_future_claims_nothing(
    kind: str, reason: Reason, evidence: dict[str, float | str | None]
) -> None:
    """A broken model, a priority, or a horizon that nobody knows."""
    assert claim_of(advice(kind, reason, **evidence), used([0], until=40)) is None


NO_USE = Claim("cleanup", "sdxl", False, DAY_HOUR + 10 * 24 - 1, 72, 0.9, bytes=7)
USE = Claim("preload", "sdxl", True, DAY_HOUR + 10 * 24 - 1, 24, 0.9, load_seconds=20.0)


@pytest.mark.parametrize(
    ("claim", "known", "verdict"),
    [
        (NO_USE, used([0], until=12), None),
        (NO_USE, used([0, 11], until=12), None),
        (NO_USE, used([0], until=14), Verdict("right", bytes=7)),
        (NO_USE, used([0, 12], until=14), Verdict("wrong")),
        (NO_USE, used([0, 13], until=15), Verdict("right", bytes=7)),
        (NO_USE, used([0], until=14, hidden=(11,)), Verdict("expired")),
        (NO_USE, used([0, 12], until=14, hidden=(11,)), Verdict("wrong")),
        (NO_USE, history({"other": [0]}, days=14), Verdict("right", bytes=7)),
        (USE, used([0, 10], until=12), Verdict("right", seconds=20.0)),
        (USE, used([0], until=12), Verdict("wrong")),
        (USE, used([0], until=12, hidden=(10,)), Verdict("expired")),
        (replace(USE, hours=72), used([10, 11, 12], until=14), Verdict("right", seconds=60.0)),
        (replace(USE, load_seconds=None), used([10], until=14), Verdict("right")),
        (replace(NO_USE, hour=DAY_HOUR - 50), used([], until=14), Verdict("expired")),
    ],
)
def test_a_claim_is_judged_when_its_time_is_over(claim: Claim, known: UsageHistory, verdict: Verdict | None) -> None:
    """Not before, and by what was seen: a use is one whoever else looked away, silence needs to be watched."""
    assert judge(claim, known) == verdict


def test_a_use_in_the_hour_of_the_claim_counts_if_it_came_after_it() -> None:
    """Calls that were known already are no sign of life."""
    noon = DAY_HOUR + 10 * 24 + 12
    known = used([10, 10], until=14)
    assert judge(replace(NO_USE, hour=noon, hours=24, calls_then=2), known) == Verdict("right", bytes=7)
    assert judge(replace(NO_USE, hour=noon, hours=24, calls_then=1), known) == Verdict("wrong")


def test_hours_that_the_history_does_not_hold_were_not_watched() -> None:
    """Before its begin and after its end."""
    known = used([0], until=2)
    assert is_watched(known, DAY_HOUR, DAY_HOUR + 47)
    assert not is_watched(known, DAY_HOUR - 1, DAY_HOUR)
    assert not is_watched(known, DAY_HOUR, DAY_HOUR + 48)
