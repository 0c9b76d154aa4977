"""``genotel backfill``: give Prometheus the history that a journal or an event list holds."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from genotel.actions.backfill.loading import load_into_victoria_metrics, load_with_promtool, write_text
from genotel.actions.backfill.openmetrics import Target, openmetrics
from genotel.actions.backfill.uses import Uses, uses_of_events, uses_of_journal
from genotel.errors import SettingsError
from genotel.prometheus_api.access import ServerAccess
from genotel.settings import default_journal_path, load_settings

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_LABEL = re.compile(r"([a-zA-Z_]\w*)=(.*)", re.ASCII)


def backfill(
    journal: Annotated[Path | None, typer.Option(help="Read a journal file; by default that of this machine.")] = None,
    events: Annotated[Path | None, typer.Option(help="Read a CSV file of uses, as recommend --events does.")] = None,
    days: Annotated[float, typer.Option(min=0.01, max=3650, help="How much of it, from its end.")] = 90.0,
    job: Annotated[str, typer.Option(help="Job of the series.")] = "genotel-programs",
    instance: Annotated[
        str, typer.Option(help="Instance of the series: the page that is scraped from now on.")
    ] = "127.0.0.1:9464",
    interval: Annotated[str, typer.Option(help="Time between two scrapes; from 5m on graphs have gaps.")] = "4m",
    label: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A further label of every series (repeatable).")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the text to this file; by default to stdout.")] = None,
    data_folder: Annotated[
        Path | None, typer.Option(help="Put it into this data folder of Prometheus, by promtool.")
    ] = None,
    promtool: Annotated[str, typer.Option(help="The promtool to use.")] = "promtool",
    victoria_metrics: Annotated[
        str | None, typer.Option(metavar="URL", help="Send it to this VictoriaMetrics.")
    ] = None,
    bearer_token_file: Annotated[Path | None, typer.Option(help="File with the token for it.")] = None,
) -> None:
    """Write the history of a journal or an event list as Prometheus would have scraped it.

    OpenMetrics with timestamps goes to stdout, to a file, into a data folder of Prometheus or into
    VictoriaMetrics. Prometheus must keep samples for longer than the history is old.
    """
    named = [
        name
        for name, value in (
            ("--output", output),
            ("--data-folder", data_folder),
            ("--victoria-metrics", victoria_metrics),
        )
        if value is not None
    ]
    if len(named) > 1:
        raise SettingsError(f"give one of {' and '.join(named)}")
    target = Target(job, instance, _seconds(interval), dict(map(_pair, label or ())))
    uses = _uses(journal, events, days)
    pieces = openmetrics(uses, target)
    if data_folder is not None:
        program = shutil.which(promtool)
        if program is None:
            raise SettingsError(f"no program {promtool}; it comes with Prometheus, or give --promtool its path")
        load_with_promtool(pieces, program, data_folder)
    elif victoria_metrics is not None:
        load_into_victoria_metrics(pieces, ServerAccess(url=victoria_metrics, bearer_token_file=bearer_token_file))
    elif output is not None:
        write_text(pieces, output)
    else:
        _print(pieces)
    _tell(uses, data_folder)


def _print(pieces: Iterable[str]) -> None:
    try:
        sys.stdout.writelines(pieces)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads has enough; at exit Python would write what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _uses(journal: Path | None, events: Path | None, days: float) -> Uses:
    if journal is not None and events is not None:
        raise SettingsError("give one of --journal and --events, not both")
    if events is not None:
        return uses_of_events(events, days)
    return uses_of_journal(journal or load_settings().journal.journal or default_journal_path(), days)


def _seconds(text: str) -> float:
    match = re.fullmatch(r"([1-9]\d*)([smh])", text)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 1 <= seconds <= 3600:
        raise SettingsError(f"--interval {text!r} is no duration from 1s to 1h, such as 4m")
    return seconds


def _pair(text: str) -> tuple[str, str]:
    match = _LABEL.fullmatch(text)
    if match is None or match[1].startswith("__") or match[1] in {"job", "instance"}:
        raise SettingsError(f"--label {text!r} is no name=value, such as origin=backfill")
    return match[1], match[2]


def _tell(uses: Uses, data_folder: Path | None) -> None:
    models = len({use.model for use in uses.uses})
    word = "model" if models == 1 else "models"
    print(
        f"genotel: {len(uses.uses)} calls, {models} {word}, from {_date(uses.start)} to {_date(uses.end)}",
        file=sys.stderr,
    )
    if data_folder is not None:
        # What is older than the retention is deleted when Prometheus starts.
        age = int((datetime.now(UTC).timestamp() - uses.start) // 86_400) + 2
        print(
            f"genotel: start Prometheus with --storage.tsdb.path={data_folder} "
            f"--storage.tsdb.retention.time={max(age, load_settings().export.retention_days)}d",
            file=sys.stderr,
        )


def _date(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")
