"""``genotel recommend --watch``: what it refuses at once, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from genotel.cli import watching
from genotel.cli.main import run
from genotel.history.source import HistorySource
from genotel.recommenders.publish_webhook import Webhook
from genotel.settings import Settings


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Return an event list."""
    file = tmp_path / "events.csv"
    file.write_text("timestamp,model\n1735516800,sdxl\n")
    return file


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Return the exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["genotel", "recommend", *arguments])
    with pytest.raises(SystemExit) as caught:
        run()
    return int(caught.value.code or 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--interval", "5"], "--interval needs --watch"),
        (["--port", "0"], "--port needs --watch"),
        (["--memory", "m.json"], "--memory needs --watch"),
        (["--webhook", "http://x/"], "--webhook needs --watch"),
        (["--watch", "--output", "x.html"], "--watch writes no report; leave out --output"),
        (["--watch", "--fail-on", "high"], "--watch writes no report; leave out --fail-on"),
        (["--watch", "--hand-over", "plan"], "--watch writes no report; leave out --hand-over"),
        (["--watch", "--apply"], "--watch writes no report; leave out --apply"),
        (["--watch", "--format", "json"], "--watch writes no report; leave out --format"),
        (["--watch", "--webhook", "http://x/"], "give --webhook and --webhook-secret-file together"),
        (["--watch", "--webhook-secret-file", "x"], "give --webhook and --webhook-secret-file together"),
        (["--watch", "--webhook", "http://x/", "--webhook-secret-file", "none"], "secret cannot be read"),
        (["--watch", "--interval", "0"], "expected a number from 1 to 86400"),
        (["--watch", "--kind", "nothing"], "unknown kind 'nothing'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    options: Sequence[str],
    said: str,
    events: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2, before anything is read or served."""
    assert call(monkeypatch, "--events", str(events), *options) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_options_win_over_genotel_toml_and_an_interrupt_is_a_way_to_end(
    events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0; what the options do not say, the file says."""
    Path("genotel.toml").write_text("[watch]\nwatch_interval_seconds = 7\nwatch_port = 1\nwatch_series = 5\n")
    (tmp_path / "secret").write_text("s")
    seen: list[tuple[Settings, Webhook | None]] = []

    def watch(
        source: HistorySource, kinds: tuple[str, ...], settings: Settings, webhook: Webhook | None, say: object
    ) -> None:
        seen.append((settings, webhook))
        assert kinds == ("cleanup",)
        assert callable(say)
        say("here")
        raise KeyboardInterrupt

    monkeypatch.setattr(watching, "watch", watch)
    monkeypatch.setattr(watching.signal, "signal", lambda *_: None)
    arguments = ["--port", "0", "--memory", str(tmp_path / "m.json"), "--kind", "cleanup"]
    secret = ["--webhook", "http://hooks.example/", "--webhook-secret-file", str(tmp_path / "secret")]
    assert call(monkeypatch, "--watch", "--events", str(events), *arguments, *secret) == 0
    assert capsys.readouterr().err == "genotel: here\n"
    ((settings, webhook),) = seen
    assert (settings.watch.watch_interval_seconds, settings.watch.watch_port, settings.watch.watch_series) == (7, 0, 5)
    assert settings.watch.watch_memory == tmp_path / "m.json"
    assert webhook is not None
    assert webhook.url == "http://hooks.example/"
