"""What holds for every format of a report: it renders anything, and is as it was."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import genotel.report
from genotel.errors import SettingsError
from genotel.history.usage import UsageHistory, empty_history
from genotel.recommenders.advice import Advice, advise
from genotel.recommenders.recommendation import Priority, Reason, Recommendation, Saving
from genotel.recommenders.registry import DEFAULT_KINDS
from genotel.report.registry import FORMATS, REPORTS, report_named
from genotel.report.report import Page, Report
from genotel.report.table import MAX_ROWS
from genotel.settings import AdviceSettings
from histories import EPOCH, history
from tests.architecture.test_registries import FOLDERS

GOLDEN = Path(__file__).parent.parent / "golden" / "reports"
NO_FORMATS = {"__init__", *FOLDERS["report"].others}
PAGE = Page(generated_at=EPOCH + 61 * 86_400)


def told(known: UsageHistory) -> Advice:
    """Return all advice on a history, with the settings as they come."""
    return advise(known, DEFAULT_KINDS, AdviceSettings())


def examples() -> dict[str, Advice]:
    """Return advice of every shape that a report must be able to show."""
    daily = list(range(60))
    uses = {
        "stable-diffusion-xl-base-1.0": daily * 3,
        "wan2.2-t2v-a14b": daily,
        "flux.1-dev": [*range(0, 60, 3), 59],
        "sd-v1-5-pruned-emaonly": [0, 1, 2, 3],
        "a-lora-that-was-used-once": [4],
        "text-encoder-that-fails": [58] * 12,
    }
    sizes = {"stable-diffusion-xl-base-1.0": 6_938_040_682.0, "sd-v1-5-pruned-emaonly": 4_265_380_512.0}
    mixed = told(history(uses, days=60, sizes=sizes, failed={"text-encoder-that-fails": 11}))
    forecast = Recommendation(
        model="flux.1-dev",
        kind="preload",
        priority=Priority.HIGH,
        confidence=0.9996,
        reason_code=Reason.IN_USE,
        reason="Used every morning.",
        evidence={},
        saving=Saving(bytes=24_000_000_000, seconds_per_day=540.0),
        next_use=EPOCH + 61.5 * 86_400,
    )
    return {
        "mixed": mixed,
        "forecast": Advice("a test", mixed.window, (forecast,), ()),
        "quiet": told(history({"sdxl": daily}, days=60)),
        "gaps": told(history({"sdxl": [0], "flux": daily}, days=60, hidden=range(5, 20))),
        "empty": told(empty_history("journal journal.db")),
    }


@pytest.mark.parametrize("example", ["mixed", "forecast", "quiet", "gaps", "empty"])
@pytest.mark.parametrize("report", REPORTS, ids=FORMATS)
def test_a_report_is_as_it_was(report: Report, example: str, request: pytest.FixtureRequest) -> None:
    """The whole text of every format; ``--update-golden`` writes it anew."""
    file = GOLDEN / f"{example}.{report.name}.txt"
    text = report.render(examples()[example], PAGE)
    if request.config.getoption("--update-golden"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [20, 40, 60, 79, 80, 120, 300])
@pytest.mark.parametrize("report", REPORTS, ids=FORMATS)
def test_no_line_is_wider_than_the_page(report: Report, width: int) -> None:
    """Narrow terminals wrap at words of ours, not in the middle of a table; JSON is for programs."""
    text = report.render(examples()["mixed"], Page(generated_at=EPOCH, width=width))
    assert text.endswith("\n")
    assert report.name == "json" or max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("report", REPORTS, ids=FORMATS)
def test_every_recommendation_is_in_every_report(report: Report) -> None:
    """Model, priority and kind of each, whatever the width."""
    advice = examples()["mixed"]
    for width in (60, 160):
        text = report.render(advice, Page(generated_at=EPOCH, width=width))
        for entry in advice.recommendations:
            assert entry.model in text
            assert entry.priority.value in text
            assert entry.kind in text


@pytest.mark.parametrize("report", REPORTS, ids=FORMATS)
def test_colour_adds_nothing_to_the_words(report: Report) -> None:
    """Without colour there is no escape sequence, with colour the text is the same."""
    plain = report.render(examples()["mixed"], PAGE)
    colored = report.render(examples()["mixed"], Page(PAGE.generated_at, has_color=True))
    assert "\x1b" not in plain
    assert [word for word in strip(colored).split() if word] == [word for word in plain.split() if word]


def strip(text: str) -> str:
    """Return a text without its escape sequences."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("report", REPORTS, ids=FORMATS)
def test_ten_thousand_models_are_written_in_seconds(report: Report) -> None:
    """Half of them with advice."""
    advice = told(history({f"m{k:05d}": [k % 90] for k in range(10_000)}, days=90))
    text = report.render(advice, PAGE)
    # A table for people ends after two hundred lines and says how many more there are.
    left = len(advice.recommendations) - MAX_ROWS
    assert (
        text.count('"kind"') == 10_000 * len(DEFAULT_KINDS) or f"… and {left} more; --format json has them all." in text
    )


def test_every_format_file_is_in_the_registry() -> None:
    """A file of this folder that is not listed could not be chosen."""
    files = {file.stem for file in Path(genotel.report.__path__[0]).glob("*.py")} - NO_FORMATS
    assert files == set(FORMATS)
    assert [type(entry).__module__.rpartition(".")[2] for entry in REPORTS] == list(FORMATS)


def test_a_format_that_does_not_exist_is_refused_with_those_that_do() -> None:
    """One line that can be acted on."""
    with pytest.raises(SettingsError, match="unknown format 'pdf'; the formats are table, json"):
        report_named("pdf")


def test_json_has_the_keys_that_programs_read() -> None:
    """Keys and types as they are promised; unknown is null."""
    content = json.loads(report_named("json").render(examples()["forecast"], PAGE))
    assert list(content) == ["generated_at", "source", "window", "recommendations", "withheld"]
    assert list(content["window"]) == ["start", "end"]
    (entry,) = content["recommendations"]
    assert list(entry) == [
        "kind",
        "model",
        "priority",
        "confidence",
        "reason_code",
        "reason",
        "evidence",
        "saving",
        "next_use",
    ]
    assert entry["saving"] == {"bytes": 24_000_000_000, "seconds_per_day": 540.0}
    assert entry["next_use"] == "2025-03-01T12:00:00Z"
    assert entry["confidence"] == 0.9996
    withheld = json.loads(report_named("json").render(examples()["gaps"], PAGE))["withheld"]
    assert {"kind": "cleanup", "model": "sdxl", "reason_code": "observation_gaps"} in withheld
    empty = json.loads(report_named("json").render(examples()["empty"], PAGE))
    assert empty["window"] == {"start": None, "end": None}
