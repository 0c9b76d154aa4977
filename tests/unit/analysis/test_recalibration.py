"""What became of models before tells what becomes of them, and nothing looks ahead."""

from __future__ import annotations

import numpy as np
import pytest

from genotel.analysis.recalibration import MINIMUM_MODELS, recalibrated_probability
from genotel.analysis.survival import probability_of_no_use
from genotel.history.usage import UsageHistory
from histories import history

DAYS = 90


def mortal(count: int = 400, seed: int = 3, hidden: tuple[int, ...] = ()) -> tuple[UsageHistory, np.ndarray]:
    """Return a history of models that are used at rates of their own until they die, and who is used after it."""
    rng = np.random.default_rng(seed)
    uses: dict[str, list[int]] = {}
    later = []
    for number in range(count):
        born = int(rng.integers(0, DAYS - 5))
        death = born + rng.exponential(40.0)
        rate = rng.gamma(0.7, 0.4)
        days = [day for day in range(born, DAYS + 14) if day == born or (day < death and rng.random() < rate)]
        uses[f"m{number:04d}"] = [day for day in days if day < DAYS]
        later.append(any(day >= DAYS for day in days))
    return history(uses, days=DAYS, hidden=hidden), np.array(later)


def test_few_models_are_left_to_the_engine_whose_laws_hold() -> None:
    """One model less than the limit."""
    known, _ = mortal(MINIMUM_MODELS - 1)
    assert recalibrated_probability(known, 14.0).tolist() == probability_of_no_use(known, 14.0).tolist()


def test_it_tells_the_dead_from_the_living() -> None:
    """On models that die at random and are used at different rates."""
    scores, outcomes = [], []
    for seed in range(4):
        known, later = mortal(seed=seed)
        scores.append(recalibrated_probability(known, 14.0))
        outcomes.append(~later)
    score, unused = map(np.concatenate, (scores, outcomes))
    base = unused.mean()
    assert np.mean((score - unused) ** 2) < 0.55 * base * (1 - base)
    assert abs(score.mean() - base) < 0.07
    sure = score >= 0.9
    assert sure.sum() > 100
    assert unused[sure].mean() > 0.88


def test_what_was_never_used_counts_from_when_it_came() -> None:
    """A finite probability, and a high one after a long time."""
    known, _ = mortal()
    uses = {name: [] for name in known.models[:5]}
    all_uses = {f"u{number}": [number % DAYS] for number in range(60)} | uses
    probability = recalibrated_probability(history(all_uses, days=DAYS), 14.0)
    assert np.isfinite(probability).all()
    assert ((probability >= 0) & (probability <= 1)).all()


def test_before_any_horizon_has_passed_the_plain_answers_are_weighed() -> None:
    """Ten days cannot teach about fourteen."""
    uses = {f"m{number:02d}": [number % 10] for number in range(40)}
    probability = recalibrated_probability(history(uses, days=10), 14.0)
    idle = np.array([10 - number % 10 for number in range(40)])
    assert (np.diff(probability[np.argsort(idle, kind="stable")]) >= -1e-9).mean() > 0.9


@pytest.mark.parametrize("hidden", [(85,), (40, 41)])
def test_where_days_are_hidden_it_says_no_more_than_the_lawful_engine(hidden: tuple[int, ...]) -> None:
    """What may have happened unseen speaks for a model."""
    known, _ = mortal(hidden=hidden)
    assert (recalibrated_probability(known, 14.0) <= probability_of_no_use(known, 14.0) + 1e-12).all()


def test_the_end_of_the_history_is_all_that_is_known() -> None:
    """The same history gives the same answer to the last digit."""
    known, _ = mortal()
    assert recalibrated_probability(known, 14.0).tolist() == recalibrated_probability(known, 14.0).tolist()
