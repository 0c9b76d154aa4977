"""The table of commands, and the one place where our errors become a line and an exit code.

Exit codes: 0 done; 1 the question was answered "bad"; 2 wrong usage or unreadable input; 3 a server
could not be reached or refused.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import typer

from genotel.cli.backfill import backfill
from genotel.cli.backtest import backtest
from genotel.cli.dashboards import dashboards
from genotel.cli.demo import demo
from genotel.cli.provision import provision
from genotel.cli.recommend import recommend
from genotel.cli.run import run as run_script
from genotel.cli.serve import serve
from genotel.cli.trash import trash
from genotel.errors import GenotelError
from genotel.version import __version__

# Name -> function. One visible line per command.
COMMANDS: dict[str, Callable[..., Any]] = {
    "backfill": backfill,
    "backtest": backtest,
    "dashboards": dashboards,
    "demo": demo,
    "provision": provision,
    "recommend": recommend,
    "run": run_script,
    "serve": serve,
    "trash": trash,
}
# What follows their first argument is another program's, options and all.
_PASSING_ON = {"run"}

app = typer.Typer(
    name="genotel",
    help="Observe generative models that you host yourself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _name, _command in COMMANDS.items():
    app.command(_name, context_settings={"allow_interspersed_args": _name not in _PASSING_ON})(_command)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        typer.echo(f"genotel {__version__}")
        raise typer.Exit


def run() -> None:
    """Run the command line; end with the exit code of what happened.

    One clear line on stderr and an exit code stand for every expected mistake; a closed pipe
    (``genotel … | head``) ends quietly.
    """
    try:
        app()
    except GenotelError as error:
        print(f"genotel: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Python would complain again while it flushes stdout at exit.
        sys.stderr.close()
        sys.exit(0)
