"""Advice as a table for people, on wide and narrow terminals, with and without colour."""

from __future__ import annotations

from io import StringIO
from itertools import groupby
from typing import ClassVar

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from genotel.recommenders.advice import Advice
from genotel.recommenders.recommendation import Priority, Recommendation
from genotel.report.report import Page
from genotel.report.sentences import absences, heading, more, nothing, saving
from genotel.report.wording import one_line, sureness

# Below this many columns a table's last column becomes a ribbon of words: paragraphs read better.
NARROW_COLUMNS = 100
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
        console.print(heading(advice))
        for note in advice.notes:
            console.print(Text(f"Note: {one_line(note)}", overflow="fold"))
        if advice.recommendations and page.width < NARROW_COLUMNS:
            _paragraphs(console, advice)
        elif advice.recommendations:
            console.print(_table(advice))
        else:
            console.print(nothing(advice))
        left = more(advice, MAX_ROWS)
        if left:
            console.print(left)
        if advice.withheld:
            console.print()
            console.print(_withheld(advice))
        return "".join(line.rstrip() + "\n" for line in text.getvalue().splitlines())


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
            Text(one_line(entry.model)),
            sureness(entry.confidence),
            saving(entry),
            _why(entry),
        )
    return table


def _paragraphs(console: Console, advice: Advice) -> None:
    for entry in advice.recommendations[:MAX_ROWS]:
        console.print()
        saved = saving(entry)
        console.print(Text(f"{entry.kind}: {one_line(entry.model)}", style="bold", overflow="fold"))
        console.print(
            Text.assemble(
                (entry.priority.value, _STYLES[entry.priority]),
                f", {sureness(entry.confidence)} sure" + (f", saves {saved}" if saved else ""),
            )
        )
        console.print(Padding(_why(entry), (0, 0, 0, 2)))


def _why(entry: Recommendation) -> Text:
    return Text.assemble(
        one_line(entry.reason), " ", (f"Would change it: {one_line(entry.reason_code.would_change)}", "dim")
    )


def _withheld(advice: Advice) -> str:
    lines = ["No advice (models by reason; --format json names each):"]
    for kind, entries in groupby(absences(advice), key=lambda absence: absence.kind):
        lines.append(f"  {kind}: " + ", ".join(f"{entry.reason} {entry.models}" for entry in entries))
    return "\n".join(lines)
