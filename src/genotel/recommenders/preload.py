"""Which models to have loaded: those that are likely asked for within the hour, or often enough within the day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from genotel.analysis.forecast import UseForecast, forecast_use
from genotel.analysis.idleness import days_known, peak_hours
from genotel.analysis.seasonality import Trend, peak_days, trend
from genotel.history.hourly import HOURS_PER_DAY, SECONDS_PER_HOUR, Floats, Integers
from genotel.history.usage import UsageHistory
from genotel.recommenders.recommendation import (
    LOW_PROBABILITY,
    Reason,
    Recommendation,
    Saving,
    Withheld,
    priority,
    rate_text,
)
from genotel.recommenders.recommender import Findings
from genotel.settings import AdviceSettings

# Before this nothing is known of the rhythm of a day.
MINIMUM_HISTORY_DAYS = 2.0
# High priority needs a whole week, since the week has a rhythm too.
LONG_HISTORY_DAYS = 7.0
# What was used in the last day must be known, or the forecast would take silence for idleness.
_SEEN_HOURS = HOURS_PER_DAY
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Preload:
    """Advise to keep models loaded that are likely used soon.

    ``likely_next_hour``: a use within the hour is as likely as not; the confidence is that chance.
    ``used_often``, the classic rule: more than ``preload_threshold_frequency`` uses a day, and a use
    within the day is as likely as not; the confidence is the chance of a use within the day.
    """

    kind: ClassVar[str] = "preload"
    method: ClassVar[str] = "logistic forecast from the last use, the rate of use and the rhythm of the week"

    def recommend(self, history: UsageHistory, settings: AdviceSettings) -> Findings:
        """Return the models to keep loaded, those soonest used first, and why not the others."""
        if not history.has_data:
            return Findings()
        if history.span_days < MINIMUM_HISTORY_DAYS:
            return self._nothing(history, Reason.HISTORY_TOO_SHORT)
        if not history.observed[-_SEEN_HOURS:].all():
            return self._nothing(history, Reason.OBSERVATION_GAPS)
        figures = _Figures.of(history)
        succeeded, failed = history.total("succeeded"), history.total("failed")
        is_failing = succeeded < settings.min_success * (succeeded + failed)
        recommendations: list[Recommendation] = []
        withheld: list[Withheld] = []
        for index, model in enumerate(history.models):
            is_often = figures.uses_per_day[index] > settings.preload_threshold_frequency
            if is_failing[index]:
                # It would be loaded to fail: performance tells of it.
                withheld.append(Withheld(model, self.kind, Reason.FAILING_BUT_WANTED))
            elif history.end - history.first_seen[index] < MINIMUM_HISTORY_DAYS * HOURS_PER_DAY * SECONDS_PER_HOUR:
                # The history may be long, this model's is not: a busy minute is no rate per day.
                withheld.append(Withheld(model, self.kind, Reason.HISTORY_TOO_SHORT))
            elif figures.forecast.next_hour[index] >= LOW_PROBABILITY:
                recommendations.append(figures.recommend(index, Reason.LIKELY_NEXT_HOUR, settings))
            elif is_often and figures.forecast.next_day[index] >= LOW_PROBABILITY:
                recommendations.append(figures.recommend(index, Reason.USED_OFTEN, settings))
            else:
                reason = Reason.UNLIKELY_SOON if is_often else Reason.USED_SELDOM
                withheld.append(Withheld(model, self.kind, reason))
        recommendations.sort(key=lambda entry: (entry.evidence["next_hour"], entry.confidence), reverse=True)
        return Findings(tuple(recommendations), tuple(withheld))

    def _nothing(self, history: UsageHistory, reason: Reason) -> Findings:
        return Findings(withheld=tuple(Withheld(model, self.kind, reason) for model in history.models))


@dataclass(frozen=True, slots=True, eq=False)
class _Figures:
    """The figures of N models, shape (N,) each; ``starts`` are where each model's hours begin."""

    history: UsageHistory
    forecast: UseForecast
    uses_per_day: Floats
    load_seconds: Floats
    starts: Integers

    @classmethod
    def of(cls, history: UsageHistory) -> _Figures:
        loads = history.total("timed_loads")
        return cls(
            history=history,
            forecast=forecast_use(history),
            uses_per_day=history.total("requests") / np.maximum(days_known(history), 1.0),
            load_seconds=np.where(loads > 0, history.total("load_seconds") / np.maximum(loads, 1), np.nan),
            starts=np.searchsorted(history.hourly.model, np.arange(len(history.models) + 1)).astype(np.int64),
        )

    def recommend(self, index: int, reason: Reason, settings: AdviceSettings) -> Recommendation:
        """Return the advice to keep a model loaded."""
        history, table = self.history, self.history.hourly
        rows = slice(int(self.starts[index]), int(self.starts[index + 1]))
        is_use = table.requests[rows] > 0
        requests, hours = table.requests[rows][is_use], table.hour[rows][is_use]
        last_hour = int(history.end // SECONDS_PER_HOUR)
        age = last_hour - hours
        week, before = (float(requests[(age >= low) & (age < low + 168)].sum()) for low in (0, 168))
        direction = trend(week, before) if history.span_days >= 2 * LONG_HISTORY_DAYS else Trend.STEADY
        next_hour, next_day = float(self.forecast.next_hour[index]), float(self.forecast.next_day[index])
        confidence = next_hour if reason is Reason.LIKELY_NEXT_HOUR else next_day
        rank = priority(confidence, is_history_long_enough=history.span_days >= LONG_HISTORY_DAYS)
        assert rank is not None, "only what is as likely as not is advised"
        # Unloaded between its uses it would be loaded for each run of hours with a use.
        runs_per_day = float((np.diff(hours, prepend=-9) > 1).sum()) / max(history.span_days, 1.0)
        load_seconds = _known(self.load_seconds[index])
        size, next_use = _known(history.size_bytes[index]), _known(self.forecast.next_use[index])
        busiest = peak_hours(requests, hours)
        days = tuple(_WEEKDAYS[day] for day in peak_days(requests, hours))
        return Recommendation(
            model=history.models[index],
            kind=Preload.kind,
            priority=rank,
            confidence=confidence,
            reason_code=reason,
            reason=_sentence(reason, next_hour, next_day, float(self.uses_per_day[index]), settings)
            + (f" Most used at {', '.join(f'{hour}:00' for hour in busiest)} UTC." if 0 < len(busiest) <= 4 else ""),
            evidence={
                "next_hour": round(next_hour, 6),
                "next_day": round(next_day, 6),
                "uses_per_day": round(float(self.uses_per_day[index]), 6),
                "cold_starts_per_day": round(runs_per_day, 6),
                "load_seconds": load_seconds,
                "size_bytes": None if size is None else int(size),
                "trend": direction.value,
                "peak_hours": ", ".join(map(str, busiest)) or None,
                "peak_days": ", ".join(days) or None,
                "history_days": round(history.span_days, 3),
            },
            saving=Saving(seconds_per_day=None if load_seconds is None else load_seconds * runs_per_day),
            next_use=next_use,
        )


def _sentence(reason: Reason, next_hour: float, next_day: float, uses: float, settings: AdviceSettings) -> str:
    if reason is Reason.LIKELY_NEXT_HOUR:
        return f"Used within the hour with a probability of {next_hour:.2f}; {rate_text(uses)} uses a day."
    return (
        f"Used {rate_text(uses)} times a day, the limit is {settings.preload_threshold_frequency:g}; within the day "
        f"with a probability of {next_day:.2f}, within the hour of {next_hour:.2f}."
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
