"""What the formats for people say in the same words: from where, since when, what is saved, on what evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from genotel.recommenders.advice import Advice
from genotel.recommenders.recommendation import Recommendation
from genotel.report.wording import date, duration, one_line, size, timestamp

# Unix times among the figures, whose names do not end in a unit.
_MOMENTS = frozenset({"first_seen", "last_used", "since", "until"})


class Absence(NamedTuple):
    """Count the models about which a kind says nothing for one reason."""

    kind: str
    reason: str
    would_change: str
    models: int


def heading(advice: Advice) -> str:
    """Return where the advice comes from, and how long and how well that was watched."""
    if advice.window is None:
        return f"Advice from {one_line(advice.source)}, which holds no history yet."
    return f"Advice from {one_line(advice.source)}, {window(advice)}."


def window(advice: Advice) -> str:
    """Return the days that the advice speaks of, the models that are known, and the share of hours that was watched."""
    assert advice.window is not None, "there is a history"
    start, end = advice.window
    # Rounded down: nobody shall read that all was watched where something was not.
    watched = int(100 * advice.observed_ratio)
    return (
        f"{date(start)} to {date(end)} ({duration(end - start)}), {advice.models} "
        f"model{'' if advice.models == 1 else 's'}, {watched} % of the hours observed"
    )


def nothing(advice: Advice) -> str:
    """Return what stands in the place of advice where there is none."""
    return "Nothing to advise." if advice.withheld else "No model is known: there is nothing to advise."


def more(advice: Advice, shown: int) -> str:
    """Return how many pieces of advice are not shown; nothing where all are."""
    left = len(advice.recommendations) - shown
    return f"… and {left} more; --format json has them all." if left > 0 else ""


def saving(entry: Recommendation) -> str:
    """Return what following the advice gives back; nothing where that is not known."""
    parts = []
    if entry.saving.bytes is not None:
        parts.append(size(entry.saving.bytes))
    if entry.saving.seconds_per_day is not None:
        parts.append(f"{duration(entry.saving.seconds_per_day)} a day")
    return ", ".join(parts)


def evidence(entry: Recommendation) -> Iterator[tuple[str, str]]:
    """Return the figures behind advice as name and value in words; what is not known is left out."""
    for name, value in entry.evidence.items():
        if value is not None:
            yield _figure(one_line(name), value)
    if entry.next_use is not None:
        yield "next use", timestamp(entry.next_use)


def absences(advice: Advice) -> list[Absence]:
    """Return why nothing is said, by kind and most frequent reason."""
    counts = Counter((entry.kind, entry.reason_code) for entry in advice.withheld)
    kinds = list(dict.fromkeys(kind for kind, _ in counts))
    found = [
        Absence(kind, reason.value.replace("_", " "), reason.would_change, models)
        for (kind, reason), models in counts.items()
    ]
    return sorted(found, key=lambda absence: (kinds.index(absence.kind), -absence.models))


def _figure(name: str, value: float | str) -> tuple[str, str]:
    if isinstance(value, str):
        return name.replace("_", " "), one_line(value)
    if name in _MOMENTS:
        return name.replace("_", " "), timestamp(value)
    stem, _, unit = name.rpartition("_")
    if unit == "bytes":
        return stem.replace("_", " "), f"-{size(-value)}" if value < 0 else size(value)
    if unit == "seconds":
        return stem.replace("_", " "), duration(value)
    if unit == "days":
        return stem.replace("_", " "), f"{value:.3g} d"
    return name.replace("_", " "), f"{value:d}" if isinstance(value, int) else f"{value:.3g}"
