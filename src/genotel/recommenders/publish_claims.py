"""What a piece of advice claims about the time to come, and what became of the claim once that has passed.

The history knows clock hours, so a claim speaks of the whole hours after the one in which it was made. It is
judged at its end and not before, right or wrong: what shows early would otherwise count more often.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from genotel.history.hourly import HOURS_PER_DAY, SECONDS_PER_HOUR
from genotel.history.usage import UsageHistory
from genotel.recommenders.recommendation import Reason, ReasonCode, Recommendation
from genotel.semconv.attributes import RESULT_EXPIRED, RESULT_RIGHT, RESULT_WRONG

# Advice of other kinds (a model fails, is slow) says how things are, not what will come.
_CLAIMS_NO_USE: frozenset[ReasonCode] = frozenset(
    {Reason.UNUSED, Reason.NEVER_USED, Reason.RARELY_USED, Reason.UNLIKELY_TO_BE_USED}
)
_CLAIMS_USE: dict[tuple[str, ReasonCode], int] = {
    ("preload", Reason.LIKELY_NEXT_HOUR): 1,
    ("preload", Reason.USED_OFTEN): HOURS_PER_DAY,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold what a piece of advice claims.

    Attributes:
        kind, model: of the advice.
        is_use_expected: whether a use is claimed, or that there is none.
        hour: clock hour since the Unix epoch in which it was made.
        hours: how many clock hours after that one it speaks of.
        confidence: the probability that it was made with.
        calls_then: calls of the model in ``hour`` that were known already.
        bytes: what would be freed.
        load_seconds: what a load takes.
    """

    kind: str
    model: str
    is_use_expected: bool
    hour: int
    hours: int
    confidence: float
    calls_then: int = 0
    bytes: float | None = None
    load_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Hold what became of a claim: right, wrong or expired, and the bytes and seconds that it was worth."""

    result: str
    bytes: float = 0.0
    seconds: float = 0.0


def claim_of(entry: Recommendation, history: UsageHistory) -> Claim | None:
    """Return what a piece of advice from a history claims; None where it claims nothing about the future."""
    hours = _CLAIMS_USE.get((entry.kind, entry.reason_code))
    is_use_expected = hours is not None
    if hours is None and entry.reason_code in _CLAIMS_NO_USE:
        days = entry.evidence.get("horizon_days")
        hours = round(days * HOURS_PER_DAY) if isinstance(days, int | float) else None
    if not hours:
        return None
    load = entry.evidence.get("load_seconds")
    hour = int(history.end // SECONDS_PER_HOUR)
    return Claim(
        kind=entry.kind,
        model=entry.model,
        is_use_expected=is_use_expected,
        hour=hour,
        hours=hours,
        confidence=entry.confidence,
        calls_then=sum(calls for at, calls in calls_by_hour(history, entry.model, hour, hour)),
        bytes=entry.saving.bytes,
        load_seconds=float(load) if isinstance(load, int | float) else None,
    )


def judge(claim: Claim, history: UsageHistory) -> Verdict | None:
    """Return what became of a claim by a later history; None while its time is not over.

    A claim of no use that nobody could have seen broken, and one of a use that may have gone unseen,
    expire: they are counted, and prove nothing.
    """
    last = claim.hour + claim.hours
    # The hour in which the history ends is not over.
    if last >= int(history.end // SECONDS_PER_HOUR):
        return None
    hours = [at for at, calls in calls_by_hour(history, claim.model, claim.hour + 1, last) if calls]
    is_used = bool(hours)
    if not claim.is_use_expected:
        now = sum(calls for _, calls in calls_by_hour(history, claim.model, claim.hour, claim.hour))
        is_used = is_used or now > claim.calls_then
    if not is_used and not is_watched(history, claim.hour + 1, last):
        return Verdict(RESULT_EXPIRED)
    if is_used is not claim.is_use_expected:
        return Verdict(RESULT_WRONG)
    if not claim.is_use_expected:
        return Verdict(RESULT_RIGHT, bytes=claim.bytes or 0.0)
    # Unloaded in between, it would have been loaded for each run of hours with a use.
    runs = sum(1 for before, at in zip([-9, *hours], hours, strict=False) if at - before > 1)
    return Verdict(RESULT_RIGHT, seconds=runs * (claim.load_seconds or 0.0))


def calls_by_hour(history: UsageHistory, model: str, first: int, last: int) -> list[tuple[int, int]]:
    """Return (hour, calls) of a model for the hours from ``first`` to ``last`` that have a row, in order."""
    # Models are sorted, and there may be ten thousand of them.
    index = bisect_left(history.models, model)
    if index == len(history.models) or history.models[index] != model:
        return []
    table = history.hourly
    begin, end = np.searchsorted(table.model, (index, index + 1)).tolist()
    low, high = np.searchsorted(table.hour[begin:end], (first, last + 1)).tolist()
    rows = slice(begin + low, begin + high)
    return list(zip(table.hour[rows].tolist(), table.requests[rows].tolist(), strict=True))


def is_watched(history: UsageHistory, first: int, last: int) -> bool:
    """Return whether every use in the hours from ``first`` to ``last`` would have been seen."""
    begin = first - history.first_hour
    end = last + 1 - history.first_hour
    return begin >= 0 and end <= len(history.observed) and bool(history.observed[begin:end].all())
