"""The lines that start servers name the programs of this machine, quoted for a shell."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from genotel.actions.provision.programs import (
    agent_line,
    alertmanager_line,
    find_program,
    prometheus_line,
    serve_line,
)
from genotel.actions.provision.stack import Stack
from genotel.settings import ExportSettings, Settings

STACK = Stack(folder=Path("/srv/a folder"), remote_write="http://s/")


def test_programs_of_this_machine_are_named():
    """Debian's Alertmanager has a longer name than its own."""
    assert alertmanager_line(STACK, find={"alertmanager": "/opt/am"}.get).startswith("/opt/am ")
    assert alertmanager_line(STACK, find=lambda name: f"/usr/bin/{name}").startswith(
        "/usr/bin/prometheus-alertmanager "
    )
    assert serve_line(find=lambda name: None).startswith("/usr/bin/genotel serve ")


def test_paths_with_blanks_are_one_word():
    """A shell reads back what was meant."""
    for line in (prometheus_line(STACK), agent_line(STACK), alertmanager_line(STACK)):
        assert any(word.startswith("--config.file=/srv/a folder/") for word in shlex.split(line))


def test_retention_and_otlp_are_told_on_the_line():
    """They have no place in the file."""
    line = prometheus_line(
        Stack(folder=Path("/x"), settings=Settings(export=ExportSettings(retention_days=7)), has_otlp=True)
    )
    assert "--storage.tsdb.retention.time=7d" in line
    assert "--web.enable-otlp-receiver" in line


def test_genotel_is_found_where_it_runs(monkeypatch, tmp_path):
    """In a venv that is not on the path, too."""
    beside = tmp_path / "genotel"
    beside.touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert find_program("genotel") == str(beside)
    beside.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("genotel") is None


@pytest.mark.parametrize(
    ("said", "flag"),
    [
        ("prometheus, version 2.42.0+ds", "--enable-feature=agent,exemplar-storage"),
        ("prometheus, version 3.5.0", "--agent"),
    ],
)
def test_an_agent_is_told_in_the_words_of_its_version(tmp_path, said, flag):
    """Each refuses the other's."""
    path = tmp_path / "prometheus"
    path.write_text(f"#!/bin/sh\necho '{said}'\n")
    path.chmod(0o755)
    assert flag in agent_line(STACK, find=lambda name: str(path)).split()
    assert "--agent" in agent_line(STACK, find=lambda name: None if name == "genotel" else str(tmp_path / "none"))
