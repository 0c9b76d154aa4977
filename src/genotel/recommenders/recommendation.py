"""The values that advice is made of: a recommendation, and the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self


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


class ReasonCode(StrEnum):
    """Be a set of reasons, each a word for programs and a sentence on what would change it.

    A plug-in brings its own set: an enumeration under this one, with a word and a sentence for each member.

    Example:
        >>> class Folders(ReasonCode):
        ...     EMPTY_FOLDER = "empty_folder", "A file in the folder."
        >>> f"{Folders.EMPTY_FOLDER}: {Folders.EMPTY_FOLDER.would_change}"
        'empty_folder: A file in the folder.'
    """

    _value_: str
    would_change: str

    def __new__(cls, value: str, would_change: str) -> Self:
        """Make a member of its word and its sentence."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.would_change = would_change
        return member


class Reason(ReasonCode):
    """Name why something is advised (first four of cleanup, then performance, then preload) or is not."""

    UNUSED = "unused", "One use of the model, or a longer limit (cleanup_threshold_days)."
    NEVER_USED = "never_used", "A first use of the model."
    RARELY_USED = "rarely_used", "More use of the model, or a lower limit (min_uses_per_day)."
    UNLIKELY_TO_BE_USED = "unlikely_to_be_used", "One use of the model."
    LOW_SUCCESS = "low_success", "Calls that succeed, or a lower limit (min_success)."
    FAILING_SINCE = "failing_since", "One call that succeeds."
    SLOWER_THAN_BEFORE = "slower_than_before", "Calls as fast as before, or a week at the new level."
    SLOWER_THAN_PEERS = "slower_than_peers", "Faster calls, or other models of its operation that are as slow."
    LOAD_TIME_DOMINATES = "load_time_dominates", "Fewer or faster loads."
    KEEP_ALIVE_TOO_SHORT = "keep_alive_too_short", "Fewer loads while no other model needs the room."
    OUT_OF_MEMORY = "out_of_memory", "Calls that fit into the memory."
    BATCH_SIZE = "batch_size", "Other batch sizes, or calls of which each item takes as long in all of them."
    LIKELY_NEXT_HOUR = "likely_next_hour", "Hours without a use: the probability falls with each."
    USED_OFTEN = "used_often", "Less use than the limit, or a higher limit."

    HISTORY_TOO_SHORT = "history_too_short", "A longer history: more retention, or a checkpoint file."
    OBSERVATION_GAPS = "observation_gaps", "A history without gaps in which a use could have gone unseen."
    UNOBSERVED_USE_POSSIBLE = "unobserved_use_possible", "More days on which every use would have been seen."
    FAILING_BUT_WANTED = "failing_but_wanted", "Calls that succeed, or no more calls."
    LIKELY_TO_BE_USED = "likely_to_be_used", "A longer time without a use."
    IN_USE = "in_use", "Use that becomes rarer."
    TOO_FEW_CALLS = "too_few_calls", "More calls: so few could fail by chance."
    OUTCOMES_UNKNOWN = "outcomes_unknown", "Calls of which it is known whether they succeeded."
    NOT_ASKED_FOR = "not_asked_for", "Calls of the model."
    SUCCEEDS = "succeeds", "Calls that fail more often than the limit (min_success) allows."
    UNLIKELY_SOON = "unlikely_soon", "A use of the model: it makes the next one likelier."
    USED_SELDOM = "used_seldom", "More use of the model, or a lower limit."


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
    reason_code: ReasonCode
    reason: str
    evidence: Mapping[str, float | int | str | None]
    saving: Saving = field(default_factory=Saving)
    next_use: float | None = None


def plain(entry: Recommendation) -> dict[str, object]:
    """Return advice as JSON has it: keys in a fixed order, times as RFC 3339, None for what is not known."""
    return {
        "kind": entry.kind,
        "model": entry.model,
        "priority": entry.priority.value,
        # More digits would be noise, and would make files differ between machines.
        "confidence": round(entry.confidence, 6),
        "reason_code": entry.reason_code.value,
        "reason": entry.reason,
        "evidence": dict(entry.evidence),
        "saving": {"bytes": entry.saving.bytes, "seconds_per_day": entry.saving.seconds_per_day},
        "next_use": None
        if entry.next_use is None
        else datetime.fromtimestamp(int(entry.next_use), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "would_change": entry.reason_code.would_change,
    }


@dataclass(frozen=True, slots=True)
class Withheld:
    """Say why a kind has no advice about a model."""

    model: str
    kind: str
    reason_code: ReasonCode


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


def rate_text(per_day: float) -> str:
    """Return a rate in words for people: two digits, or whole where it has more.

    Example:
        >>> rate_text(0.0341), rate_text(15.2), rate_text(157.4)
        ('0.034', '15', '157')
    """
    return f"{per_day:.2g}" if per_day < 99.5 else f"{per_day:.0f}"
