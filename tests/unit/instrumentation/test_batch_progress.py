"""A bar is shown on a terminal, never elsewhere, and never harms the loop."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

import genotel
from genotel import guard
from genotel.instrumentation.batch_progress import NO_BAR, bar_for


class Terminal(io.StringIO):
    """Be a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_no_bar_without_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written, and rich is not even loaded."""
    assert bar_for("captions", 3) is NO_BAR
    for _ in genotel.batches([1, 2, 3], name="captions", progress=True):
        pass
    NO_BAR.show(1, 0)
    NO_BAR.close()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("total", [3, None])
def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, total: int | None) -> None:
    """Name, how many of how many, and failures; brackets in a name are no markup."""
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = bar_for("captions [red]", total)
    bar.show(3, 1)
    bar.close()
    shown = terminal.getvalue()
    assert "captions [red]" in shown
    assert f"3/{total or '?'}" in shown
    assert "1 failed" in shown


def test_a_real_terminal_sees_the_loop(tmp_path: object) -> None:
    """A program on a pseudo-terminal: the bar on stderr, nothing on stdout."""
    primary, secondary = os.openpty()
    program = "import genotel\nfor _ in genotel.batches(range(5), name='captions', progress=True): pass"
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=secondary,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        check=True,
        timeout=60,
    )
    os.close(secondary)
    shown = os.read(primary, 65_536).decode()
    os.close(primary)
    assert done.stdout == b""
    assert "5/5" in shown


@pytest.mark.usefixtures("forgiving")
def test_a_broken_terminal_does_not_end_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the beginning, in between, at the end."""

    class Broken(Terminal):
        def write(self, text: str) -> int:
            raise OSError("gone")

    monkeypatch.setattr(sys, "stderr", Terminal())
    bar = bar_for("captions", 3)
    bar.close()

    class Gone:
        def update(self, *_: object, **__: object) -> None:
            raise OSError("gone")

        def stop(self) -> None:
            raise OSError("gone")

    bar._progress = Gone()  # type: ignore[attr-defined]  # a fake
    bar.show(1, 0)
    bar.close()
    monkeypatch.setattr(sys, "stderr", Broken())
    monkeypatch.setenv("TERM", "xterm")
    assert bar_for("captions", 3) is not None
    monkeypatch.setattr(sys, "stderr", None)
    assert bar_for("captions", 3) is NO_BAR
    assert {"batch_progress.show", "batch_progress.close", "batch_progress.begin"} <= guard.internal_errors().keys()
