"""``genotel dashboards push``: send the dashboards to a Grafana that runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from genotel.actions.dashboards_push import Grafana, Outcome, Pushed, push_all
from genotel.actions.provision.shipped import shipped_dashboards
from genotel.errors import SettingsError
from genotel.prometheus_api.access import ServerAccess
from genotel.version import __version__

_TOKEN_VARIABLE = "GRAFANA_TOKEN"  # noqa: S105 - its name


def dashboards(
    action: Annotated[str, typer.Argument(help="push")],
    grafana: Annotated[
        str, typer.Option(metavar="URL", help="Grafana's address with its path prefix; may hold user and password.")
    ] = "http://localhost:3000",
    token_file: Annotated[
        Path | None, typer.Option(help=f"File with the token of a service account; else {_TOKEN_VARIABLE}.")
    ] = None,
    folder: Annotated[str, typer.Option(help="Title of the folder.")] = "genotel",
    folder_uid: Annotated[str, typer.Option(help="Its uid, by which it is found again.")] = "genotel",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Lose what somebody changed in Grafana.")] = False,
    ca_file: Annotated[Path | None, typer.Option(help="Certificates of the authorities to trust.")] = None,
) -> None:
    """Send the dashboards to a Grafana that runs, by its HTTP API.

    What somebody changed there is kept and the exit code is 1. One line for each dashboard on stdout.
    """
    if action != "push":
        raise SettingsError(f"unknown action {action!r}; there is push")
    token = os.environ.get(_TOKEN_VARIABLE, "").strip()
    headers = {"Authorization": f"Bearer {token}"} if token and token_file is None else {}
    access = ServerAccess(url=grafana, bearer_token_file=token_file, headers=headers, ca_file=ca_file)
    done = push_all(
        Grafana(access),
        dict(shipped_dashboards()),
        (folder_uid, folder),
        __version__,
        overwrite=overwrite,
        tell=_tell,
    )
    if any(pushed.outcome is Outcome.KEPT for pushed in done):
        print("genotel: what was kept was changed in Grafana; --overwrite writes over it", file=sys.stderr)
        raise typer.Exit(1)


def _tell(pushed: Pushed) -> None:
    print(f"{pushed.uid}: {pushed.outcome} {pushed.url}", flush=True)
