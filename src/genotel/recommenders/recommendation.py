"""The values that advice is made of: a recommendation, and the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Priority(StrEnum):
    """Say how sure the advice is and so how soon it is worth acting on."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """Return 3 for high, 2 for medium, 1 for low."""
        return {"high": 3, "medium": 2, "low": 1}[self.value]


# What the probability must reach; high also needs a history as long as the claim.
HIGH_PROBABILITY = 0.95
MEDIUM_PROBABILITY = 0.8
LOW_PROBABILITY = 0.5


class Reason(StrEnum):
    """Name why something is advised (first four of cleanup, then performance) or is not."""

    UNUSED = "unused"
    NEVER_USED = "never_used"
    RARELY_USED = "rarely_used"
    UNLIKELY_TO_BE_USED = "unlikely_to_be_used"
    LOW_SUCCESS = "low_success"
    LIKELY_NEXT_HOUR = "likely_next_hour"
    USED_OFTEN = "used_often"

    HISTORY_TOO_SHORT = "history_too_short"
    OBSERVATION_GAPS = "observation_gaps"
    UNOBSERVED_USE_POSSIBLE = "unobserved_use_possible"
    FAILING_BUT_WANTED = "failing_but_wanted"
    LIKELY_TO_BE_USED = "likely_to_be_used"
    IN_USE = "in_use"
    TOO_FEW_CALLS = "too_few_calls"
    OUTCOMES_UNKNOWN = "outcomes_unknown"
    NOT_ASKED_FOR = "not_asked_for"
    SUCCEEDS = "succeeds"
    UNLIKELY_SOON = "unlikely_soon"
    USED_SELDOM = "used_seldom"


@dataclass(frozen=True, slots=True)
class Saving:
    """Say what following the advice gives back; None is unknown."""

    bytes: int | None = None
    seconds_per_day: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """Hold one piece of advice.

    Attributes:
        model: what it is about.
        kind: cleanup, performance, …: the recommender that gave it.
        priority: from ``confidence`` and the length of the history.
        confidence: the probability that the advice is right, 0–1.
        reason_code: why, for programs.
        reason: why, in a sentence with its figures.
        evidence: the figures behind it by name, in base units and days.
        saving: what following it gives back.
        next_use: Unix time at which the next use is expected, where the kind says so.
    """

    model: str
    kind: str
    priority: Priority
    confidence: float
    reason_code: Reason
    reason: str
    evidence: Mapping[str, float | int | str | None]
    saving: Saving = field(default_factory=Saving)
    next_use: float | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """Say why a kind has no advice about a model."""

    model: str
    kind: str
    reason_code: Reason


def priority(probability: float, *, is_history_long_enough: bool) -> Priority | None:
    """Return the priority of advice that is right with a probability; None where it is not worth giving.

    Example:
        >>> priority(0.97, is_history_long_enough=True), priority(0.97, is_history_long_enough=False)
        (<Priority.HIGH: 'high'>, <Priority.MEDIUM: 'medium'>)
        >>> priority(0.4, is_history_long_enough=True) is None
        True
    """
    if probability >= HIGH_PROBABILITY and is_history_long_enough:
        return Priority.HIGH
    if probability >= MEDIUM_PROBABILITY:
        return Priority.MEDIUM
    return Priority.LOW if probability >= LOW_PROBABILITY else None
