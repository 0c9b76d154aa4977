"""Generated files are committed and say what their sources say."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from genotel.cli.main import COMMANDS
from genotel.semconv import attributes
from genotel.semconv.metrics import CATALOGUE
from genotel.settings import Settings, read_settings
from tests.architecture.sources import ROOT
from tools import generate


def test_no_generated_file_is_stale() -> None:
    """``make generate`` was run and its result committed."""
    assert generate.stale_files(ROOT) == []


def test_a_stale_file_is_found(tmp_path: Path) -> None:
    """A missing file and a changed line both count."""
    assert generate.stale_files(tmp_path) == list(generate.GENERATED)
    generate.write_files(tmp_path)
    assert generate.stale_files(tmp_path) == []
    page = tmp_path / "docs/metrics.md"
    page.write_text(page.read_text(encoding="utf-8").replace("genotel_generation_started", "other"), encoding="utf-8")
    assert generate.stale_files(tmp_path) == ["docs/metrics.md"]


def test_the_check_names_the_stale_file(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to run."""
    monkeypatch.setattr(generate, "GENERATED", {"docs/absent.md": lambda: "text"})
    monkeypatch.setattr(sys, "argv", ["generate", "--check"])
    assert generate.main() == 1
    assert capsys.readouterr().err == "docs/absent.md is stale: run `make generate` and commit it\n"


def test_the_program_runs_as_make_runs_it() -> None:
    """``python -m tools.generate --check`` ends with 0 in a tree that is current."""
    done = subprocess.run([sys.executable, "-m", "tools.generate", "--check"], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0


def test_the_page_of_settings_holds_every_variable() -> None:
    """What settings/ reads from the environment, people can look up."""
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/genotel/settings").glob("*sections.py"))
    variables = set(re.findall(r'"((?:GENOTEL|OTEL)_[A-Z_]+)"', source))
    assert variables
    assert [variable for variable in variables if f"`{variable}`" not in page] == []


def test_the_example_of_settings_loads(tmp_path: Path) -> None:
    """As it stands it changes nothing; with every key in force each value is one that its setting takes."""
    text = (ROOT / "examples/genotel.toml").read_text(encoding="utf-8")
    assert read_settings(environ={}, config=ROOT / "examples/genotel.toml")[:2] == (Settings(), ())
    every = tmp_path / "genotel.toml"
    every.write_text(re.sub(r"(?m)^# (?=[a-z_0-9]+ = )", "", text), encoding="utf-8")
    read = read_settings(environ={}, config=every)
    assert read.mistakes == ()
    assert len(read.sources) == sum(len(dataclasses.fields(type(s.default))) for s in dataclasses.fields(Settings))


def test_the_page_of_commands_holds_every_command() -> None:
    """One heading per command."""
    page = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    assert [command for command in COMMANDS if f"\n## `genotel {command}" not in page] == []


def test_the_page_of_metrics_holds_every_metric_and_closed_value() -> None:
    """Nothing of the catalogue is left out."""
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    for spec in CATALOGUE:
        assert f"### `{spec.name}`\n" in page
        assert f"`{spec.prometheus_name}`" in page
        assert spec.help in page
    assert all(f"`{outcome}`" in page for outcome in attributes.OUTCOMES)
