"""Two laws of cleanup that hold for any history.

More idleness never means less cleanup; less observation never means more.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from genotel.analysis.survival import probability_of_no_use
from genotel.history.usage import UsageHistory
from genotel.recommenders.cleanup import Cleanup
from genotel.settings import AdviceSettings
from histories import history

MODELS = ("a", "b", "c", "d")
DAYS = 60
# The engine rounds to so many digits.
TOLERANCE = 1e-11

USES = st.fixed_dictionaries({name: st.lists(st.integers(0, DAYS - 1), max_size=12) for name in MODELS})
THRESHOLDS = st.sampled_from([7.0, 20.0, 30.0])
# Three of sixty days are hidden at most: what is below 95 % is withheld altogether.
HIDDEN = st.lists(st.integers(0, DAYS - 1), min_size=1, max_size=3, unique=True)


def advised(known: UsageHistory, threshold_days: float) -> dict[str, int]:
    """Return the rank of the cleanup advice for each model that has one."""
    findings = Cleanup().recommend(known, AdviceSettings(cleanup_threshold_days=threshold_days))
    assert len(findings.recommendations) + len(findings.withheld) == len(known.models)
    return {entry.model: entry.priority.rank for entry in findings.recommendations}


def is_at_most(ranks: dict[str, int], others: dict[str, int]) -> bool:
    """Say whether the first advice has no line and no higher priority that the second has not."""
    return all(rank <= others.get(name, 0) for name, rank in ranks.items())


@given(uses=USES, threshold=THRESHOLDS, hidden=HIDDEN, earlier=st.integers(0, DAYS - 1))
@settings(max_examples=150, deadline=None)
@example(uses={"a": [0, 41], "b": [0, 41], "c": [10], "d": []}, threshold=20.0, hidden=[41], earlier=0)
@example(uses={"a": [2, 50], "b": [4], "c": [5], "d": [9]}, threshold=30.0, hidden=[50], earlier=0)
def test_hiding_days_adds_no_cleanup(
    uses: dict[str, list[int]], threshold: float, hidden: list[int], earlier: int
) -> None:
    """Days that nobody watched, and what was used on them, only ever take advice away."""
    first_seen = {name: min([earlier, *days]) for name, days in uses.items()}
    whole = history(uses, days=DAYS, first_seen=first_seen)
    part = history(uses, days=DAYS, first_seen=first_seen, hidden=hidden)
    assert (probability_of_no_use(part, threshold) <= probability_of_no_use(whole, threshold) + TOLERANCE).all()
    assert is_at_most(advised(part, threshold), advised(whole, threshold))


@given(uses=USES, threshold=THRESHOLDS, model=st.sampled_from(MODELS), cut=st.integers(0, DAYS))
@settings(max_examples=150, deadline=None)
def test_a_model_that_was_used_less_lately_is_no_less_advised(
    uses: dict[str, list[int]], threshold: float, model: str, cut: int
) -> None:
    """Taking the last uses of one model away, but for its first, never takes its advice away."""
    assume(uses[model])
    before = history(uses, days=DAYS)
    after = history(uses | {model: [day for day in uses[model] if day <= max(cut, min(uses[model]))]}, days=DAYS)
    index = before.models.index(model)
    assert probability_of_no_use(after, threshold)[index] >= probability_of_no_use(before, threshold)[index] - TOLERANCE
    assert advised(after, threshold).get(model, 0) >= advised(before, threshold).get(model, 0)


@given(uses=USES, threshold=THRESHOLDS, longer=st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_time_without_any_use_makes_no_cleanup_go_away(
    uses: dict[str, list[int]], threshold: float, longer: int
) -> None:
    """The same uses, watched for longer: nothing is less likely to stay unused."""
    first_seen = {name: min(days, default=0) for name, days in uses.items()}
    short, long = (history(uses, days=DAYS + more, first_seen=first_seen) for more in (0, longer))
    assert (probability_of_no_use(long, threshold) >= probability_of_no_use(short, threshold) - TOLERANCE).all()
    assert is_at_most(advised(short, threshold), advised(long, threshold))


@given(uses=USES, threshold=THRESHOLDS, hours=st.sets(st.integers(0, DAYS * 24 - 1), min_size=1, max_size=30))
@settings(max_examples=80, deadline=None)
def test_hiding_hours_adds_no_cleanup(uses: dict[str, list[int]], threshold: float, hours: set[int]) -> None:
    """An hour without a watcher is enough to take certainty from its day."""
    whole = history(uses, days=DAYS)
    observed = whole.observed.copy()
    observed[list(hours)] = False
    assert is_at_most(advised(replace(whole, observed=observed), threshold), advised(whole, threshold))
