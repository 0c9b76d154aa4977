"""``genotel run``: a program with telemetry and its libraries measured, without a change to it."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

_LAUNCHER = "genotel.launch"


def run(
    script: Annotated[list[str], typer.Argument(help="A script and its arguments.")],
    host: Annotated[str | None, typer.Option(help="Address of the page.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the page; 0 takes any free one.", show_default="9464")
    ] = None,
    journal: Annotated[
        str | None, typer.Option(help="File to keep call records in; on takes the default one.", show_default="off")
    ] = None,
    module: Annotated[bool, typer.Option("-m", help="SCRIPT is the name of a module, as with python -m.")] = False,
) -> None:
    """Run a script with a page of metrics; the libraries that it uses are measured.

    What follows SCRIPT is the script's own. Its exit code is the exit code; on SIGTERM what was measured
    is written first.
    """
    given = {"host": host, "port": port, "journal": journal}
    words = [f"{name}={value}" for name, value in given.items() if value is not None]
    # This process becomes the program: it must hold nothing of the command line's.
    flags = ["-I"] if sys.flags.isolated else [] if os.getcwd() in sys.path else ["-P"]
    program = ["-m", *script] if module else script
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *flags, "-m", _LAUNCHER, *words, "--", *program])  # noqa: S606
