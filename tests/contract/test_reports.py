"""What holds for every format of a report: it renders anything, and is as it was."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from functools import cache
from html import escape as html_escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

import genotel.report
from genotel.errors import SettingsError
from genotel.history.usage import UsageHistory, empty_history
from genotel.recommenders.advice import Advice, advise
from genotel.recommenders.recommendation import Priority, Reason, Recommendation, Saving, Withheld
from genotel.recommenders.registry import DEFAULT_KINDS
from genotel.report import html, markdown, table
from genotel.report.registry import FORMATS, REPORTS, report_named
from genotel.report.report import Page, Report
from genotel.settings import AdviceSettings
from histories import EPOCH, history
from tests.architecture.test_registries import FOLDERS

GOLDEN = Path(__file__).parent.parent / "golden" / "reports"
NO_FORMATS = {"__init__", *FOLDERS["report"].others}
PAGE = Page(generated_at=EPOCH + 61 * 86_400)


def told(known: UsageHistory) -> Advice:
    """Return all advice on a history, with the settings as they come."""
    return advise(known, DEFAULT_KINDS, AdviceSettings())


@cache
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
        "forecast": Advice("a test", mixed.window, (forecast,), (), models=6, observed_ratio=0.999),
        "quiet": told(history({"sdxl": daily}, days=60)),
        "gaps": told(history({"sdxl": [0], "flux": daily}, days=60, hidden=range(5, 20))),
        "empty": told(empty_history("journal journal.db")),
        "hostile": hostile(),
    }


NASTY = (
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    " @SUM(1)",
    "a|b\\|c",
    "`tick` ![x](http://evil.example/x.png) @everyone",
    "line one\nline two\r\n| a | row |",
    "\x1b[2Jcleared \u202eesrever\x00",
    '"><img src=x onerror=alert(1)>',
    "&lt;b&gt; half \ud800",
    "```",
)


def hostile() -> Advice:
    """Return advice in which everything that is not ours is written by an enemy."""
    entries = tuple(
        Recommendation(
            model=name,
            kind="cleanup",
            priority=Priority.HIGH,
            confidence=0.96,
            reason_code=Reason.UNUSED,
            reason=f"Not like {name}.",
            evidence={"idle_days": 40.0, "said": name},
        )
        for name in NASTY
    )
    held = tuple(Withheld(name, "preload", Reason.USED_SELDOM) for name in NASTY)
    return Advice(NASTY[0], (EPOCH, EPOCH + 86_400 * 60), entries, held, notes=NASTY, models=10, observed_ratio=1.0)


@pytest.mark.parametrize("example", ["mixed", "forecast", "quiet", "gaps", "empty", "hostile"])
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
    """Narrow terminals wrap at words of ours, not in the middle of a table; other formats have no width."""
    for example in ("mixed", "hostile"):
        text = report.render(examples()[example], Page(generated_at=EPOCH, width=width))
        assert text.endswith("\n")
        assert report.name != "table" or max(map(cell_len, text.splitlines())) <= width


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


@cache
def ten_thousand() -> Advice:
    """Return advice on ten thousand models."""
    return told(history({f"m{k:05d}": [k % 90] for k in range(10_000)}, days=90))


@pytest.mark.parametrize("report", REPORTS, ids=FORMATS)
def test_ten_thousand_models_are_written_in_seconds(report: Report) -> None:
    """Half of them with advice."""
    advice = ten_thousand()
    text = report.render(advice, PAGE)
    # A table for people ends after two hundred lines and says how many more there are.
    said = len(advice.recommendations)
    if report.name == "json":
        assert text.count('"kind"') == 10_000 * len(DEFAULT_KINDS)
    elif report.name == "csv":
        assert text.count("\n") == 1 + 10_000 * len(DEFAULT_KINDS)
    else:
        shown = {"table": table.MAX_ROWS, "markdown": markdown.MAX_ROWS, "html": html.MAX_ROWS}[report.name]
        assert f"… and {said - shown} more; --format json has them all." in text


def test_every_format_file_is_in_the_registry() -> None:
    """A file of this folder that is not listed could not be chosen."""
    files = {file.stem for file in Path(genotel.report.__path__[0]).glob("*.py")} - NO_FORMATS
    assert files == set(FORMATS)
    assert [type(entry).__module__.rpartition(".")[2] for entry in REPORTS] == list(FORMATS)


def test_a_format_that_does_not_exist_is_refused_with_those_that_do() -> None:
    """One line that can be acted on."""
    with pytest.raises(SettingsError, match="unknown format 'pdf'; the formats are table, json, csv, markdown, html"):
        report_named("pdf")


def test_json_has_the_keys_that_programs_read() -> None:
    """Keys and types as they are promised; unknown is null."""
    content = json.loads(report_named("json").render(examples()["forecast"], PAGE))
    assert list(content) == ["generated_at", "source", "window", "recommendations", "withheld", "explanation"]
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
        "would_change",
    ]
    assert entry["saving"] == {"bytes": 24_000_000_000, "seconds_per_day": 540.0}
    assert entry["next_use"] == "2025-03-01T12:00:00Z"
    assert entry["confidence"] == 0.9996
    withheld = json.loads(report_named("json").render(examples()["gaps"], PAGE))["withheld"]
    assert {"kind": "cleanup", "model": "sdxl", "reason_code": "observation_gaps"} in withheld
    empty = json.loads(report_named("json").render(examples()["empty"], PAGE))
    assert empty["window"] == {"start": None, "end": None}


@pytest.mark.parametrize("report", REPORTS, ids=FORMATS)
def test_advice_says_what_would_change_it_and_absence_says_why(report: Report) -> None:
    """With the window, the models and the share that was watched; in every format."""
    advice = examples()["mixed"]
    text = " ".join(report.render(advice, Page(EPOCH, width=1000)).replace("\\", "").split())
    for entry in advice.recommendations:
        assert html_escape(entry.reason_code.would_change) in text or entry.reason_code.would_change in text
    for absence in advice.withheld:
        assert absence.reason_code.value in text or absence.reason_code.value.replace("_", " ") in text
    assert "2024-12-30" in text
    assert "100 % of the hours observed" in text or '"observed_ratio": 1.0' in text or ",1.0," in text


@pytest.mark.parametrize("report", [entry for entry in REPORTS if entry.name != "json"], ids=lambda entry: entry.name)
def test_nothing_that_a_name_holds_reaches_the_terminal_or_breaks_a_line(report: Report) -> None:
    """No escape sequence, no direction of writing, no half of a character; JSON keeps a name exactly."""
    text = report.render(examples()["hostile"], PAGE)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert "\ufffd" in text


def test_a_spreadsheet_runs_nothing() -> None:
    """What begins like a formula begins with an apostrophe; each piece of advice is one line of so many cells."""
    text = report_named("csv").render(examples()["hostile"], PAGE)
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == text.count("\n") == 1 + 3 * len(NASTY)
    assert {len(row) for row in rows} == {17}
    assert not [cell for row in rows for cell in row if cell.lstrip().startswith(("=", "+", "-", "@"))]
    models = [row[2] for row in rows if row[0] == "advised"]
    assert models[1] == "'=cmd|' /C calc'!A0"
    assert json.loads(rows[-len(NASTY) - 1][12])["said"] == NASTY[-1]


def test_a_browser_loads_and_runs_nothing() -> None:
    """Only elements of ours, none that loads, each closed; and a policy that forbids what slips through."""
    for name, advice in examples().items():
        page = _Elements()
        page.feed(report_named("html").render(advice, PAGE))
        page.close()
        assert page.open == [], name
        assert not page.seen & {"script", "img", "link", "iframe", "object", "embed", "form", "base", "a"}
        assert not {attribute for attribute in page.attributes if attribute.startswith("on")}
        assert page.attributes.isdisjoint({"src", "href", "style", "action"})
    policy = re.search(r"Content-Security-Policy\" content=\"([^\"]+)\"", report_named("html").render(hostile(), PAGE))
    style = re.search(r"<style>(.*)</style>", report_named("html").render(hostile(), PAGE), re.DOTALL)
    assert policy is not None
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1] == f"default-src 'none'; style-src 'sha256-{digest}'"


class _Elements(HTMLParser):
    """Remember which elements and attributes a page has, and which are still open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_markdown_stays_a_table() -> None:
    """A row has five cells whatever its names hold, and no name becomes markup."""
    text = report_named("markdown").render(examples()["hostile"], PAGE)
    rows = [line for line in text.splitlines() if line.startswith("| high ")]
    assert len(rows) == len(NASTY)
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}
    outside = re.sub(r"(`+) ?.*?\1", "", text)
    assert "<script" not in outside
    assert "<img" not in outside
    assert "![" not in outside
    assert re.search(r"(?<!\\)@", outside) is None
    assert "http://" not in outside


@given(name=st.text(max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_name_can_be_shown(name: str) -> None:
    """Every format stays well-formed, and is text that a file takes."""
    entry = Recommendation(
        model=name,
        kind="cleanup",
        priority=Priority.LOW,
        confidence=0.6,
        reason_code=Reason.UNUSED,
        reason=f"{name}.",
        evidence={name or "x": name},
    )
    advice = Advice(name, (EPOCH, EPOCH + 1), (entry,), (Withheld(name, "preload", Reason.IN_USE),), notes=(name,))
    texts = {report.name: report.render(advice, PAGE) for report in REPORTS}
    assert json.loads(texts["json"])["recommendations"][0]["model"] == name
    assert len(list(csv.reader(io.StringIO(texts["csv"])))) == 4 == texts["csv"].count("\n")
    page = _Elements()
    page.feed(texts["html"])
    page.close()
    assert page.open == []
    (row,) = [line for line in texts["markdown"].splitlines() if line.startswith("| low ")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 6
    for format_name in ("csv", "html", "markdown", "table"):
        texts[format_name].encode("utf-8")


def test_a_page_counts_what_a_model_saves_once() -> None:
    """Two findings about one model may have one cause."""
    (entry,) = examples()["forecast"].recommendations
    less = replace(entry, kind="performance", saving=Saving(bytes=None, seconds_per_day=400.0))
    other = replace(entry, model="other", saving=Saving(bytes=1_000_000_000))
    text = report_named("html").render(replace(examples()["forecast"], recommendations=(entry, less, other)), PAGE)
    assert "<b>25.0 GB</b> to free" in text
    assert "<b>9 min</b> saved a day" in text
