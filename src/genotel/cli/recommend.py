"""``genotel recommend``: advice on which models to delete and which are broken."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from genotel.actions.apply import plan, this_machine
from genotel.actions.removal_script import removal_script
from genotel.cli.removal_dialogue import KIND as CLEANUP
from genotel.cli.removal_dialogue import act, chosen, say_left_out
from genotel.cli.sources import (
    BearerTokenFile,
    CaFile,
    CertificateFile,
    CheckpointFile,
    Days,
    EventsFile,
    Headers,
    JournalFile,
    KeyFile,
    PrometheusUrl,
    ServerOptions,
    SourceNames,
    Tenant,
    chosen_source,
)
from genotel.cli.watching import (
    Host,
    Interval,
    MemoryFile,
    Port,
    Watch,
    WatchOptions,
    WebhookSecret,
    WebhookUrl,
)
from genotel.clock import SYSTEM_CLOCK
from genotel.errors import SettingsError
from genotel.recommenders.advice import Advice, advise, check_kinds
from genotel.recommenders.recommendation import Priority
from genotel.report.hand_over import KIND, hand_over
from genotel.report.registry import report_named
from genotel.report.report import Page
from genotel.report.writing import write_report
from genotel.settings import load_settings

# Of a report that goes to a file or a pipe: wide enough for a table.
_PIPED_COLUMNS = 120


def recommend(
    prometheus: PrometheusUrl = None,
    journal: JournalFile = None,
    events: EventsFile = None,
    format_name: Annotated[str, typer.Option("--format", help="table, json, csv, markdown or html.")] = "table",
    output: Annotated[Path | None, typer.Option(help="Write the report to this file, whole or not at all.")] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="A kind of advice (repeatable): cleanup, performance, preload, priority; the last if asked."),
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(help="End with exit code 1 if there is advice of this priority (high, medium, low) or above."),
    ] = None,
    hand_over_to: Annotated[
        str | None,
        typer.Option(
            "--hand-over", help="Print the models to keep loaded for a server: plan, ollama, triton, llama-swap, vllm."
        ),
    ] = None,
    memory_bytes: Annotated[
        int | None, typer.Option(min=0, help="With --hand-over: what the models may take together.")
    ] = None,
    tenant: Tenant = None,
    bearer_token_file: BearerTokenFile = None,
    header: Headers = None,
    ca_file: CaFile = None,
    cert_file: CertificateFile = None,
    key_file: KeyFile = None,
    days: Days = None,
    source_name: SourceNames = None,
    checkpoint: CheckpointFile = None,
    emit_script: Annotated[
        bool,
        typer.Option("--emit-script", help="Print a shell script that deletes models; without --yes it tells."),
    ] = False,
    apply_it: Annotated[
        bool, typer.Option("--apply", help="Ask about each model to delete and move it to a trash, with an undo file.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --apply: do not ask; without --from-priority only what is high.")
    ] = False,
    from_priority: Annotated[
        str | None,
        typer.Option(help="With --apply and --emit-script: from which priority on advice counts; by default medium."),
    ] = None,
    watch: Watch = False,
    interval: Interval = None,
    host: Host = None,
    port: Port = None,
    memory: MemoryFile = None,
    webhook: WebhookUrl = None,
    webhook_secret_file: WebhookSecret = None,
) -> None:
    """Say which models can be deleted and which are failing, how sure that is, and why."""
    report = report_named(format_name)
    limit = _priority(fail_on)
    if sum((emit_script, apply_it, hand_over_to is not None)) > 1:
        raise SettingsError("give one of --apply, --emit-script and --hand-over")
    if (yes and not apply_it) or (from_priority is not None and not (apply_it or emit_script)):
        raise SettingsError("--yes needs --apply; --from-priority needs --apply or --emit-script")
    if output is not None and (emit_script or apply_it):
        raise SettingsError("--output is for reports; a script goes to stdout, where a shell can take it")
    least = _priority(from_priority) or (Priority.HIGH if yes else Priority.MEDIUM)
    if emit_script or apply_it:
        kind = [CLEANUP]
    kinds = check_kinds(kind if hand_over_to is None else [KIND])
    settings = load_settings()
    access = ServerOptions(
        tenant,
        bearer_token_file,
        tuple(header or ()),
        ca_file,
        cert_file,
        key_file,
        days,
        tuple(source_name or ()),
    )
    source = chosen_source(prometheus, journal, events, access, checkpoint)
    watching = WatchOptions(interval, host, port, memory, webhook, webhook_secret_file)
    if watch:
        reports = {"--output": output, "--fail-on": fail_on, "--hand-over": hand_over_to}
        reports["--format"] = None if format_name == "table" else format_name
        watching.refuse_with_watch(reports | {"--apply": apply_it, "--emit-script": emit_script})
        watching.run(source, kinds)
        return
    watching.refuse_without_watch()
    advice = advise(source.load_usage(), kinds, settings.advice)
    if emit_script or apply_it:
        machine = this_machine(settings, journal)
        if emit_script:
            planned = plan(chosen(advice, least), advice.window[0] if advice.window else 0.0, machine)
            say_left_out(advice, least)
            _write_bytes(removal_script(planned, advice.source, SYSTEM_CLOCK.wall()))
        elif not act(advice, machine, least=least, without_asking=yes, as_json=format_name == "json"):
            raise typer.Exit(1)
        return
    page = Page(
        generated_at=SYSTEM_CLOCK.wall(),
        width=_PIPED_COLUMNS if output else _columns(),
        has_color=output is None and _has_color(),
    )
    text = report.render(advice, page) if hand_over_to is None else hand_over(advice, hand_over_to, memory_bytes)
    if output is not None:
        write_report(text, output)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
    if limit is not None and _has_advice_from(limit, advice):
        raise typer.Exit(1)


def _priority(name: str | None) -> Priority | None:
    if name is None:
        return None
    try:
        return Priority(name)
    except ValueError:
        raise SettingsError(f"unknown priority {name!r}; the priorities are {', '.join(Priority)}") from None


def _has_advice_from(limit: Priority, advice: Advice) -> bool:
    return any(entry.priority.rank >= limit.rank for entry in advice.recommendations)


def _write_bytes(text: str) -> None:
    # A path may hold bytes that are no text.
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(text))
    sys.stdout.buffer.flush()


def _columns() -> int:
    # shutil also heeds $COLUMNS, which tests and people set.
    return shutil.get_terminal_size((_PIPED_COLUMNS, 24)).columns


def _has_color() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
