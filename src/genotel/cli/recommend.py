"""``genotel recommend``: advice on which models to delete and which are broken."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from genotel.clock import SYSTEM_CLOCK
from genotel.errors import SettingsError
from genotel.history.from_events import Events
from genotel.history.from_journal import Journal
from genotel.history.source import HistorySource
from genotel.recommenders.advice import Advice, advise, check_kinds
from genotel.recommenders.recommendation import Priority
from genotel.report.registry import report_named
from genotel.report.report import Page
from genotel.settings import default_journal_path, load_settings

# Of a report that goes to a file or a pipe: wide enough for a table.
_PIPED_COLUMNS = 120


def recommend(
    journal: Annotated[Path | None, typer.Option(help="Read the history from a journal file.")] = None,
    events: Annotated[
        Path | None,
        typer.Option(
            help="Read the history from a CSV file with the header "
            "timestamp,model[,status,duration_seconds,load_seconds,size_bytes]."
        ),
    ] = None,
    format_name: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
    kind: Annotated[list[str] | None, typer.Option(help="A kind of advice (repeatable): cleanup, performance.")] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(help="End with exit code 1 if there is advice of this priority (high, medium, low) or above."),
    ] = None,
) -> None:
    """Say which models can be deleted and which are failing, how sure that is, and why."""
    report = report_named(format_name)
    limit = _priority(fail_on)
    kinds = check_kinds(kind)
    settings = load_settings()
    source = _source(journal, events)
    advice = advise(source.load_usage(), kinds, settings.advice)
    page = Page(generated_at=SYSTEM_CLOCK.wall(), width=_columns(), has_color=_has_color())
    sys.stdout.write(report.render(advice, page))
    sys.stdout.flush()
    if limit is not None and _has_advice_from(limit, advice):
        raise typer.Exit(1)


def _source(journal: Path | None, events: Path | None) -> HistorySource:
    if journal is not None and events is not None:
        raise SettingsError("give one of --journal and --events, not both")
    if events is not None:
        return Events(events)
    if journal is not None:
        return Journal(journal)
    path = load_settings().journal.journal or default_journal_path()
    if not path.exists():
        raise SettingsError(
            f"no history to read: there is no journal at {path}; name one with --journal FILE, or an event list with "
            "--events FILE.csv"
        )
    return Journal(path)


def _priority(name: str | None) -> Priority | None:
    if name is None:
        return None
    try:
        return Priority(name)
    except ValueError:
        raise SettingsError(f"unknown priority {name!r}; the priorities are {', '.join(Priority)}") from None


def _has_advice_from(limit: Priority, advice: Advice) -> bool:
    return any(entry.priority.rank >= limit.rank for entry in advice.recommendations)


def _columns() -> int:
    # shutil also heeds $COLUMNS, which tests and people set.
    return shutil.get_terminal_size((_PIPED_COLUMNS, 24)).columns


def _has_color() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
