"""Render ``docs/settings.md`` from the dataclasses in ``genotel.settings``."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from genotel.settings import Settings

INTRODUCTION = """\
# Settings

Every setting of genotel. This page is generated from `src/genotel/settings/`: run `make generate`.

Arguments win over variables, variables over `genotel.toml`, and that over the defaults. `genotel.toml` is the file that
`GENOTEL_CONFIG` names, else the one in the working folder. All mistakes are named at once, with file, line and key; an
unknown key is one. [examples/genotel.toml](../examples/genotel.toml) has every key with its default.
`genotel serve --check` reads everything that `genotel serve` would, starts nothing and lists what is wrong.
"""


def settings_page() -> str:
    """Return the text of ``docs/settings.md``."""
    parts = [INTRODUCTION]
    for section in dataclasses.fields(Settings):
        kind: Any = type(section.default)
        text = (inspect.getdoc(kind) or "").replace("``", "`")
        parts.append(f"\n## `[{section.name}]`\n\n{text}\n\n")
        parts.append("| key, argument | what it says | variable | default |\n|---|---|---|---|\n")
        for setting in dataclasses.fields(kind):
            variable = setting.metadata["variable"]
            named = f"`{variable}`" if variable else ""
            parts.append(f"| `{setting.name}` | {setting.metadata['help']} | {named} | {_value(setting.default)} |\n")
    return "".join(parts)


def _value(default: object) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if default is None or default == ():
        return "none"
    return f"`{default}`"
