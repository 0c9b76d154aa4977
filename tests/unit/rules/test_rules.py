"""The groups say everything that a woken person needs, and nothing that does not exist."""

from __future__ import annotations

import re

import pytest

from genotel.rules import slo, thresholds
from genotel.rules.registry import GROUPS
from genotel.rules.rule import Alert, Severity, template
from genotel.rules.writing import rules_file, runbook
from genotel.semconv.recorded_series import CPU, RECORDED, THRESHOLDS
from genotel.settings.objectives import LEAST
from tools.alert_cases import ALWAYS, CASES
from tools.generate_alert_tests import alert_tests, cases_of, steps_of

ALERTS = [(group, alert) for group in GROUPS for alert in group.alerts()]
each_alert = pytest.mark.parametrize(("group", "alert"), ALERTS, ids=[alert.name for _, alert in ALERTS])


@each_alert
def test_an_alert_says_what_to_do(group, alert: Alert):
    """A name of ours, five texts, three steps, a link; the summary has no number, so that it groups."""
    assert re.fullmatch(r"Genotel[A-Z][A-Za-z]+", alert.name)
    assert alert.summary.endswith(".")
    assert "<" not in alert.summary
    assert alert.description.endswith(".")
    assert alert.impact.endswith(".")
    assert len(alert.first) == 3
    text = rules_file(group)
    for annotation in ("summary", "description", "impact", "runbook_url", "dashboard_url"):
        assert text.count(f"          {annotation}: ") == len(group.alerts())


@each_alert
def test_what_a_text_names_is_on_the_alert(group, alert: Alert):
    """A label that the query drops would be an empty place in the message."""
    if alert.name == ALWAYS:
        assert "$labels" not in template(alert.description)
        return
    cases = [case for case in CASES if (case.alert, case.extra) == (alert.name, alert.labels)]
    texts = template(alert.description + alert.impact) + alert.dashboard_url()
    assert cases
    for case in cases:
        assert set(re.findall(r"\$labels\.(\w+)", texts)) <= set(case.labels)


@each_alert
def test_every_alert_has_a_case(group, alert: Alert):
    """An alert that no test fires may never fire."""
    if alert.name != ALWAYS:
        assert alert in [tested for step in steps_of(group) for tested, _ in cases_of(group, step)]


def test_every_case_is_of_an_alert():
    """A case whose alert was renamed tests nothing."""
    known = {(alert.name, alert.labels) for _, alert in ALERTS}
    assert {(case.alert, case.extra) for case in CASES} <= known


def test_each_case_is_written_four_ways():
    """Fires and gone in one run, just below, ends."""
    text = "".join(alert_tests(group, step) for group in GROUPS for step in steps_of(group))
    assert text.count("  - name: ") == 3 * len(CASES) + 1
    assert text.count("        eval_time: ") == 4 * len(CASES) + 1


@each_alert
def test_the_runbook_has_the_heading_that_the_alert_links_to(group, alert: Alert):
    """Meaning, impact, first steps and how to mute stand below it."""
    chapter = runbook(group).split(f"\n## {alert.name}\n")[1].split("\n## ")[0]
    assert [line[4:] for line in chapter.splitlines() if line.startswith("### ")] == [
        "Meaning",
        "Impact",
        "First steps",
        "How to mute",
    ]
    assert f'runbook_url: "runbooks/{group.name}.md#{alert.name.lower()}"' in rules_file(group)


def test_addresses_can_be_given():
    """Whoever writes the rules for a site puts its Grafana and its pages before the paths."""
    group = next(group for group in GROUPS if group.alerts())
    text = rules_file(group, grafana="https://grafana.example", runbooks="https://wiki.example/runbooks")
    assert 'dashboard_url: "https://grafana.example/d/' in text
    assert f'runbook_url: "https://wiki.example/runbooks/{group.name}.md#' in text


def test_a_name_is_recorded_once():
    """Prometheus takes the same name twice and keeps whichever was last."""
    names = [rule.name for group in GROUPS for rule in group.rules if not isinstance(rule, Alert)]
    assert len(set(names)) == len(names)
    assert set(names) == {series.name for series in (*RECORDED, *THRESHOLDS)}


def test_a_users_threshold_replaces_ours():
    """The file has the user's value and everybody else's default."""
    text = rules_file(thresholds.thresholds({CPU.name: 0.5}))
    assert f"- record: {CPU.name}\n        expr: |-\n          vector(0.5)\n" in text
    assert text.count("- record: ") == len(THRESHOLDS)


def test_an_unknown_threshold_is_refused():
    """A typing mistake would leave the default silently in force."""
    with pytest.raises(ValueError, match="no such threshold: cpu"):
        thresholds.thresholds({"cpu": 0.5})


def test_every_objective_that_can_be_set_can_be_missed():
    """14.4 times the budget must be less than all calls."""
    assert all(factor * (1 - LEAST) < 1 for _, _, factor, *_ in slo.PAIRS)
    assert [alert.severity for alert in slo.burn_alerts()] == [
        Severity.CRITICAL,
        Severity.CRITICAL,
        Severity.WARNING,
        Severity.WARNING,
    ]


def test_a_placeholder_that_there_is_not_is_refused():
    """A typing mistake in a text is found when the files are made."""
    with pytest.raises(KeyError):
        template("<modle>")
