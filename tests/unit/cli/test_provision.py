"""``genotel provision`` on the command line: start lines on stdout, the rest on stderr, and an exit code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from genotel.cli.main import run


@pytest.fixture(autouse=True)
def no_tools(monkeypatch, tmp_path):
    """Let no tool of this machine be found; each test adds what it needs."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def call(monkeypatch, capsys):
    """Return what calls the command and gives its exit code and streams."""

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["genotel", "provision", *arguments])
        with pytest.raises(SystemExit) as caught:
            run()
        shown = capsys.readouterr()
        return int(caught.value.code or 0), shown.out, shown.err

    return called


def test_a_machine_is_provisioned_by_default(call):
    """Lines for a shell on stdout; on stderr what was written, what was not checked, what is missing."""
    code, out, err = call()
    assert code == 0
    assert "--config.file=" in out
    assert "files written, 0 as they were" in err
    assert "promtool is not installed, so it checked nothing" in err
    assert "write the secrets that alertmanager.yml names: alertmanager/secrets/advice-token" in err
    assert Path("genotel-stack/prometheus.yml").is_file()


def test_secrets_that_are_there_are_not_asked_for(call):
    """Only those that are missing."""
    call()
    for name in ("advice-token", "heartbeat-token", "pagerduty-key", "slack-url"):
        Path("genotel-stack/alertmanager/secrets").mkdir(exist_ok=True)
        Path(f"genotel-stack/alertmanager/secrets/{name}").touch()
    assert "secrets" not in call()[2]


def test_a_second_run_changes_nothing(call):
    """And says so."""
    call()
    code, _, err = call()
    assert code == 0
    assert ": 0 files written, " in err


def test_a_changed_file_is_kept_and_shown(call):
    """Exit code 1, since what was asked was not done."""
    call()
    file = Path("genotel-stack/prometheus.yml")
    file.write_text("mine\n")
    code, _, err = call()
    assert code == 1
    assert "\n-mine\n" in err
    assert "genotel-stack/prometheus.yml was changed and is kept; --force writes over it" in err
    assert file.read_text() == "mine\n"
    code, _, err = call("--force")
    assert code == 0
    assert ": 1 file written, " in err


def test_a_difference_is_shown_without_writing(call):
    """Of everything that would change."""
    code, out, err = call("--diff")
    assert code == 0
    assert out.count("--- /dev/null\n") > 30
    assert err == ""
    assert not Path("genotel-stack").exists()


def test_files_of_another_layout_are_named(call):
    """They stay, and nobody wonders."""
    call()
    err = call("--layout", "fleet", "--remote-write", "http://s/api/v1/write")[2]
    assert "genotel-stack/prometheus.yml is not part of this layout any more" in err


def test_paths_are_those_of_the_machine_that_reads_them(call):
    """Written here, copied there."""
    _, out, _ = call("--at", "/etc/genotel")
    assert "--config.file=/etc/genotel/prometheus.yml" in out
    assert "/etc/genotel/alertmanager/secrets" in Path("genotel-stack/alertmanager/alertmanager.yml").read_text()


@pytest.mark.parametrize(("said", "hint"), [("no such key", ""), ("field otlp not found", " (OTLP needs Prometheus 3")])
def test_a_file_that_a_tool_refuses_is_an_answer(call, tmp_path, said, hint):
    """Exit code 1, and its words."""
    promtool = tmp_path / "bin" / "promtool"
    promtool.write_text(f"#!/bin/sh\necho '{said}'\nexit 1\n")
    promtool.chmod(0o755)
    code, _, err = call()
    assert code == 1
    assert f"provision: promtool: prometheus.yml: {said}{hint}" in err
    assert "amtool is not installed" in err


def test_a_file_that_a_tool_accepts_is_told(call, tmp_path):
    """By name."""
    promtool = tmp_path / "bin" / "promtool"
    promtool.write_text("#!/bin/sh\n")
    promtool.chmod(0o755)
    code, _, err = call()
    assert code == 0
    assert "provision: promtool: prometheus.yml is right\n" in err


def test_retention_comes_from_the_settings(call):
    """As long as everything else is kept."""
    Path("genotel.toml").write_text("[export]\nretention_days = 12\n")
    assert "retention.time=12d" in call()[1]


@pytest.mark.parametrize(
    "arguments", [("--layout", "helm"), ("--target", "nowhere"), ("--layout", "fleet"), ("--folder", "file")]
)
def test_a_mistake_is_one_line(call, arguments):
    """Exit code 2, nothing written."""
    Path("file").write_text("")
    code, out, err = call(*arguments)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("genotel: ")
    assert not Path("genotel-stack").exists()
