"""The forecast from hourly sums: habits, silence, and histories too short for anything."""

from __future__ import annotations

import numpy as np
import pytest

from genotel.analysis.forecast import forecast_use
from genotel.analysis.idleness import peak_hours
from genotel.analysis.rhythm import WeeklyRhythm
from genotel.analysis.seasonality import Trend, peak_days, trend
from genotel.history.hourly import HourTable
from genotel.history.usage import UsageHistory, empty_history
from histories import EPOCH, history


def hourly(uses: dict[str, list[int]], hours: int, hidden: range = range(0)) -> UsageHistory:
    """Return a history of whole hours with one use in each of the hours named."""
    names = tuple(sorted(uses))
    first = int(EPOCH // 3600)
    rows = [(index, hour) for index, name in enumerate(names) for hour in uses[name]]
    observed = np.ones(hours, dtype=bool)
    observed[hidden] = False
    return UsageHistory(
        source="a test",
        start=EPOCH,
        end=EPOCH + hours * 3600 - 1,
        models=names,
        observed=observed,
        hourly=HourTable.gather(
            np.array([row[0] for row in rows], dtype=np.int64),
            np.array([first + row[1] for row in rows], dtype=np.int64),
            requests=np.ones(len(rows), dtype=np.int64),
        ),
        first_seen=np.full(len(names), EPOCH),
        last_used=np.array([EPOCH + max(uses[name], default=0) * 3600 for name in names]),
        size_bytes=np.full(len(names), np.nan),
    )


def test_a_daily_habit_is_seen_before_its_hour() -> None:
    """Two weeks of nine o'clock, asked just before nine and at noon."""
    nine = [24 * day + 9 for day in range(15)]
    before, after = (
        forecast_use(hourly({"nine": nine[:days], "always": list(range(hours)), "never": []}, hours))
        for days, hours in ((14, 14 * 24 + 9), (15, 14 * 24 + 12))
    )
    always, never, habit = 0, 1, 2
    assert before.next_hour[always] > 0.9
    assert before.next_hour[never] < 0.05
    assert before.next_hour[habit] > 5 * after.next_hour[habit]
    assert (before.next_day >= before.next_hour).all()
    # By ten it is used, as likely as not; at noon it takes until tomorrow.
    assert before.next_use[habit] - EPOCH < (14 * 24 + 12) * 3600
    assert after.next_use[habit] - EPOCH > (14 * 24 + 20) * 3600
    assert np.isnan(before.next_use[never])


def test_the_chance_is_that_of_the_past() -> None:
    """A model used in every third hour at random is used within the hour one time in three."""
    random = np.random.default_rng(0)
    uses = {f"m{k}": np.flatnonzero(random.random(600) < 1 / 3).tolist() for k in range(20)}
    assert forecast_use(hourly(uses, 600)).next_hour.mean() == pytest.approx(1 / 3, abs=0.06)


def test_hours_that_nobody_watched_teach_nothing() -> None:
    """Silence while nobody looked does not make a model look idle."""
    always = {"a": [hour for hour in range(14 * 24) if not 100 <= hour < 200], "b": [3, 150]}
    watched = forecast_use(hourly(always, 14 * 24))
    hidden = forecast_use(hourly(always, 14 * 24, hidden=range(100, 200)))
    assert hidden.next_hour[0] >= watched.next_hour[0]


def test_no_history_has_no_forecast() -> None:
    """And no models to forecast."""
    assert forecast_use(empty_history("nothing")).next_use.shape == (0,)


def test_an_hour_of_history_gives_an_answer() -> None:
    """A vague one: there is nothing to learn from."""
    found = forecast_use(history({"a": [0]}, days=1))
    assert 0 < found.next_hour[0] < 1


def test_a_rhythm_of_years_does_not_overflow() -> None:
    """Ten years of hours, with growing weights."""
    rhythm = WeeklyRhythm(1)
    for hour in range(10 * 365 * 24):
        rhythm.learn(hour % 168, np.array([hour % 168 < 24]))
    assert rhythm.expected(5)[0] > 0.5
    assert rhythm.expected(50)[0] < 0.1


def test_peaks_and_trends() -> None:
    """A model of Tuesdays, and one that is used ever more."""
    tuesday = 5 * 24
    assert peak_days(np.array([5, 5]), np.array([tuesday + 7, tuesday + 7 * 24])) == (1,)
    assert peak_hours(np.array([5]), np.array([7])) == (7,)
    assert peak_days(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)) == ()
    assert trend(100, 60) is Trend.RISING
    assert trend(60, 100) is Trend.FALLING
    assert trend(60, 60) is Trend.STEADY
