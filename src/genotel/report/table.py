"""Advice as a table for people, on wide and narrow terminals, with and without colour."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from typing import ClassVar

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from genotel.recommenders.advice import Advice
from genotel.recommenders.recommendation import Priority, Recommendation
from genotel.report.report import Page
from genotel.report.wording import date, duration, percent, size

# Below this many columns a table's last column becomes a ribbon of words: paragraphs read better.
NARROW_COLUMNS = 80
# Nobody reads more than this, and laying out thousands of rows would take ten seconds.
MAX_ROWS = 200
_STYLES = {Priority.HIGH: "bold red", Priority.MEDIUM: "yellow", Priority.LOW: "dim"}


class TableReport:
    """Write advice as a table, or as paragraphs where a table would not fit."""

    name: ClassVar[str] = "table"

    def render(self, advice: Advice, page: Page) -> str:
        """Return the report; colours repeat what the words say."""
        text = StringIO()
        console = Console(
            file=text,
            width=page.width,
            force_terminal=page.has_color,
            no_color=not page.has_color,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )
        console.print(_heading(advice))
        for note in advice.notes:
            console.print(Text(f"Note: {note}", overflow="fold"))
        if advice.recommendations and page.width < NARROW_COLUMNS:
            _paragraphs(console, advice)
        elif advice.recommendations:
            console.print(_table(advice))
        else:
            console.print("Nothing to advise." if advice.withheld else "No model is known: there is nothing to advise.")
        more = len(advice.recommendations) - MAX_ROWS
        if more > 0:
            console.print(f"… and {more} more; --format json has them all.")
        if advice.withheld:
            console.print()
            console.print(_withheld(advice))
        return "".join(line.rstrip() + "\n" for line in text.getvalue().splitlines())


def _heading(advice: Advice) -> str:
    if advice.window is None:
        return f"Advice from {advice.source}, which holds no history yet."
    start, end = advice.window
    return f"Advice from {advice.source}, {date(start)} to {date(end)} ({duration(end - start)})."


def _table(advice: Advice) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("priority", no_wrap=True)
    table.add_column("advice", no_wrap=True)
    table.add_column("model", overflow="fold", ratio=2)
    table.add_column("sure", justify="right", no_wrap=True)
    table.add_column("saves", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold", ratio=5)
    for entry in advice.recommendations[:MAX_ROWS]:
        table.add_row(
            Text(entry.priority.value, style=_STYLES[entry.priority]),
            entry.kind,
            Text(entry.model),
            percent(entry.confidence),
            _saving(entry),
            Text(entry.reason),
        )
    return table


def _paragraphs(console: Console, advice: Advice) -> None:
    for entry in advice.recommendations[:MAX_ROWS]:
        console.print()
        saving = _saving(entry)
        console.print(Text(f"{entry.kind}: {entry.model}", style="bold", overflow="fold"))
        console.print(
            Text.assemble(
                (entry.priority.value, _STYLES[entry.priority]),
                f", {percent(entry.confidence)} sure" + (f", saves {saving}" if saving else ""),
            )
        )
        console.print(Padding(Text(entry.reason), (0, 0, 0, 2)))


def _saving(entry: Recommendation) -> str:
    parts = []
    if entry.saving.bytes is not None:
        parts.append(size(entry.saving.bytes))
    if entry.saving.seconds_per_day is not None:
        parts.append(f"{duration(entry.saving.seconds_per_day)} a day")
    return ", ".join(parts)


def _withheld(advice: Advice) -> str:
    counts = Counter((entry.kind, entry.reason_code.value.replace("_", " ")) for entry in advice.withheld)
    lines = ["No advice (models by reason; --format json names each):"]
    kinds = dict.fromkeys(kind for kind, _ in counts)
    for kind in kinds:
        reasons = ", ".join(f"{reason} {count}" for (of, reason), count in counts.most_common() if of == kind)
        lines.append(f"  {kind}: {reasons}")
    return "\n".join(lines)
