"""What the tools of Prometheus and Alertmanager say is handed on; without them nothing is claimed."""

from __future__ import annotations

from genotel.actions.provision.checks import Check, checked

FILES = {"prometheus.yml": "", "agent.yml": "", "rules/a.yaml": "", "alertmanager/alertmanager.yml": ""}


def tool(folder, name, script):
    """Write a program that stands for one of theirs."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_without_tools_nothing_is_claimed(tmp_path):
    """A check that was not done is none that was passed."""
    checks = checked(tmp_path, FILES, lambda name: None)
    assert len(checks) == 4
    assert not any(check.is_done for check in checks)


def test_each_file_is_shown_to_its_tool(tmp_path):
    """In the folder itself, since paths in configurations are relative."""
    log = tmp_path / "log"
    found = tool(tmp_path, "tool", f'echo "$@" >> {log}; test "$PWD" = {tmp_path}')
    assert [check.complaint for check in checked(tmp_path, FILES, lambda name: found)] == [None] * 4
    assert log.read_text().splitlines() == [
        "check config --syntax-only prometheus.yml",
        "check config --syntax-only --agent agent.yml",
        "check rules rules/a.yaml",
        "check-config alertmanager/alertmanager.yml",
    ]


def test_a_complaint_is_told_in_the_tool_s_words(tmp_path):
    """Without what it says of itself."""
    found = tool(tmp_path, "tool", "echo 'Checking x'; echo '  FAILED: line 3: no such key' >&2; exit 1")
    [check] = checked(tmp_path, {"prometheus.yml": ""}, lambda name: found)
    assert check == Check("promtool: prometheus.yml", "FAILED: line 3: no such key")


def test_a_tool_that_says_nothing_is_told_by_its_exit_code(tmp_path):
    """It is no success."""
    found = tool(tmp_path, "tool", "exit 4")
    [check] = checked(tmp_path, {"prometheus.yml": ""}, lambda name: found)
    assert check.complaint == "exit code 4"


def test_a_tool_that_cannot_run_is_told(tmp_path):
    """A broken file among the programs."""
    path = tmp_path / "tool"
    path.write_bytes(b"\x7fELF broken")
    path.chmod(0o755)
    [check] = checked(tmp_path, {"prometheus.yml": ""}, lambda name: str(path))
    assert check.complaint == "could not be asked (OSError)"


def test_files_that_are_not_there_are_not_checked(tmp_path):
    """Manifests have no tool here."""
    assert checked(tmp_path, {"manifests/rules.yaml": ""}, lambda name: None) == []
