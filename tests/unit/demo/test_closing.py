"""The advice at the end, in two parts that cannot be mistaken for each other."""

from __future__ import annotations

from genotel.demo.closing import render_advice, split_advice
from genotel.demo.simulated_history import MARK
from genotel.recommenders.advice import Advice
from genotel.recommenders.recommendation import Priority, Reason, Recommendation, Withheld


def entry(model):
    """Return a piece of advice on a model."""
    return Recommendation(
        model=model,
        kind="cleanup",
        priority=Priority.LOW,
        confidence=0.6,
        reason_code=Reason.UNUSED,
        reason="Nobody wants it. " * 8,
        evidence={},
    )


ADVICE = Advice(
    source="journal x.db",
    window=(0.0, 2_600_000.0),
    recommendations=(entry(MARK + "old"), entry("real")),
    withheld=(
        Withheld(MARK + "new", "cleanup", Reason.IN_USE),
        Withheld("also-real", "cleanup", Reason.HISTORY_TOO_SHORT),
    ),
)


def models_of(advice):
    """Return the models that a part speaks of."""
    return [entry.model for entry in (*advice.recommendations, *advice.withheld)]


def test_every_model_is_in_one_part():
    """Each part says of itself what it is; that on the real calls covers the run only."""
    simulated, real = split_advice(ADVICE, (1e9, 1e9 + 30))
    assert [advice.model for advice in (*simulated.recommendations, *simulated.withheld)] == [
        MARK + "old",
        MARK + "new",
    ]
    assert [advice.model for advice in (*real.recommendations, *real.withheld)] == ["real", "also-real"]
    assert ("SIMULATED" in simulated.source, "REAL" in real.source) == (True, True)
    assert (simulated.window, real.window) == (ADVICE.window, (1e9, 1e9 + 30))


def test_it_fits_the_terminal():
    """A table where there is room for one, paragraphs where there is not."""
    for width in (40, 80, 99, 100, 200):
        text = render_advice(ADVICE, generated_at=0.0, width=width, has_color=False)
        assert max(map(len, text.splitlines())) <= width
        assert ("priority   advice" in text) is (width >= 100)
        assert "\x1b" not in text
    assert "\x1b" in render_advice(ADVICE, generated_at=0.0, width=120, has_color=True)
