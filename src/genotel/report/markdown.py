"""Advice as Markdown, for issues, wikis and chats: a table for each kind (GitHub's dialect)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import ClassVar

from genotel.recommenders.advice import Advice
from genotel.recommenders.recommendation import Recommendation
from genotel.report.report import Page
from genotel.report.sentences import absences, evidence, heading, more, nothing, saving
from genotel.report.wording import one_line, sureness, timestamp

# More than that nobody reads, and no issue tracker takes.
MAX_ROWS = 200
_SPECIAL = re.compile(r"([\\`*_\[\]|~#!@])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class MarkdownReport:
    """Write advice as headings and tables; nothing that a name holds becomes markup, a link or a mention."""

    name: ClassVar[str] = "markdown"

    def render(self, advice: Advice, page: Page) -> str:
        """Return the report, of the first two hundred pieces of advice."""
        return "\n".join(_lines(advice, page)) + "\n"


def _lines(advice: Advice, page: Page) -> Iterator[str]:
    yield "# Advice\n"
    yield f"{_text(heading(advice))} Made at {timestamp(page.generated_at)}.\n"
    for note in advice.notes:
        yield f"> Note: {_text(note)}\n"
    if not advice.recommendations:
        yield f"{nothing(advice)}\n"
    shown = advice.recommendations[:MAX_ROWS]
    for kind, entries in groupby(shown, key=lambda entry: entry.kind):
        yield f"## {_text(kind.capitalize())}\n"
        method = advice.methods.get(kind)
        if method:
            yield f"Probabilities: {_text(method)}.\n"
        yield "| priority | model | sure | saves | why |"
        yield "|---|---|--:|--:|---|"
        yield from map(_row, entries)
        yield ""
    left = more(advice, len(shown))
    if left:
        yield f"{left}\n"
    if advice.withheld:
        yield "## No advice\n"
        yield "| advice | reason | models | what would change it |"
        yield "|---|---|--:|---|"
        for absence in absences(advice):
            cells = (_text(absence.kind), _text(absence.reason), str(absence.models), _text(absence.would_change))
            yield f"| {' | '.join(cells)} |"


def _row(entry: Recommendation) -> str:
    figures = ", ".join(f"{name} {value}" for name, value in evidence(entry))
    why = [_text(entry.reason), f"Would change it: {_text(entry.reason_code.would_change)}"]
    if figures:
        why.append(f"Evidence: {_text(figures)}.")
    cells = (entry.priority.value, _code(entry.model), sureness(entry.confidence), saving(entry), "<br>".join(why))
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    escaped = "".join(_ENTITIES.get(letter, letter) for letter in one_line(text))
    # GitHub makes a link of whatever has a scheme or www.
    return _SPECIAL.sub(r"\\\1", escaped).replace("://", r"\://").replace("www.", r"www\.")


def _code(text: str) -> str:
    """Return a name as it is, in a code span: there only the pipe of the table around it counts."""
    text = one_line(text)
    if "\\|" in text:
        # What the table makes of the two in a span differs between readers.
        return _text(text)
    text = text.replace("|", r"\|")
    runs = re.findall("`+", text)
    fence = "`" * (max(map(len, runs), default=0) + 1)
    # A space at each end is no part of a span, and a name of spaces alone shows as such.
    return f"{fence} {text} {fence}" if runs or not text.strip() else f"{fence}{text}{fence}"
