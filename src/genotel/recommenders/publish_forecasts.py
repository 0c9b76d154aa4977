"""Forecasts of calls with their bands, and how far they were from what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genotel.analysis.count_bands import CountBands, next_day_bands, next_hour_bands
from genotel.analysis.forecast import UseForecast, forecast_use
from genotel.history.hourly import HOURS_PER_DAY, SECONDS_PER_HOUR, Floats
from genotel.history.usage import UsageHistory
from genotel.recommenders.publish_claims import calls_by_hour, is_watched
from genotel.semconv.attributes import NEXT_DAY, NEXT_HOUR

# Horizon -> its length in clock hours, and every how many of them a forecast is put down to be judged.
HOURS = {NEXT_HOUR: 1, NEXT_DAY: HOURS_PER_DAY}
EVERY = {NEXT_HOUR: 1, NEXT_DAY: 6}


@dataclass(frozen=True, slots=True)
class Forecast:
    """Hold what is expected of K models in the clock hours after one; every tuple has the length K.

    Attributes:
        horizon: one of the closed values of the label.
        hour: clock hour since the Unix epoch in which it was made.
        models: their names.
        probability: of any use.
        level, lower, upper: calls: what is expected, and the band.
        naive: calls in the same hours a day before.
    """

    horizon: str
    hour: int
    models: tuple[str, ...]
    probability: tuple[float, ...]
    level: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    naive: tuple[float, ...]

    @property
    def target(self) -> float:
        """Return the Unix time up to which it reaches."""
        return float((self.hour + 1 + HOURS[self.horizon]) * SECONDS_PER_HOUR)


@dataclass(frozen=True, slots=True)
class Score:
    """Hold what became of one forecast: sums over its n models."""

    n: int
    error: float
    naive_error: float
    squared: float
    covered: int


def forecasts(history: UsageHistory, most: int) -> tuple[list[Forecast], dict[str, float]]:
    """Return a forecast for each horizon, and by model the Unix time of the next use where one can be said.

    Args:
        history: what is known; nothing is forecast from an empty one.
        most: how many models at most, those likeliest to be used within the day.
    """
    if not history.has_data:
        return [], {}
    expected = forecast_use(history)
    likeliest = np.argsort(-expected.next_day, kind="stable")[:most]
    chosen = sorted(likeliest.tolist())
    names = tuple(history.models[index] for index in chosen)
    hour = int(history.end // SECONDS_PER_HOUR)
    made = [
        _forecast(NEXT_HOUR, hour, names, expected.next_hour[chosen], next_hour_bands(history, expected, chosen)),
        _forecast(NEXT_DAY, hour, names, expected.next_day[chosen], next_day_bands(history, expected, chosen)),
    ]
    return made, _next_uses(names, expected, chosen)


def score(made: Forecast, history: UsageHistory) -> Score | None:
    """Return what became of a forecast; None while its time is not over, or where some of it went unseen.

    :func:`is_over` tells the two apart.
    """
    first, last = made.hour + 1, made.hour + HOURS[made.horizon]
    if not is_over(made, history) or not is_watched(history, first, last):
        return None
    came = np.array(
        [sum(calls for _, calls in calls_by_hour(history, model, first, last)) for model in made.models], dtype=float
    )
    level, lower, upper = np.array(made.level), np.array(made.lower), np.array(made.upper)
    return Score(
        n=len(came),
        error=float(np.abs(level - came).sum()),
        naive_error=float(np.abs(np.array(made.naive) - came).sum()),
        squared=float(((np.array(made.probability) - (came > 0)) ** 2).sum()),
        covered=int(((came >= lower) & (came <= upper)).sum()),
    )


def is_over(made: Forecast, history: UsageHistory) -> bool:
    """Return whether all the hours of a forecast are over by a history."""
    return made.hour + HOURS[made.horizon] < int(history.end // SECONDS_PER_HOUR)


def _forecast(horizon: str, hour: int, names: tuple[str, ...], chance: Floats, bands: CountBands) -> Forecast:
    return Forecast(
        horizon=horizon,
        hour=hour,
        models=names,
        probability=_short(chance),
        level=_short(bands.level),
        lower=_short(bands.lower),
        upper=_short(bands.upper),
        naive=_short(bands.naive),
    )


def _next_uses(names: Sequence[str], expected: UseForecast, chosen: Sequence[int]) -> dict[str, float]:
    moments = expected.next_use[list(chosen)].tolist()
    return {name: moment for name, moment in zip(names, moments, strict=True) if moment == moment}


def _short(values: Floats) -> tuple[float, ...]:
    # More digits would only make the memory's file longer.
    return tuple(round(value, 6) for value in values.tolist())
