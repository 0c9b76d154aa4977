"""``genotel trash``: what ``genotel recommend --apply`` moved aside; bring it back, or delete it for good."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from genotel.actions.trash import Trashed, empty, finish_emptying, restore, trashed_in
from genotel.clock import SYSTEM_CLOCK
from genotel.collectors.model_stores import stores
from genotel.errors import InputError, SettingsError
from genotel.report.wording import duration, one_line, size, timestamp
from genotel.settings import load_settings

_ACTIONS = ("list", "undo", "empty")
_SECONDS_PER_DAY = 86_400.0


def trash(
    action: Annotated[str, typer.Argument(help="list, undo or empty.")] = "list",
    files: Annotated[list[Path] | None, typer.Argument(help="With undo: the undo files.", metavar="[FILE]...")] = None,
    older_than_days: Annotated[
        float, typer.Option(min=0.0, help="With empty: delete only what lies there for longer.")
    ] = 7.0,
    yes: Annotated[bool, typer.Option("--yes", help="With empty: do not ask.")] = False,
    format_name: Annotated[str, typer.Option("--format", help="With list: table or json.")] = "table",
) -> None:
    """Show the models that were moved to the trash, bring them back, or delete them for good."""
    if action not in _ACTIONS:
        raise SettingsError(f"unknown action {action!r}; the actions are {', '.join(_ACTIONS)}")
    if (action == "undo") != bool(files):
        raise SettingsError("undo takes undo files, as `genotel trash` lists them; list and empty take none")
    if format_name not in {"table", "json"}:
        raise SettingsError(f"unknown format {format_name!r}; the formats are table, json")
    if action == "undo":
        restored = [_undo(file) for file in files or ()]
        if not all(restored):
            raise typer.Exit(1)
    elif action == "empty":
        _empty(older_than_days, yes)
    else:
        _list(format_name == "json")


def _list(as_json: bool) -> None:
    found = [entry for root in _roots() for entry in trashed_in(root)]
    if as_json:
        entries = [
            {
                "model": entry.undo.model,
                "location": entry.undo.location,
                "moved_at": timestamp(entry.undo.moved_at),
                "freed_bytes": entry.undo.freed_bytes,
                "undo_file": str(entry.undo_file),
            }
            for entry in found
        ]
        sys.stdout.write(json.dumps({"trash": entries}, indent=2) + "\n")
        return
    for entry in found:
        file = shlex.quote(str(entry.undo_file))
        print(
            f"{timestamp(entry.undo.moved_at)}  {size(entry.undo.freed_bytes):>8}  {one_line(entry.undo.model)}\n"
            f"    genotel trash undo {file}"
        )
    if not found:
        print("genotel: the trash is empty", file=sys.stderr)


def _undo(file: Path) -> bool:
    try:
        restored = restore(file)
    except OSError as error:
        raise InputError(f"cannot be undone: {error.strerror}: {error.filename or file}", file=str(file)) from error
    print(f"restored {one_line(restored.model)}: {restored.restored} of {restored.restored + len(restored.in_the_way)}")
    for path in restored.in_the_way:
        print(f"genotel: something new lies at {one_line(path)}; the old one stays in the trash", file=sys.stderr)
    return not restored.in_the_way


def _empty(older_than_days: float, yes: bool) -> None:
    roots = _roots()
    found = [entry for root in roots for entry in trashed_in(root)]
    latest = SYSTEM_CLOCK.wall() - older_than_days * _SECONDS_PER_DAY
    old = [entry for entry in found if entry.undo.moved_at <= latest]
    if len(old) < len(found):
        limit = duration(older_than_days * _SECONDS_PER_DAY)
        print(f"genotel: {len(found) - len(old)} stay, moved less than {limit} ago", file=sys.stderr)
    if old and not (yes or _agrees(old)):
        return
    for entry in old:
        _delete(entry)
    for root in roots:
        try:
            finish_emptying(root)
        except OSError as error:
            raise _undeletable(root, error) from error


def _agrees(old: list[Trashed]) -> bool:
    if not sys.stdin.isatty():
        raise SettingsError("empty asks first and there is no terminal to ask on; give --yes")
    total = size(sum(entry.undo.freed_bytes for entry in old))
    names = ", ".join(one_line(entry.undo.model) for entry in old)
    print(f"Delete {names} ({total}) for good? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _delete(entry: Trashed) -> None:
    try:
        empty(entry)
    except OSError as error:
        raise _undeletable(entry.undo_file, error) from error
    print(f"deleted {one_line(entry.undo.model)}, {size(entry.undo.freed_bytes)}", flush=True)


def _undeletable(path: Path, error: OSError) -> InputError:
    return InputError(f"cannot be deleted: {error.strerror}: {error.filename or path}", file=str(path))


def _roots() -> list[Path]:
    places = (Path(store.path) for store in stores(load_settings().inventory.model_folders))
    return list(dict.fromkeys(place.resolve() for place in places if place.is_dir()))
