"""``genotel recommend`` on the command line: data on stdout, the rest on stderr, and an exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genotel.cli.main import run
from genotel.clock import Clock
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
from histories import EPOCH
from tests.answering import Said, answering

DAY = 86_400


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Return the event list of a busy, a dead and a failing model."""
    lines = ["timestamp,model,status,size_bytes"]
    lines += [f"{EPOCH + day * DAY:.0f},busy,ok," for day in range(60)]
    lines += [f"{EPOCH + day * DAY:.0f},dead,ok,7000000000" for day in range(3)]
    lines += [f"{EPOCH + 58 * DAY + call:.0f},failing,error," for call in range(20)]
    file = tmp_path / "events.csv"
    file.write_text("\n".join(lines))
    return file


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Return the exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["genotel", "recommend", *arguments])
    with pytest.raises(SystemExit) as caught:
        run()
    return int(caught.value.code or 0)


def test_advice_goes_to_stdout_as_a_table(
    events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing on stderr, exit code 0, no colour in a pipe."""
    assert call(monkeypatch, "--events", str(events)) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "dead" in shown.out
    assert "7.00 GB" in shown.out
    assert "failing" in shown.out
    assert "\x1b" not in shown.out


def test_narrow_terminals_get_paragraphs(
    events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As wide as the terminal says."""
    monkeypatch.setenv("COLUMNS", "50")
    assert call(monkeypatch, "--events", str(events)) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 50
    assert "cleanup: dead" in out


def test_json_is_one_object(events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Parsed by any program; --kind asks one recommender only."""
    assert call(monkeypatch, "--events", str(events), "--format", "json", "--kind", "performance") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["source"] == "events events.csv"
    assert content["window"] == {"start": "2024-12-30T00:00:00Z", "end": "2025-02-27T00:00:00Z"}
    assert [entry["model"] for entry in content["recommendations"]] == ["failing"]
    assert {entry["kind"] for entry in content["withheld"]} == {"performance"}


def test_models_to_keep_loaded_are_handed_over(
    events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As calls, which are only printed."""
    assert call(monkeypatch, "--events", str(events), "--hand-over", "triton") == 0
    assert "/v2/repository/models/busy/load" in capsys.readouterr().out
    assert call(monkeypatch, "--events", str(events), "--hand-over", "magic") == 2
    assert "unknown hand-over 'magic'" in capsys.readouterr().err


def test_a_terminal_gets_colour_unless_it_says_no(
    events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """NO_COLOR is respected."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    call(monkeypatch, "--events", str(events))
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR")
    call(monkeypatch, "--events", str(events))
    assert "\x1b" in capsys.readouterr().out


@pytest.mark.parametrize(("limit", "code"), [("high", 1), ("medium", 1), ("low", 1)])
def test_fail_on_ends_with_one_where_there_is_such_advice(
    events: Path, monkeypatch: pytest.MonkeyPatch, limit: str, code: int
) -> None:
    """The failing model is a high priority."""
    assert call(monkeypatch, "--events", str(events), "--fail-on", limit) == code


def test_fail_on_ends_with_zero_where_there_is_none(events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cleanup alone is of low priority here."""
    assert call(monkeypatch, "--events", str(events), "--kind", "cleanup", "--fail-on", "medium") == 0
    assert call(monkeypatch, "--events", str(events), "--kind", "cleanup", "--fail-on", "low") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--events", "a", "--journal", "b"], "give one of --journal and --events, not both"),
        (["--events", "absent.csv"], "absent.csv: cannot be read (No such file or directory)"),
        (["--journal", "absent.db"], "absent.db: no such journal"),
        (["--events", "{events}", "--kind", "magic"], "unknown kind 'magic'; the kinds of advice are cleanup, perf"),
        (["--events", "{events}", "--format", "pdf"], "unknown format 'pdf'; the formats are table, json"),
        (
            ["--events", "{events}", "--fail-on", "dire"],
            "unknown priority 'dire'; the priorities are high, medium",
        ),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_two(
    events: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    """Nothing on stdout, so that a pipe gets no half answer."""
    assert call(monkeypatch, *(argument.format(events=events) for argument in arguments)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"genotel: {message}")
    assert shown.err.count("\n") == 1


def test_without_a_source_the_options_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no journal at the default place either."""
    assert call(monkeypatch) == 2
    shown = capsys.readouterr().err
    assert "state/genotel/journal.db" in shown
    assert "--journal FILE" in shown
    assert "--events FILE.csv" in shown


def test_without_a_source_the_journal_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clean_environment: Path
) -> None:
    """From the default place, or where GENOTEL_JOURNAL says."""
    path = clean_environment / "state" / "genotel" / "journal.db"
    path.parent.mkdir(parents=True)
    writer = JournalWriter(path, clock=Clock(wall=lambda: EPOCH, monotonic=lambda: EPOCH))
    writer.finish(1, CallRow(EPOCH, "sdxl", "generate_content", "test", outcome="ok"))
    writer.flush()
    writer.close()
    assert call(monkeypatch) == 0
    assert "journal journal.db" in capsys.readouterr().out
    monkeypatch.setenv("GENOTEL_JOURNAL", str(path.rename(clean_environment / "mine.db")))
    assert call(monkeypatch) == 0
    assert "journal mine.db" in capsys.readouterr().out


def test_thresholds_come_from_the_settings_file(
    events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clean_environment: Path
) -> None:
    """A limit of 90 days leaves the dead model in doubt."""
    (clean_environment / "genotel.toml").write_text("[advice]\ncleanup_threshold_days = 3000\n")
    assert call(monkeypatch, "--events", str(events), "--format", "json", "--kind", "cleanup") == 0
    content = json.loads(capsys.readouterr().out)
    assert "unused" not in [entry["reason_code"] for entry in content["recommendations"]]


@given(content=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_at_all_ends_in_a_traceback(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0 with an answer, or 2 with one line."""
    file = tmp_path / "events.csv"
    file.write_bytes(b"timestamp,model,status\n" + content)
    code = call(monkeypatch, "--events", str(file))
    shown = capsys.readouterr()
    assert (code, shown.err.count("\n")) in {(0, 0), (2, 1)}


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["--prometheus", "http://127.0.0.1:9", "--journal", "b"], "give one of --prometheus and --journal", 2),
        (["--journal", "b", "--events", "c", "--prometheus", "http://a"], "not all", 2),
        (["--tenant", "lab", "--events", "{events}"], "options of a server need --prometheus URL", 2),
        (["--prometheus", "localhost:9090"], "is no address such as http://localhost:9090", 2),
        (["--prometheus", "http://a", "--header", "X"], "a header is written as 'Name: value'", 2),
        (["--prometheus", "https://127.0.0.1:9", "--ca-file", "absent.pem"], "absent.pem: no such file", 2),
    ],
)
def test_wrong_use_of_a_server_is_one_line(
    events: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
    code: int,
) -> None:
    """Before anybody is asked."""
    assert call(monkeypatch, *[argument.format(events=events) for argument in arguments]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert shown.err.count("\n") == 1


def test_a_web_page_instead_of_a_server_is_one_line_and_exit_code_three(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A login page, as proxies answer."""
    with answering(lambda *_: Said(200, b"<html>Log in</html>", {"Content-Type": "text/html"})) as url:
        assert call(monkeypatch, "--prometheus", url, "--header", "X-More: 1") == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "web page" in shown.err
    assert shown.err.count("\n") == 1


def test_a_checkpoint_remembers_what_an_event_list_no_longer_holds(
    events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second list begins where the first ended; the dead model of the first is still known."""
    file = tmp_path / "checkpoint.npz"
    assert call(monkeypatch, "--events", str(events), "--checkpoint", str(file), "--format", "json") == 0
    capsys.readouterr()
    later = tmp_path / "later.csv"
    later.write_text("timestamp,model\n" + "\n".join(f"{EPOCH + day * DAY:.0f},busy" for day in range(58, 70)))
    assert call(monkeypatch, "--events", str(later), "--checkpoint", str(file), "--format", "json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["source"] == "events later.csv and checkpoint checkpoint.npz"
    assert content["window"]["start"] == "2024-12-30T00:00:00Z"
    assert "dead" in {entry["model"] for entry in content["recommendations"]}


@pytest.mark.parametrize(
    ("format_name", "begins"),
    [("table", "Advice from"), ("csv", "status,kind,"), ("markdown", "# Advice"), ("html", "<!doctype html>")],
)
def test_a_report_goes_to_a_file_if_asked(
    format_name: str,
    begins: str,
    events: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing on stdout; a table in a file is as wide as one in a pipe, whatever the terminal."""
    monkeypatch.setenv("COLUMNS", "40")
    file = tmp_path / "advice.out"
    assert call(monkeypatch, "--events", str(events), "--format", format_name, "--output", str(file)) == 0
    assert capsys.readouterr().out == ""
    text = file.read_text(encoding="utf-8")
    assert text.startswith(begins)
    assert "dead" in text
    assert "priority   advice" in text or format_name != "table"


def test_a_file_that_cannot_be_written_is_one_line(
    events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and the file's name."""
    assert call(monkeypatch, "--events", str(events), "--output", str(tmp_path)) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert str(tmp_path) in err


@pytest.mark.parametrize("option", ["--emit-script", "--apply"])
def test_what_is_no_report_does_not_go_to_a_file(
    option: str, events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option that would be ignored is refused."""
    assert call(monkeypatch, "--events", str(events), option, "--output", str(tmp_path / "x")) == 2
    assert "--output is for reports" in capsys.readouterr().err
