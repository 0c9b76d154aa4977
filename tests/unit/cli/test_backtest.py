"""``genotel backtest`` on the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from genotel.cli.main import run
from genotel.clock import Clock
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
from histories import EPOCH
from traces import bursts, write_events


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the event list of a few days."""
    return write_events(bursts(days=4), tmp_path_factory.mktemp("events") / "events.csv")


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Return the exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["genotel", "backtest", *arguments])
    with pytest.raises(SystemExit) as caught:
        run()
    return int(caught.value.code or 0)


def test_json_is_as_promised(events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The keys that programs read, whatever else is there."""
    options = ("--slots", "2,3", "--horizons", "1", "--evaluate-from-day", "2", "--load-seconds", "0")
    assert call(monkeypatch, "--events", str(events), *options, "--format", "json") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    content = json.loads(shown.out)
    assert [entry["slots"] for entry in content["preload"]["capacities"]] == [2, 3]
    capacity = content["preload"]["capacities"][0]
    assert set(capacity) >= {"slots", "policies", "gap_closed", "regret", "interval", "daily"}
    assert set(capacity["policies"]["auto"]) >= {"cold_start_fraction", "preloads_per_day", "load_seconds"}
    assert set(capacity["daily"][0]) == {"date", "policy", "requests", "cold_starts", "preloads"}
    (cleanup,) = content["cleanup"]
    assert set(cleanup) >= {
        *("horizon_days", "n", "base_rate", "auc", "brier", "reliability", "recall_at_precision_95"),
        *("high_flags", "high_wrong", "threshold_rule", "predictions"),
    }
    assert set(cleanup["predictions"][0]) >= {"model", "cut", "probability"}
    assert set(content["next_hour"]) >= {"auc", "brier", "reliability"}


@pytest.mark.parametrize(("name", "begin"), [("text", "Backtest on events events.csv, 2024-12-30"), ("html", "<!doct")])
def test_people_get_text_or_a_page(
    events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, begin: str
) -> None:
    """On stdout."""
    options = ("--slots", "2", "--evaluate-from-day", "3", "--format", name)
    assert call(monkeypatch, "--events", str(events), *options) == 0
    assert capsys.readouterr().out.startswith(begin)


def test_a_journal_is_played_by_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clean_environment: Path
) -> None:
    """That of this machine, where there is one."""
    assert call(monkeypatch) == 2
    assert "there is no journal at" in capsys.readouterr().err
    path = clean_environment / "state" / "genotel" / "journal.db"
    path.parent.mkdir(parents=True)
    writer = JournalWriter(path, clock=Clock(wall=lambda: EPOCH + 86_400, monotonic=lambda: EPOCH))
    for number in range(3):
        writer.finish(number, CallRow(EPOCH + number * 43_200, "sdxl", "generate_content", "test", outcome="ok"))
    writer.flush()
    writer.close()
    assert call(monkeypatch, "--evaluate-from-day", "1") == 0
    assert "journal journal.db" in capsys.readouterr().out
    assert call(monkeypatch, "--journal", str(path)) == 2
    assert "give a longer history" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--events", "a", "--journal", "b"], "give one of --journal and --events, not both"),
        (["--events", "absent.csv"], "absent.csv: cannot be read"),
        (["--journal", "absent.db"], "absent.db: no such journal"),
        (["--events", "{events}", "--format", "pdf"], "unknown format 'pdf'; the formats are text, json, html"),
        (["--events", "{events}", "--slots", "4,many"], "--slots is '4,many', expected whole numbers from 1"),
        (["--events", "{events}", "--slots", "0"], "--slots is '0', expected whole numbers from 1"),
        (["--events", "{events}", "--memory-bytes", "24G"], "--memory-bytes is '24G', expected numbers of bytes"),
        (["--events", "{events}", "--memory-bytes", "0"], "--memory-bytes is '0', expected numbers of bytes"),
        (["--events", "{events}", "--memory-bytes", "inf"], "--memory-bytes is 'inf', expected numbers of bytes"),
        (["--events", "{events}", "--memory-bytes", "1e9", "--slots", "4"], "give one of --slots and --memory-bytes"),
        (
            ["--events", "{events}", "--memory-bytes", "24e9", "--evaluate-from-day", "1"],
            "events events.csv knows no size of any model",
        ),
        (["--events", "{events}", "--objective", "speed"], "unknown objective 'speed'; there are cold-starts, load-s"),
        (["--events", "{events}", "--horizons", ""], "--horizons is '', expected whole numbers from 1"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_two(
    events: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    """Nothing on stdout."""
    assert call(monkeypatch, *(argument.format(events=events) for argument in arguments)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"genotel: {message}")
    assert shown.err.count("\n") == 1
