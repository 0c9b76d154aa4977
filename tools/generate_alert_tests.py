"""Render ``alerting-rules/tests/``: promtool's tests of every alert, four ways each."""

from __future__ import annotations

import json

from genotel.rules.rule import Alert, Group
from tools.alert_cases import ALWAYS, CASES
from tools.alert_cases.case import Case, Series

# What the alerts of a group read of other files; those of the rest read the constants only. The alert on
# missing constants must go without.
ALONE = "meta"
READ = {
    ALONE: (),
    "availability": ("thresholds", "recordings", "long-recordings"),
    "slo": ("thresholds", "recordings", "long-recordings"),
}


def alert_tests(group: Group, step: int) -> str:
    """Return the tests of a group's alerts that are evaluated every ``step`` minutes."""
    files = [*READ.get(group.name, ("thresholds",)), group.name]
    parts = [
        "# Made from tools/alert_cases by `make generate`; run it by `promtool test rules`.\n",
        f"rule_files: [{', '.join(f'../{name}.yaml' for name in files)}]\n",
        f"evaluation_interval: {step}m\n",
        # Record before asking: Prometheus 3 no longer sees a sample that is exactly 5 min old.
        f"group_eval_order: [{', '.join(f'genotel-{name}' for name in files)}]\n",
        "tests:\n",
    ]
    for alert, case in cases_of(group, step):
        parts += [_test(alert, group, case, *way) for way in _ways(case)]
    if group.name == ALONE:
        parts.append(_heartbeat(group))
    return "".join(parts)


def cases_of(group: Group, step: int) -> list[tuple[Alert, Case]]:
    """Return the alerts of a group with their cases; alerts of one name are told apart by their labels."""
    return [
        (alert, case)
        for alert in group.alerts()
        for case in CASES
        if (case.alert, case.extra, case.step) == (alert.name, alert.labels, step)
    ]


def steps_of(group: Group) -> list[int]:
    """Return the intervals that the cases of a group need; none where it has no alerts."""
    return sorted({case.step for case in CASES if case.alert in {alert.name for alert in group.alerts()}})


# Minute and whether the alert fires then.
Look = tuple[int, bool]


def _ways(case: Case) -> list[tuple[str, Series, list[Look]]]:
    # What fires and what is left when its series are gone are one run of the same series.
    return [
        ("fires, and is as it should be when its series are gone", case.fires, _gone(case)),
        ("does not fire just below", case.below, [(case.at, False)]),
        ("ends when all is well", case.well, [(case.well_at, False)]),
    ]


def _gone(case: Case) -> list[Look]:
    return [(case.at, True), (case.gone_at, case.gone_fires)]


def _test(alert: Alert, group: Group, case: Case, way: str, series: Series, looks: list[Look]) -> str:
    inputs = "".join(
        f"      - series: {json.dumps(name)}\n        values: {json.dumps(values)}\n" for name, values in series.items()
    )
    labels = {"severity": str(alert.severity), "component": group.component, **dict(alert.labels), **case.labels}
    expected = "".join(_expected(alert.name, dict(case.extra), labels, minute, firing) for minute, firing in looks)
    return (
        f"  - name: {alert.name} {way}\n    interval: 1m\n    input_series:\n{inputs}    promql_expr_test:\n{expected}"
    )


def _expected(name: str, extra: dict[str, str], labels: dict[str, str], minute: int, firing: bool) -> str:
    asked = {"alertname": name, "alertstate": "firing", **extra}
    sample = f"\n          - labels: {json.dumps(_selector(asked | labels))}\n            value: 1" if firing else " []"
    return f"      - expr: {json.dumps(_selector(asked))}\n        eval_time: {minute}m\n        exp_samples:{sample}\n"


def _selector(labels: dict[str, str]) -> str:
    return f"ALERTS{{{','.join(f'{key}={json.dumps(value)}' for key, value in labels.items())}}}"


def _heartbeat(group: Group) -> str:
    labels = {"severity": "none", "component": group.component}
    return (
        f"  - name: {ALWAYS} fires with nothing there\n    interval: 1m\n    input_series: []\n"
        f"    promql_expr_test:\n{_expected(ALWAYS, {}, labels, 60, True)}"
    )
