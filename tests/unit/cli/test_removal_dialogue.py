"""The question about a model: everything that somebody needs to know before a yes."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from genotel.actions.apply import Machine
from genotel.cli.removal_dialogue import act
from genotel.recommenders.advice import Advice
from genotel.recommenders.recommendation import Priority
from tests.model_trees import cached_repository
from tests.unit.actions.shelves import START, cleanup, places


class Terminal(io.StringIO):
    """Stand in for somebody at a keyboard."""

    def isatty(self) -> bool:
        """Return that somebody is there."""
        return True


def test_the_question_tells_what_moves_and_what_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Paths, at most five of them; what others need; who could not be asked; nothing that a terminal obeys."""
    home = cached_repository(tmp_path / "hub", "org/a", {f"part{number}.safetensors": 10 for number in range(8)})
    other = cached_repository(tmp_path / "hub", "org/b", {"config.json": 9})
    (other / "snapshots" / f"{0:040x}" / "w").symlink_to(home / "blobs" / f"{0:064x}")
    (tmp_path / "proc" / "10").mkdir(parents=True)
    listed = os.listdir

    def hiding(path: str) -> list[str]:
        if path.endswith("/10/fd"):
            raise PermissionError(13, "no")
        return listed(path)

    monkeypatch.setattr("os.listdir", hiding)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    machine = Machine(find=lambda: places(tmp_path / "hub"), proc=str(tmp_path / "proc"))
    advice = Advice("a test", (START, START), (cleanup("org/a", reason="Odd\x1b[2J."),), ())
    assert act(advice, machine, least=Priority.LOW, without_asking=False, as_json=False)
    shown = capsys.readouterr()
    assert "org/a in hub: 8 files, frees " in shown.err
    assert "and 4 more" in shown.err
    assert "stays, since other models have it too: 1 file\n" in shown.err
    assert "1 process of others could not be asked whether it is in use" in shown.err
    assert "\x1b" not in shown.err
    assert shown.out == "kept org/a\n"
