"""Forecasts are made for those likeliest to be used, and scored by what came."""

from __future__ import annotations

from genotel.history.hourly import SECONDS_PER_HOUR
from genotel.history.usage import empty_history
from genotel.recommenders.publish_forecasts import Forecast, forecasts, is_over, score
from histories import EPOCH, history

FIRST = int(EPOCH // SECONDS_PER_HOUR)


def test_the_hour_and_the_day_are_forecast_for_the_likeliest_models() -> None:
    """Two horizons, no more models than asked for, and the next use where one can be said."""
    known = history({"daily": range(30), "dead": [0], "often": [*range(30)] * 4}, days=30)
    (hour, day), next_uses = forecasts(known, most=2)
    assert (hour.horizon, day.horizon) == ("1h", "1d")
    assert hour.models == day.models == ("daily", "often")
    assert hour.target == EPOCH + 30 * 86_400 + 3600
    assert day.target == EPOCH + 31 * 86_400
    assert day.naive == (1.0, 4.0)
    assert all(low <= high for low, high in zip(day.lower, day.upper, strict=True))
    assert set(next_uses) == {"daily", "often"}


def test_nothing_is_forecast_from_nothing() -> None:
    """An empty history has no models."""
    assert forecasts(empty_history("nothing"), most=5) == ([], {})


MADE = Forecast(
    horizon="1d",
    hour=FIRST + 10 * 24 - 1,
    models=("a", "gone"),
    probability=(0.8, 0.5),
    level=(2.0, 1.0),
    lower=(1.0, 1.0),
    upper=(2.0, 3.0),
    naive=(4.0, 0.0),
)


def test_a_forecast_is_scored_when_its_hours_are_over() -> None:
    """Differences, squares and hits are added up over its models; one that is gone was not called."""
    known = history({"a": [10]}, days=11)
    assert not is_over(MADE, known)
    assert score(MADE, known) is None
    later = history({"a": [10]}, days=12)
    assert is_over(MADE, later)
    found = score(MADE, later)
    assert found is not None
    assert (found.n, found.error, found.naive_error, found.covered) == (2, 2.0, 3.0, 1)
    assert abs(found.squared - 0.29) < 1e-9


def test_what_went_unseen_is_not_scored() -> None:
    """It would count calls that nobody saw as none."""
    assert score(MADE, history({"a": [10]}, days=12, hidden=[10])) is None
