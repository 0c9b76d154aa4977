"""Prometheus itself says when each alert fires, and what its messages read."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.conftest import require

RULES = ROOT / "alerting-rules"
TESTS = sorted((RULES / "tests").glob("*.yaml"))

FIRING = re.compile(
    r'promql_expr_test:\n      - expr: "ALERTS{alertname=\\"(\w+)\\".*\n'
    r"        (eval_time: \w+)\n        exp_samples:\n.*\n.*\n"
)
NONE = r"alert_rule_test:\n      - alertname: \1\n        \2\n        exp_alerts: []\n"


def promtool(*arguments: str | Path, folder: Path = RULES) -> subprocess.CompletedProcess[str]:
    """Run Prometheus' own tool."""
    program = require(shutil.which("promtool"), "promtool (Debian package prometheus)")
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, timeout=100, check=False)


def test_prometheus_accepts_every_rule():
    """No rule is a duplicate, none is unreadable."""
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", *sorted(RULES.glob("*.yaml")))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_every_alert_fires_holds_and_ends(path: Path):
    """Four ways each: fires, just below, ends when all is well, and when its series are gone."""
    done = promtool("test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_threshold_fails_the_tests(tmp_path):
    """The tests prove something: with half the limit of the processors "just below" fires."""
    copy = tmp_path / "alerting-rules"
    shutil.copytree(RULES, copy)
    limits = copy / "thresholds.yaml"
    limits.write_text(limits.read_text(encoding="utf-8").replace("vector(0.8)", "vector(0.4)"), encoding="utf-8")
    done = promtool("test", "rules", "tests/host.yaml", folder=copy)
    assert done.returncode == 1
    assert "GenotelCpuHigh" in done.stdout + done.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_every_message_can_be_written(path: Path, tmp_path):
    """No template fails, and no place in a message is left empty."""
    copy = tmp_path / "alerting-rules"
    shutil.copytree(RULES, copy)
    # Asked for no alerts at all, promtool shows those that there are, with what they say.
    head, *tests = path.read_text(encoding="utf-8").split("  - name: ")
    firing = [FIRING.sub(NONE, test) for test in tests if FIRING.search(test)]
    quiet = "  - name: ".join([head, *firing])
    (copy / "tests" / path.name).write_text(quiet, encoding="utf-8")
    done = promtool("test", "rules", f"tests/{path.name}", folder=copy)
    said = done.stdout + done.stderr
    fired = set(re.findall(r"alertname: (\w+)", quiet))
    assert fired
    assert fired <= set(re.findall(r'alertname="(\w+)"', said)), said
    assert "error expanding" not in said
    assert "<no value>" not in said
    assert "%!" not in said
