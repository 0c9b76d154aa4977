"""Read every setting: arguments, environment, ``genotel.toml``, defaults, in this order.

All mistakes are collected and refused at once, each naming its argument, variable or key.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genotel.errors import SettingsError
from genotel.settings.sections import Settings

CONFIG_VARIABLE = "GENOTEL_CONFIG"
CONFIG_NAME = "genotel.toml"


def load_settings(
    arguments: Mapping[str, object] | None = None,
    *,
    defaults: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Settings:
    """Read every setting from arguments, environment and ``genotel.toml``, in this order.

    Args:
        arguments: settings by field name; a value of None counts as not given.
        defaults: what a command has instead of the default that is written here.
        environ: the environment, by default that of the process.
        config: a ``genotel.toml``; by default ``$GENOTEL_CONFIG``, else ``genotel.toml`` in the
            working folder if there is one.

    Raises:
        SettingsError: naming every mistake that was found.
    """
    environ = os.environ if environ is None else environ
    defaults = defaults or {}
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    mistakes: list[str] = []
    file, tables = _read_config(config, environ, mistakes)
    sections: dict[str, Any] = {}
    known: set[str] = set()
    for section in dataclasses.fields(Settings):
        values: dict[str, object] = {}
        table = tables.pop(section.name, {})
        if not isinstance(table, dict):
            mistakes.append(f"{file}: [{section.name}] must be a table")
            table = {}
        for setting in dataclasses.fields(type(section.default)):  # type: ignore[arg-type]  # each default is one of ours
            known.add(setting.name)
            variable = setting.metadata["variable"]
            in_file = table.pop(setting.name, None)
            if setting.name in given:
                source, raw = f"argument {setting.name}", given[setting.name]
            elif variable and environ.get(variable):
                source, raw = f"variable {variable}", environ[variable]
            elif in_file is not None:
                source, raw = f"{file}: {section.name}.{setting.name}", in_file
            elif setting.name in defaults:
                source, raw = f"default {setting.name}", defaults[setting.name]
            else:
                continue
            try:
                values[setting.name] = setting.metadata["parse"](raw)
            except ValueError as error:
                mistakes.append(f"{source} is {raw!r}: {error}")
        mistakes += [f"{file}: unknown key {section.name}.{key}" for key in table]
        sections[section.name] = dataclasses.replace(section.default, **values)  # type: ignore[type-var]  # as above
    mistakes += [f"{file}: unknown section [{name}]" for name in tables]
    mistakes += [f"unknown argument {name}" for name in given if name not in known]
    if mistakes:
        raise SettingsError("; ".join(mistakes))
    return Settings(**sections)


def _read_config(config: Path | None, environ: Mapping[str, str], mistakes: list[str]) -> tuple[str, dict[str, Any]]:
    named = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    path = named or Path(CONFIG_NAME)
    try:
        return str(path), tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named is not None:
            mistakes.append(f"{path}: no such file")
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(f"{path}: cannot be read ({type(error).__name__})")
    except tomllib.TOMLDecodeError as error:
        mistakes.append(f"{path}: not TOML: {error}")
    return str(path), {}
