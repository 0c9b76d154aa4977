"""``genotel backfill`` on the command line: text on stdout, the rest on stderr, and an exit code."""

from __future__ import annotations

import subprocess
import sys

import pytest

from genotel.cli.main import run

TIME = 1_790_000_000


@pytest.fixture
def events(tmp_path):
    """Return an event list of two calls."""
    path = tmp_path / "events.csv"
    path.write_text(f"timestamp,model,status\n{TIME},sdxl,ok\n{TIME + 600},sdxl,ok\n")
    return str(path)


@pytest.fixture
def call(monkeypatch, capsys):
    """Return what calls the command and gives its exit code and streams."""

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["genotel", "backfill", *arguments])
        with pytest.raises(SystemExit) as caught:
            run()
        shown = capsys.readouterr()
        return int(caught.value.code or 0), shown.out, shown.err

    return called


def test_the_text_goes_to_stdout(call, events):
    """And what it holds to stderr."""
    code, out, err = call("--events", events, "--label", "simulated=true", "--interval", "5m")
    assert code == 0
    assert out.startswith("# TYPE up gauge\n")
    assert out.endswith("\n# EOF\n")
    assert 'simulated="true"' in out
    assert err == "genotel: 2 calls, 1 model, from 2026-09-21 14:13 to 2026-09-21 14:23\n"


def test_a_reader_that_has_enough_is_no_error(events):
    """``genotel backfill | head`` ends quietly."""
    command = [sys.executable, "-m", "genotel", "backfill", "--events", events, "--interval", "1s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "# TYPE up gauge\n"
        process.stdout.close()
        assert "Broken" not in process.stderr.read()
        assert process.wait(30) == 0


def test_a_file_is_written(call, events, tmp_path):
    """Instead of stdout."""
    file = tmp_path / "history.txt"
    assert call("--events", events, "--output", str(file))[:2] == (0, "")
    assert file.read_text().endswith("# EOF\n")


def test_a_data_folder_is_filled_by_promtool(call, events, tmp_path):
    """And the line to start Prometheus with is said."""
    tool = tmp_path / "promtool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    code, out, err = call("--events", events, "--data-folder", str(tmp_path / "data"), "--promtool", str(tool))
    assert (code, out) == (0, "")
    assert f"--storage.tsdb.path={tmp_path / 'data'} --storage.tsdb.retention.time=" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--output", "a", "--victoria-metrics", "http://b"), "give one of --output and --victoria-metrics"),
        (("--journal", "j"), "give one of --journal and --events, not both"),
        (("--interval", "2h"), "is no duration from 1s to 1h"),
        (("--interval", "fast"), "is no duration"),
        (("--label", "job=x"), "is no name=value"),
        (("--label", "x"), "is no name=value"),
        (("--data-folder", "d", "--promtool", "/none/promtool"), "no program /none/promtool"),
        (("--victoria-metrics", "nowhere"), "is no address"),
    ],
)
def test_a_mistake_is_one_line(call, events, arguments, said):
    """Exit code 2, nothing on stdout."""
    code, out, err = call("--events", events, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_without_a_source_the_journal_of_this_machine_is_read(call):
    """There is none here."""
    code, _, err = call()
    assert code == 2
    assert "no such journal" in err
