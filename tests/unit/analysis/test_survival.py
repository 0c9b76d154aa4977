"""The first engine of cleanup: the hazard of use by idle age, learned from the other models."""

from __future__ import annotations

import numpy as np

from genotel.analysis.survival import probability_of_no_use
from histories import history


def test_a_model_alone_is_never_certain() -> None:
    """With nothing to learn from, staying idle gets likelier with every day, but not as good as sure."""
    told = [probability_of_no_use(history({"only": [0]}, days=idle + 1), 30.0)[0] for idle in (1, 10, 30, 300)]
    assert told == sorted(told)
    assert told[0] < 0.3
    assert 0.5 < told[2] < 0.8
    assert told[3] < 0.99


def test_the_longer_idle_of_two_models_is_no_less_likely_to_stay_so() -> None:
    """In one history the answer depends on the idle time alone."""
    told = probability_of_no_use(history({f"m{last:02d}": [0, last] for last in range(60)}, days=60), 30.0)
    assert np.all(np.diff(told) <= 0)


def test_models_that_come_back_make_coming_back_likely() -> None:
    """Ten models used every twelve days: one that is idle for eleven is kept, against what Lindy says."""
    regular = history({f"m{k}": list(range(k, 120, 12)) for k in range(10)}, days=120)
    assert probability_of_no_use(regular, 30.0)[0] < 0.35


def test_models_that_stay_away_make_staying_away_likely() -> None:
    """Thirty models that fell silent and never came back leave little doubt about the next."""
    dying = history({f"m{k}": list(range(k % 7 + 1)) for k in range(30)}, days=120)
    assert probability_of_no_use(dying, 30.0).min() > 0.9


def test_the_answers_are_calibrated_on_models_that_die() -> None:
    """Simulated: models with a daily rate that die at a constant rate; told by ten classes of answers."""
    random = np.random.default_rng(7)
    rows: dict[str, list[int]] = {}
    future: dict[str, bool] = {}
    for number in range(600):
        rate, death = random.gamma(2.0, 0.15), random.exponential(60.0)
        days = [day for day in range(150) if day < death and random.random() < rate]
        name = f"m{number:03d}"
        if any(day < 120 for day in days):
            rows[name] = [day for day in days if day < 120]
            future[name] = not any(day >= 120 for day in days)
    told = probability_of_no_use(history(rows, days=120), 30.0)
    truth = np.array([future[name] for name in sorted(rows)])
    classes = np.clip((told * 10).astype(int), 0, 9)
    error = sum(
        abs(told[classes == k].mean() - truth[classes == k].mean()) * (classes == k).mean() for k in np.unique(classes)
    )
    assert error < 0.08
    assert np.mean((told - truth) ** 2) < 0.75 * truth.mean() * (1 - truth.mean())


def test_ten_thousand_models_are_answered_in_a_second() -> None:
    """All at once, without a pass for each."""
    many = history({f"m{k:05d}": [k % 50, k % 31] for k in range(10_000)}, days=60)
    told = probability_of_no_use(many, 30.0)
    assert told.shape == (10_000,)
    assert np.all((told >= 0) & (told <= 1))
