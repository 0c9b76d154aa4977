"""What the documents show is true: their programs run, their commands, metrics and links exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from genotel.cli.main import app
from genotel.semconv.metrics import CATALOGUE
from tests.architecture.sources import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("[A-Z]*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTS = list(dict.fromkeys(DOCUMENTS))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")


def _blocks(language: str) -> list[object]:
    return [
        pytest.param(text, id=f"{path.relative_to(ROOT)}-{number}")
        for path in DOCUMENTS
        for number, (kind, text) in enumerate(BLOCK.findall(path.read_text(encoding="utf-8")), 1)
        if kind == language
    ]


@pytest.mark.parametrize("program", _blocks("python"))
def test_a_program_of_the_documents_runs(program: str, tmp_path: Path) -> None:
    """Each block is a whole program: it runs as it stands, without a warning, on any free port."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "OTEL_EXPORTER_PROMETHEUS_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("text", _blocks("console"))
def test_a_command_of_the_documents_exists(text: str) -> None:
    """Commands and their options are those of the command line; make's targets are those of the Makefile."""
    root = typer.main.get_command(app)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE), line
        elif words[:1] == ["genotel"]:
            command = root.commands[words[1]]
            known = {option for parameter in command.params for option in parameter.opts}
            assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, line


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Files exist; anchors are headings of the file that they point into."""
    for target, anchor in LINK.findall(path.read_text(encoding="utf-8")):
        file = (path.parent / target) if target else path
        assert file.exists(), f"{path.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor[1:] in anchors, f"{path.name}: {anchor}"


# Made from tables: of ours, and of what others call it.
TABLES = {"metrics.md", "foreign-servers.md"}


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.name not in TABLES], ids=lambda path: path.name)
def test_a_metric_that_is_named_exists(path: Path) -> None:
    """A name in the documents is one of the catalogue, in one of its spellings."""
    known = {spec.name for spec in CATALOGUE} | {spec.prometheus_name for spec in CATALOGUE}
    named = re.findall(r"`((?:genotel|gen_ai|system|process|hw)_[a-z0-9_]+)`", path.read_text(encoding="utf-8"))
    assert sorted(set(named) - known) == []
