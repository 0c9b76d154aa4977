"""``genotel backtest``: how good the advice would have been on one's own past."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from genotel.errors import SettingsError
from genotel.recommenders.backtest import backtest as run_backtest
from genotel.recommenders.replay import Objective
from genotel.recommenders.trace import Trace, trace_of_events, trace_of_journal
from genotel.report.backtest_html import backtest_html
from genotel.report.backtest_json import backtest_json
from genotel.report.backtest_text import backtest_text
from genotel.settings import default_journal_path, load_settings

# Name -> what writes it. One visible line per format.
FORMATS = {"text": backtest_text, "json": backtest_json, "html": backtest_html}


def backtest(
    journal: Annotated[Path | None, typer.Option(help="Read the single calls of a journal file.")] = None,
    events: Annotated[
        Path | None,
        typer.Option(
            help="Read the uses from a CSV file with the header "
            "timestamp,model[,status,duration_seconds,load_seconds,size_bytes]."
        ),
    ] = None,
    slots: Annotated[
        str | None, typer.Option(help="How many models there is room for, such as 4,9,17; by default 5, 10 and 20 %.")
    ] = None,
    memory_bytes: Annotated[
        str | None, typer.Option(help="How many bytes of models there is room for instead, such as 24e9,48e9.")
    ] = None,
    objective: Annotated[
        str, typer.Option(help="What auto is to have few of: cold-starts or load-seconds.")
    ] = Objective.COLD_STARTS.value,
    horizons: Annotated[str, typer.Option(help="Horizons of cleanup in days.")] = "3,7,30",
    evaluate_from_day: Annotated[int, typer.Option(min=1, help="Days to learn from before judging begins.")] = 7,
    load_seconds: Annotated[
        float | None, typer.Option(min=0.0, help="What a load takes; 0 makes loads free. By default as measured.")
    ] = None,
    format_name: Annotated[str, typer.Option("--format", help="text, json or html.")] = "text",
) -> None:
    """Play every policy and the cleanup advice on the past, and say how good each would have been."""
    if format_name not in FORMATS:
        raise SettingsError(f"unknown format {format_name!r}; the formats are {', '.join(FORMATS)}")
    if slots is not None and memory_bytes is not None:
        raise SettingsError("give one of --slots and --memory-bytes, not both")
    if objective not in [*Objective]:
        raise SettingsError(f"unknown objective {objective!r}; there are {', '.join(Objective)}")
    counts = None if slots is None else _counts(slots, "--slots")
    result = run_backtest(
        _trace(journal, events),
        slots=counts,
        memory_bytes=() if memory_bytes is None else _bytes(memory_bytes),
        objective=Objective(objective),
        horizons=_counts(horizons, "--horizons"),
        evaluate_from_day=evaluate_from_day,
        load_seconds=load_seconds,
        settings=load_settings().advice,
    )
    sys.stdout.write(FORMATS[format_name](result))
    sys.stdout.flush()


def _trace(journal: Path | None, events: Path | None) -> Trace:
    if journal is not None and events is not None:
        raise SettingsError("give one of --journal and --events, not both")
    if events is not None:
        return trace_of_events(events)
    path = journal or load_settings().journal.journal or default_journal_path()
    if journal is None and not path.exists():
        raise SettingsError(
            f"no history to read: there is no journal at {path}; name one with --journal FILE, or an event list with "
            "--events FILE.csv"
        )
    return trace_of_journal(path)


def _bytes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(float(part)) for part in text.split(","))
    except (ValueError, OverflowError):
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise SettingsError(
            f"--memory-bytes is {text!r}, expected numbers of bytes, separated by commas, such as 24e9,48e9"
        )
    return tuple(dict.fromkeys(sizes))


def _counts(text: str, option: str) -> tuple[int, ...]:
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        counts = ()
    if not counts or min(counts) < 1:
        raise SettingsError(f"{option} is {text!r}, expected whole numbers from 1, separated by commas, such as 3,7")
    return tuple(dict.fromkeys(counts))
