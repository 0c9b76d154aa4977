"""The forecast learns each model's habits, says what it does not know, and never looks ahead."""

from __future__ import annotations

import numpy as np

from genotel.analysis import use_features
from genotel.analysis.scoring import area_under_curve
from genotel.analysis.survival_forecast import NEXT_HOUR, DayForecast, SurvivalForecaster
from genotel.analysis.use_features import Excitation, UseFeatures
from genotel.analysis.use_times import UseTimes, use_times
from traces import DAY, bursts, until

TICKS = np.arange(0.0, DAY, 1800.0)


def forecasts(uses: UseTimes, days: int, seed: int = 0) -> list[DayForecast]:
    """Return the forecasts at half hours of the first days."""
    forecaster = SurvivalForecaster(uses, seed=seed)
    return [forecaster.forecast(day, TICKS + day * DAY) for day in range(days)]


def test_habits_are_learned() -> None:
    """After some days, models before their usual hour are told from the others."""
    uses = bursts(models=12, days=7).uses
    last = forecasts(uses, 7)[-1]
    moments = TICKS + 6 * DAY
    used = uses.counts(moments + 3600.0, last.age.shape[1]) > uses.counts(moments, last.age.shape[1])
    assert last.is_learned
    area = area_under_curve(last.within[..., NEXT_HOUR].ravel().astype(float), used.ravel())
    assert area is not None
    assert area > 0.8


def test_the_first_day_knows_nothing() -> None:
    """There is nothing to learn from yet, and it says so."""
    first = forecasts(bursts().uses, 1)[0]
    assert not first.is_learned
    assert np.unique(first.within).size == 1


def test_later_uses_and_models_change_no_day_before() -> None:
    """To the last bit, although the last model comes on the last day."""
    trace = bursts(days=6)
    longer, shorter = forecasts(trace.uses, 5), forecasts(until(trace, 4).uses, 5)
    for whole, cut in zip(longer, shorter, strict=True):
        assert np.array_equal(whole.within, cut.within)
        assert np.array_equal(whole.age, cut.age)


def test_probabilities_rise_with_the_horizon() -> None:
    """What happens within an hour happens within a day."""
    last = forecasts(bursts().uses, 4)[-1]
    assert (np.diff(last.within, axis=-1) >= 0).all()
    assert ((last.within > 0) & (last.within < 1)).all()


def test_a_model_that_was_never_used_has_no_chance() -> None:
    """It is known only later in the day."""
    trace = bursts(days=5)
    day = forecasts(trace.uses, 5)[-1]
    newcomer = len(trace.uses.names) - 1
    assert day.within[0, newcomer].max() < 0.001
    assert day.age[0, newcomer] > 1e6


def test_days_without_any_example_are_no_mistake() -> None:
    """One use on the first day, another one a week later."""
    uses = use_times(["a", "b"], np.array([10.0, 7 * DAY]))
    assert len(forecasts(uses, 8)) == 8


def test_many_uses_refine_the_pooled_gaps() -> None:
    """From some fifty gaps on the models' own histogram of gaps stands for the made-up one."""
    times = np.arange(80) * 900.0
    uses = use_times(["a"] * 80, times)
    features = UseFeatures(uses)
    none = (np.zeros((1, 1)), np.zeros((1, 1)))
    early = features.at(np.array([10 * 900.0 + 1]), none).features[0, 0]
    late = features.at(np.array([79 * 900.0 + 1]), none).features[0, 0]
    # The last but two: P(use within four hours), which is certain here.
    assert late[-3] > early[-3]


def test_excitation_knows_who_comes_after_whom() -> None:
    """After a comes b, whenever it does."""
    times = np.sort(np.concatenate([np.arange(20) * 7200.0, np.arange(20) * 7200.0 + 60]))
    uses = use_times(["a", "b"] * 20, times)
    excitation = Excitation(uses, half_life=1800.0, gap=1800.0)
    quiet, loud = excitation.at(np.array([19 * 7200.0 - 10, 19 * 7200.0 + 10]), 2)
    assert loud[1] > 10 * quiet[1]
    assert loud[1] > loud[0]


def test_of_very_many_models_only_the_first_are_compared(monkeypatch) -> None:
    """The others are not forecast, which policies take as least worth keeping."""
    for module in (use_features, __import__("genotel.analysis.survival_forecast", fromlist=["x"])):
        monkeypatch.setattr(module, "MOST_MODELS", 4)
    assert forecasts(bursts().uses, 2)[-1].within.shape[1] == 4
