"""Render ``docs/cli.md`` from the commands of ``genotel.cli``.

The text of ``--help`` itself would change with each release of typer, so options are read as data.
"""

from __future__ import annotations

import inspect
from typing import Any

import typer

from genotel.cli.main import app

INTRODUCTION = """\
# Commands

Every command of `genotel`. This page is generated from `src/genotel/cli/`: do not edit it, run `make generate`.

Data goes to stdout, everything else to stderr. Exit codes: 0 done; 1 the question was answered "bad"; 2 wrong usage or
unreadable input; 3 a server could not be reached or refused.
"""


def commands_page() -> str:
    """Return the text of ``docs/cli.md``."""
    # typer's group of commands; its class is private.
    root: Any = typer.main.get_command(app)
    return INTRODUCTION + "".join(_command(name, command) for name, command in sorted(root.commands.items()))


def _command(name: str, command: Any) -> str:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    usage = " ".join(["genotel", name, *(parameter.name.upper() for parameter in arguments)])
    text = f"\n## `{usage}`\n\n{inspect.cleandoc(command.help or '').replace('``', '`')}\n"
    if not options:
        return text
    rows = "".join(f"| {_names(option)} | {option.help or ''} | {_default(option)} |\n" for option in options)
    return f"{text}\n| option | what it says | default |\n|---|---|---|\n{rows}"


def _names(option: Any) -> str:
    names = [*option.opts, *option.secondary_opts]
    return ", ".join(f"`{name}`" for name in names)


def _default(option: Any) -> str:
    if option.default is None or callable(option.default):
        return ""
    return f"`{str(option.default).lower() if isinstance(option.default, bool) else option.default}`"
