"""Whatever genotel.toml and the environment hold: settings, or one line that names every mistake."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from genotel.errors import SettingsError
from genotel.settings import Settings, load_settings

SECTIONS = {
    field.name: [key.name for key in dataclasses.fields(field.default)] for field in dataclasses.fields(Settings)
}  # type: ignore[arg-type]  # each default is one of ours
VARIABLES = sorted(
    key.metadata["variable"]
    for field in dataclasses.fields(Settings)
    for key in dataclasses.fields(field.default)  # type: ignore[arg-type]  # as above
    if key.metadata["variable"]
)
PRINTABLE = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    PRINTABLE,
    st.sampled_from(["off", "on", "all", "none"]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PRINTABLE, inner, max_size=3), max_leaves=6
)


def as_toml(value: Any) -> str:
    """Return a value in TOML's spelling."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_toml(key)} = {as_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value) if "e" not in repr(value) else f"{value:f}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def loaded(text: str, environ: dict[str, str] | None = None) -> Settings | str:
    """Return the settings, or what is said of the mistakes."""
    with TemporaryDirectory() as folder:
        config = Path(folder, "genotel.toml")
        config.write_text(text, encoding="utf-8")
        try:
            return load_settings(config=config, environ=environ or {})
        except SettingsError as error:
            said = str(error)
            assert "\n" not in said
            return said


@st.composite
def files(draw: st.DrawFn) -> str:
    """Draw a file of known and unknown sections, keys and values."""
    lines = []
    for section in draw(st.lists(st.sampled_from([*SECTIONS, "pages", "box"]), unique=True, max_size=4)):
        lines.append(f"[{section}]")
        keys = st.sampled_from([*SECTIONS.get(section, []), "prot", "colour"])
        lines += [f"{key} = {as_toml(draw(VALUES))}" for key in draw(st.lists(keys, unique=True, max_size=4))]
    return "\n".join(lines) + "\n"


@given(files())
def test_any_keys_and_values_are_read_or_refused_by_name(text: str) -> None:
    """Nothing else than SettingsError comes out, and each unknown key of the file is named."""
    said = loaded(text)
    section = ""
    for line in text.splitlines():
        section = line if line.startswith("[") else section
        wrong = section if section in {"[pages]", "[box]"} else line.partition(" = ")[0]
        if wrong in {"[pages]", "[box]", "prot", "colour"}:
            assert isinstance(said, str)
            assert wrong in said


@given(st.one_of(PRINTABLE, st.text(st.sampled_from('[]{}="\n# .a1,'), max_size=40)))
def test_any_text_is_read_or_refused(text: str) -> None:
    """A file that is no TOML is one line too."""
    loaded(text)


@given(st.dictionaries(st.sampled_from(VARIABLES), PRINTABLE, max_size=5))
def test_any_variables_are_read_or_refused_by_name(environ: dict[str, str]) -> None:
    """A mistake names its variable."""
    said = loaded("", environ)
    assert not isinstance(said, str) or any(name in said for name in environ)
