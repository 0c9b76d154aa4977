"""The end of the demo: the advice, what is simulated apart from what is real."""

from __future__ import annotations

import dataclasses

from genotel.demo.simulated_history import MARK
from genotel.recommenders.advice import Advice
from genotel.report.report import Page
from genotel.report.table import TableReport

# Below this a table leaves a ribbon for the reasons; the report then writes paragraphs.
_TABLE_COLUMNS = 100
_PARAGRAPH_COLUMNS = 79


def split_advice(advice: Advice, run: tuple[float, float]) -> tuple[Advice, Advice]:
    """Return the advice on simulated models and that on the models of the real calls.

    Args:
        advice: on both.
        run: Unix times between which the real calls were made.
    """
    simulated, real = (
        dataclasses.replace(
            advice,
            recommendations=tuple(
                entry for entry in advice.recommendations if entry.model.startswith(MARK) is is_simulated
            ),
            withheld=tuple(entry for entry in advice.withheld if entry.model.startswith(MARK) is is_simulated),
        )
        for is_simulated in (True, False)
    )
    return (
        dataclasses.replace(simulated, source="the SIMULATED history"),
        dataclasses.replace(real, source="the REAL calls of this run", window=run),
    )


def render_advice(advice: Advice, *, generated_at: float, width: int, has_color: bool) -> str:
    """Return the advice as text that fits the terminal.

    Args:
        advice: what to say.
        generated_at: Unix time.
        width: columns of the terminal.
        has_color: whether it shows colours.
    """
    columns = width if width >= _TABLE_COLUMNS else min(width, _PARAGRAPH_COLUMNS)
    return TableReport().render(advice, Page(generated_at=generated_at, width=columns, has_color=has_color))
