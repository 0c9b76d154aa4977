"""Read every setting: arguments, environment, ``genotel.toml``, defaults, in this order.

All mistakes are collected and refused at once, each naming its argument, variable or key.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from genotel.errors import SettingsError
from genotel.settings.sections import Settings
from genotel.settings.toml_lines import line_of

CONFIG_VARIABLE = "GENOTEL_CONFIG"
CONFIG_NAME = "genotel.toml"


class SettingsReading(NamedTuple):
    """Hold what was read, right or wrong: for ``genotel serve --check``."""

    settings: Settings
    # One line each; settings that are wrong have their default above.
    mistakes: tuple[str, ...]
    # Name of a setting that was given -> where: "argument port", "genotel.toml:3: page.port".
    sources: Mapping[str, str]
    # None where there is none.
    file: Path | None


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
    read = read_settings(arguments, defaults=defaults, environ=environ, config=config)
    if read.mistakes:
        raise SettingsError(*read.mistakes)
    return read.settings


def read_settings(
    arguments: Mapping[str, object] | None = None,
    *,
    defaults: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> SettingsReading:
    """Return what :func:`load_settings` would, with the mistakes instead of an error."""
    environ = os.environ if environ is None else environ
    defaults = defaults or {}
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    mistakes: list[str] = []
    sources: dict[str, str] = {}
    file = _read_config(config, environ, mistakes)
    sections: dict[str, Any] = {}
    known: set[str] = set()
    for section in dataclasses.fields(Settings):
        values: dict[str, object] = {}
        table = file.tables.pop(section.name, {})
        if not isinstance(table, dict):
            mistakes.append(f"{file.place(section.name)}: [{section.name}] must be a table")
            table = {}
        settings = dataclasses.fields(type(section.default))  # type: ignore[arg-type]  # each default is one of ours
        for setting in settings:
            known.add(setting.name)
            variable = setting.metadata["variable"]
            in_file = table.pop(setting.name, None)
            if setting.name in given:
                source, raw = f"argument {setting.name}", given[setting.name]
            elif variable and environ.get(variable):
                source, raw = f"variable {variable}", environ[variable]
            elif in_file is not None:
                place = file.place(section.name, setting.name)
                source, raw = f"{place}: {section.name}.{setting.name}", in_file
            elif setting.name in defaults:
                source, raw = f"default {setting.name}", defaults[setting.name]
            else:
                continue
            sources[setting.name] = source
            try:
                values[setting.name] = setting.metadata["parse"](raw)
            except ValueError as error:
                mistakes.append(f"{source} is {raw!r}: {error}")
        names = [setting.name for setting in settings]
        mistakes += [
            f"{file.place(section.name, key)}: unknown key {section.name}.{key}{hint(key, names)}" for key in table
        ]
        sections[section.name] = dataclasses.replace(section.default, **values)  # type: ignore[type-var]  # as above
    mistakes += [f"{file.place(name)}: unknown section [{name}]{hint(name, sections)}" for name in file.tables]
    mistakes += [f"unknown argument {name}{hint(name, known)}" for name in given if name not in known]
    return SettingsReading(Settings(**sections), tuple(mistakes), sources, file.path if file.text else None)


def hint(name: str, known: Iterable[str]) -> str:
    """Return a question after the known name that is nearest to a wrong one; nothing where none is near.

    Example:
        >>> hint("prot", ["host", "port"]), hint("colour", ["host", "port"])
        ('; did you mean port?', '')
    """
    # Only a mistake needs it.
    from difflib import get_close_matches

    nearest = get_close_matches(name, list(known), n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""


class _File(NamedTuple):
    path: Path
    tables: dict[str, Any]
    text: str

    def place(self, section: str, key: str | None = None) -> str:
        line = line_of(self.text, section, key)
        return str(self.path) if line is None else f"{self.path}:{line}"


def _read_config(config: Path | None, environ: Mapping[str, str], mistakes: list[str]) -> _File:
    named = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    path = named or Path(CONFIG_NAME)
    try:
        text = path.read_text(encoding="utf-8")
        return _File(path, tomllib.loads(text), text)
    except FileNotFoundError:
        if named is not None:
            mistakes.append(f"{path}: no such file")
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(f"{path}: cannot be read ({type(error).__name__})")
    except tomllib.TOMLDecodeError as error:
        mistakes.append(f"{path}: not TOML: {error}")
    return _File(path, {}, "")
