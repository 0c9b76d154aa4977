"""The figures of one model's use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import genotel
from genotel.clock import Clock
from genotel.errors import InputError
from genotel.history.usage import ParameterUse, UsageHistory
from histories import EPOCH, history

CONTENT = """timestamp,model,status,duration_seconds,load_seconds,size_bytes
1735516800,sdxl,ok,2,20,7000000000
1735520500,sdxl,error,4,,
1735603200,sdxl,,,,
1735800000,flux,ok,1,,
"""


class Held:
    """Hold a history that was made by hand."""

    def __init__(self, known: UsageHistory) -> None:
        self.known = known

    def load_usage(self) -> UsageHistory:
        """Return it."""
        return self.known


def source(folder: Path) -> genotel.Events:
    """Return the event list above."""
    file = folder / "events.csv"
    file.write_text(CONTENT)
    return genotel.Events(file, clock=Clock(wall=lambda: EPOCH + 1e7))


def test_the_figures_of_a_model_are_those_of_its_events(tmp_path: Path) -> None:
    """Rates count what is known only; days without a use are days too."""
    figures = genotel.usage_statistics(source(tmp_path), model="sdxl")
    assert figures.uses == 3
    assert figures.uses_per_day == pytest.approx(3 / (283_200 / 86_400))
    assert figures.success_rate == 0.5
    assert figures.average_duration_seconds == 3.0
    assert figures.days_idle == pytest.approx(196_800 / 86_400)
    assert figures.active_share == 0.5
    assert figures.peak_hours == (0, 1)
    assert (figures.first_seen, figures.last_used) == (1_735_516_800.0, 1_735_603_200.0)
    assert (figures.loads, figures.average_load_seconds) == (1, 20.0)
    assert figures.size_bytes == 7_000_000_000
    assert [(day.date, day.requests, day.failed) for day in figures.daily] == [
        ("2024-12-30", 2, 1),
        ("2024-12-31", 1, 0),
        ("2025-01-01", 0, 0),
        ("2025-01-02", 0, 0),
    ]
    assert figures.daily[0].average_duration_seconds == 3.0
    assert figures.daily[1].average_duration_seconds is None
    assert figures.daily[0].succeeded == 1
    assert figures.parameters == {}


def test_what_is_not_known_is_none(tmp_path: Path) -> None:
    """Neither 0 nor NaN stands for a duration, a size or a load that nobody told."""
    known = history({"idle": []}, days=2)
    (figures,) = genotel.usage_statistics(Held(known))
    assert figures.success_rate is None
    assert figures.average_duration_seconds is None
    assert figures.average_load_seconds is None
    assert figures.size_bytes is None
    assert figures.last_used is None
    assert figures.peak_hours == ()


def test_all_models_are_told_by_name_and_the_last_thirty_days(tmp_path: Path) -> None:
    """Without a model every model is told; hidden days are marked."""
    assert [figures.model for figures in genotel.usage_statistics(source(tmp_path))] == ["flux", "sdxl"]
    (figures,) = genotel.usage_statistics(Held(history({"a": [0, 39]}, days=40, hidden=[12])))
    assert len(figures.daily) == 30
    assert [day.requests for day in figures.daily] == [0] * 29 + [1]
    assert [day.is_observed for day in figures.daily].index(False) == 2


def test_parameters_come_from_the_source(tmp_path: Path) -> None:
    """Values of a parameter are counted by model."""
    known = history({"a": [0], "b": [0]}, days=1)
    counts = {("a", "30"): 5, ("a", "50"): 1, ("b", "4"): 2}
    uses = tuple(ParameterUse(model, "steps", value, count) for (model, value), count in counts.items())
    figures = genotel.usage_statistics(Held(replace(known, parameters=uses)), "a")
    assert figures.parameters == {"steps": {"30": 5, "50": 1}}


def test_a_model_that_is_not_known_is_refused_with_those_that_are(tmp_path: Path) -> None:
    """One line, with at most five names."""
    with pytest.raises(InputError, match=r"no model 'sd3' in events events\.csv; it knows flux, sdxl$"):
        genotel.usage_statistics(source(tmp_path), model="sd3")
    with pytest.raises(InputError, match=r"it knows m0, m1, m2, m3, m4, …$"):
        genotel.usage_statistics(Held(history({f"m{k}": [0] for k in range(7)}, days=1)), model="sd3")


async def test_the_asynchronous_twin_answers_the_same(tmp_path: Path) -> None:
    """It reads in a thread."""
    held = source(tmp_path)
    assert await genotel.ausage_statistics(held) == genotel.usage_statistics(held)
    assert (await genotel.ausage_statistics(held, model="flux")).uses == 1


@pytest.mark.parametrize(
    ("days", "hidden", "uses", "expected"),
    [
        (14, (), [*range(7, 14)] * 4, "rising"),
        (14, (), [*range(14)], "steady"),
        (14, (), [*range(7)] * 4, "falling"),
        (13, (), [*range(13)], None),
        (20, (8,), [*range(20)], None),
        (20, (5,), [*range(20)], "steady"),
    ],
)
def test_a_trend_needs_two_weeks_that_were_watched(
    days: int, hidden: tuple[int, ...], uses: list[int], expected: str | None
) -> None:
    """What was not seen is no decline."""
    figures = genotel.usage_statistics(Held(history({"sdxl": uses}, days=days, hidden=hidden)), model="sdxl")
    assert figures.trend == expected


def test_days_of_the_week_that_stand_out_are_named() -> None:
    """Monday is 0, in UTC."""
    known = history({"weekly": [0, 7, 14], "daily": range(21)}, days=21)
    daily, weekly = genotel.usage_statistics(Held(known))
    assert weekly.peak_days == (0,)
    assert daily.peak_days == ()
