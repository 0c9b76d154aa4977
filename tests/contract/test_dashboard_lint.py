"""The dashboards keep the 17 rules of Grafana's dashboard-linter; each exclusion has its reason, and is needed."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from genotel.dashboards.building import dashboard_file
from genotel.dashboards.registry import DASHBOARDS
from tests.dashboard_lint import RULES, Board

# Rule -> what a fault may read, and why it is none.
EXCLUSIONS = {
    "target-rate-interval-rule": {
        r".*: has a window of \$__range": "tables and shares of all that is shown ask for just that",
    },
    "target-job-rule": {
        r".*: genotel_slo:(objective|own_objective|duration_objective):ratio of any job": "a constant has no job",
        r"Calls an hour: forecast and real: genotel_slo:requests:increase1h of any job": (
            "the recommender's job is chosen there, and the calls are other jobs'"
        ),
        r"Alerts that fire: ALERTS of any job": "alerts on the alerting itself have no job",
    },
    "target-instance-rule": {
        r".*: genotel_(slo|model):\S+ of any instance": "these are of a model, on whichever machines it runs",
        r"Unreachable: up of any instance": "what cannot be scraped is on no list to choose from",
        r"Alerts that fire: ALERTS of any instance": "alerts on models have no instance",
    },
}


def boards() -> list[Board]:
    """Return the dashboards as Grafana reads them."""
    return [json.loads(dashboard_file(board)) for board in DASHBOARDS]


def excused(rule: str, fault: str) -> bool:
    """Return whether a fault is one that is meant."""
    return any(re.fullmatch(pattern, fault) for pattern in EXCLUSIONS.get(rule, {}))


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_of_the_linter_holds(rule):
    """But where an exclusion says why not."""
    assert [fault for board in boards() for fault in RULES[rule](board) if not excused(rule, fault)] == []


def test_every_exclusion_is_needed():
    """One that is no longer is taken out."""
    needed = {
        (rule, pattern)
        for rule, patterns in EXCLUSIONS.items()
        for board in boards()
        for fault in RULES[rule](board)
        for pattern in patterns
        if re.fullmatch(pattern, fault)
    }
    assert needed == {(rule, pattern) for rule, patterns in EXCLUSIONS.items() for pattern in patterns}
    assert len(RULES) == 17


def variable(board: Any, name: str) -> Any:
    """Return a variable of a dashboard."""
    return next(one for one in board["templating"]["list"] if one["name"] == name)


def panel(board: Any) -> Any:
    """Return the first panel of a dashboard that asks something."""
    return next(one for one in board["panels"] if one["type"] != "row")


PLANTED: dict[str, Callable[[Any], object]] = {
    "template-datasource-rule": lambda board: variable(board, "datasource").update(query="loki"),
    "template-job-rule": lambda board: variable(board, "job").update(multi=False),
    "template-instance-rule": lambda board: variable(board, "instance").update(name="host"),
    "template-label-promql-rule": lambda board: variable(board, "job").update(query="label_values(up{, job)"),
    "template-on-time-change-reload-rule": lambda board: variable(board, "job").update(refresh=1),
    "panel-datasource-rule": lambda board: panel(board)["datasource"].update(uid="prometheus"),
    "panel-title-description-rule": lambda board: panel(board).update(description=""),
    "panel-units-rule": lambda board: panel(board)["fieldConfig"]["defaults"].update(unit=""),
    "panel-no-targets-rule": lambda board: panel(board).update(targets=[]),
    "target-logql-rule": lambda board: panel(board)["targets"][0]["datasource"].update(type="loki"),
    "target-logql-auto-rule": lambda board: panel(board)["targets"][0].update(expr="rate(up[$__auto])"),
    "target-promql-rule": lambda board: panel(board)["targets"][0].update(expr="rate(up[5m]"),
    "target-rate-interval-rule": lambda board: panel(board)["targets"][0].update(expr="rate(up{}[5m])"),
    "target-job-rule": lambda board: panel(board)["targets"][0].update(expr='up{instance=~"$instance"}'),
    "target-instance-rule": lambda board: panel(board)["targets"][0].update(expr='up{job=~"$job"}'),
    "target-counter-agg-rule": lambda board: panel(board)["targets"][0].update(
        expr="sum(genotel_generation_requests_total{})"
    ),
    "uneditable-dashboard-rule": lambda board: board.update(editable=True),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_planted_fault_breaks_its_rule(rule):
    """A rule that nothing breaks says nothing."""
    board = copy.deepcopy(boards()[1])
    PLANTED[rule](board)
    assert [fault for fault in RULES[rule](board) if not excused(rule, fault)] != []
