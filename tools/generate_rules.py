"""Render ``alerting-rules/`` from ``genotel.rules``: rule file, runbook and tests of each group."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from genotel.rules.registry import GROUPS
from genotel.rules.writing import RUNBOOKS, rules_file, runbook
from tools.generate_alert_tests import alert_tests, steps_of

FOLDER = "alerting-rules"
TESTS = "tests"


def rule_files() -> dict[str, Callable[[], str]]:
    """Return the path of each file and the function that makes its text."""
    files: dict[str, Callable[[], str]] = {}
    for group in GROUPS:
        files[f"{FOLDER}/{group.name}.yaml"] = partial(rules_file, group)
        if group.alerts():
            files[f"{FOLDER}/{RUNBOOKS}/{group.name}.md"] = partial(runbook, group)
        for step in steps_of(group):
            name = group.name if step == 1 else f"{group.name}-slow"
            files[f"{FOLDER}/{TESTS}/{name}.yaml"] = partial(alert_tests, group, step)
    return files
