"""``genotel provision``: configuration of Prometheus, Alertmanager and Grafana, for this machine or a fleet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from genotel.actions.provision.checks import checked
from genotel.actions.provision.folder import Change, State, compared, left_over, write
from genotel.actions.provision.layouts import LAYOUTS, layout_named
from genotel.actions.provision.programs import find_program
from genotel.actions.provision.stack import STORES, Provisioned, Stack
from genotel.settings import load_settings

_LOCAL_PAGE = "127.0.0.1:9464"


def provision(
    folder: Annotated[Path, typer.Option(help="Where the files are written.")] = Path("genotel-stack"),
    layout: Annotated[str, typer.Option(help=f"{', '.join(LAYOUTS)}.")] = "machine",
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help=f"A machine's page (repeatable); by default {_LOCAL_PAGE}."),
    ] = None,
    program: Annotated[
        list[str] | None, typer.Option(metavar="HOST:PORT", help="A single program's page (repeatable).")
    ] = None,
    remote_write: Annotated[
        str | None, typer.Option(metavar="URL", help="Store that samples are written to; a fleet needs one.")
    ] = None,
    store: Annotated[str, typer.Option(help=f"What stands behind it: {', '.join(STORES)}.")] = STORES[0],
    tenant: Annotated[str | None, typer.Option(help="Tenant of the store, sent as X-Scope-OrgID.")] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="File on the machines with the token for the store; it is not read now.")
    ] = None,
    query_url: Annotated[str, typer.Option(metavar="URL", help="Where Grafana asks PromQL.")] = "http://localhost:9090",
    grafana: Annotated[
        str, typer.Option(metavar="URL", help="Grafana's address, for the links of alerts.")
    ] = "http://localhost:3000",
    runbooks: Annotated[
        str | None, typer.Option(help="Address of the runbooks, for the links of alerts; by default their folder.")
    ] = None,
    otlp: Annotated[bool, typer.Option("--otlp", help="Programs push by OTLP, too.")] = False,
    scrape_interval: Annotated[str, typer.Option(help="How often pages are asked.")] = "15s",
    image: Annotated[str, typer.Option(help="Image that holds genotel, for Kubernetes.")] = "genotel:latest",
    at: Annotated[
        Path | None, typer.Option(help="Where the folder will stand on the machines, when that is elsewhere.")
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; print what would change.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that somebody changed.")] = False,
) -> None:
    """Write what Prometheus, Alertmanager and Grafana read, check it, and print the lines that start them.

    A file that somebody changed is kept, its difference shown, and the exit code is 1; so is it when a
    tool refuses a file. Thresholds, promises
    and retention come from genotel.toml.
    """
    stack = Stack(
        folder=(at if at is not None else folder).absolute(),
        targets=tuple(target or [_LOCAL_PAGE]),
        programs=tuple(program or ()),
        remote_write=remote_write,
        query_url=query_url,
        store=store,
        tenant=tenant,
        token_file=None if token_file is None else token_file.absolute(),
        grafana_url=grafana,
        runbooks=runbooks,
        scrape_interval=scrape_interval,
        settings=load_settings(),
        has_otlp=otlp,
        image=image,
    )
    made = layout_named(layout)(stack, find_program)
    changes = compared(folder, made.files)
    if diff:
        sys.stdout.write("".join(change.difference() for change in changes))
        return
    kept = write(folder, changes, force=force)
    _tell(folder, changes, kept)
    for path in left_over(folder, made.files):
        _say(f"{folder / path} is not part of this layout any more; delete it if nobody needs it")
    is_good = _check(folder, made) and not kept
    _tell_what_is_left(folder, made)
    print("\n".join(made.steps))
    if not is_good:
        raise typer.Exit(1)


def _tell(folder: Path, changes: list[Change], kept: list[Change]) -> None:
    same = sum(change.state is State.SAME for change in changes)
    written = len(changes) - same - len(kept)
    _say(f"{folder}: {written} {'file' if written == 1 else 'files'} written, {same} as they were")
    for change in kept:
        sys.stderr.write(change.difference())
        _say(f"{folder / change.path} was changed and is kept; --force writes over it")


def _check(folder: Path, made: Provisioned) -> bool:
    is_good = True
    absent = set()
    for check in checked(folder, made.files):
        if not check.is_done:
            absent.add(check.name.partition(":")[0])
        elif check.complaint is None:
            _say(f"{check.name} is right")
        else:
            is_good = False
            _say(f"{check.name}: {check.complaint}{_hint(check.complaint)}")
    for tool in sorted(absent):
        _say(f"{tool} is not installed, so it checked nothing")
    return is_good


def _hint(complaint: str) -> str:
    return " (OTLP needs Prometheus 3, this tool is older)" if "field otlp not found" in complaint else ""


def _tell_what_is_left(folder: Path, made: Provisioned) -> None:
    missing = [path for path in made.secrets if not (folder / path).exists()]
    if missing:
        _say(f"write the secrets that alertmanager.yml names: {', '.join(missing)}")
    if made.not_run:
        _say(made.not_run)


def _say(text: str) -> None:
    print(f"provision: {text}", file=sys.stderr)
