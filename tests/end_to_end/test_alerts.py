"""Prometheus itself, in both generations, says when each alert fires, and what its messages read."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.servers import program

RULES = ROOT / "alerting-rules"
generations = pytest.mark.parametrize("newer", [False, True], ids=["promtool 2", "promtool 3"])

# An expectation that an alert fires, as it is written in alerting-rules/tests.
FIRES = re.compile(r'- expr: "ALERTS{alertname=\\"(\w+)\\".*\n +(eval_time: \w+)\n +exp_samples:\n')


def run(*command: str | Path, folder: Path = RULES) -> subprocess.CompletedProcess[str]:
    """Run a tool in a folder of rules."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=False)


@generations
def test_prometheus_accepts_every_rule(newer):
    """No rule is a duplicate, none is unreadable."""
    files = sorted(RULES.glob("*.yaml"))
    done = run(program("promtool", newer=newer), "check", "rules", "--lint=all", "--lint-fatal", *files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_victoria_metrics_accepts_every_rule():
    """The same files load in vmalert."""
    files = [f"-rule={path}" for path in sorted(RULES.glob("*.yaml"))]
    done = run(program("vmalert", newer=True), "-dryRun", "-rule.validateTemplates", *files)
    assert done.returncode == 0, done.stdout + done.stderr


def asking_for_messages(text: str) -> tuple[str, set[str]]:
    """Return a file of tests that also shows every alert that fires, and the names of these alerts.

    Asked for no alerts at all where there are some, promtool fails and shows what they say.
    """
    head, *tests = text.split("  - name: ")
    names: set[str] = set()
    for number, test in enumerate(tests):
        if (fires := FIRES.search(test)) is not None:
            names.add(fires[1])
            tests[number] += (
                f"    alert_rule_test:\n      - alertname: {fires[1]}\n        {fires[2]}\n        exp_alerts: []\n"
            )
    return "  - name: ".join([head, *tests]), names


@generations
def test_every_alert_fires_holds_ends_and_can_be_told(tmp_path, newer):
    """Four ways each: fires, just below, ends when all is well, and when its series are gone; no message has a hole.

    All files in one run, messages with it: evaluating is what costs.
    """
    copy = tmp_path / "alerting-rules"
    shutil.copytree(RULES, copy)
    names: set[str] = set()
    for path in (copy / "tests").iterdir():
        text, fired = asking_for_messages(path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")
        names |= fired
    done = run(program("promtool", newer=newer), "test", "rules", *sorted((copy / "tests").iterdir()), folder=copy)
    said = done.stdout + done.stderr
    # The one thing that fails is that alerts were shown which nobody expected.
    wrong = [line for line in said.splitlines() if re.match(r"\s*(expr|error|\S+: (error|yaml))", line)]
    assert wrong == []
    assert "error expanding" not in said
    assert "<no value>" not in said
    assert "%!" not in said
    assert len(names) > 50
    assert names == set(re.findall(r'Labels:\s*{alertname="(\w+)"', said)), said


def test_a_wrong_threshold_fails_the_tests(tmp_path):
    """The tests prove something: with half the limit of the processors "just below" fires."""
    copy = tmp_path / "alerting-rules"
    shutil.copytree(RULES, copy)
    limits = copy / "thresholds.yaml"
    limits.write_text(limits.read_text(encoding="utf-8").replace("vector(0.8)", "vector(0.4)"), encoding="utf-8")
    tests = copy / "tests" / "host.yaml"
    head, *rest = tests.read_text(encoding="utf-8").split("  - name: ")
    kept = [test for test in rest if test.startswith("GenotelCpuHigh")]
    tests.write_text("  - name: ".join([head, *kept]), encoding="utf-8")
    done = run(program("promtool"), "test", "rules", "tests/host.yaml", folder=copy)
    assert done.returncode == 1
    assert "GenotelCpuHigh" in done.stdout + done.stderr
