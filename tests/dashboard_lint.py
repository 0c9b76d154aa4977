"""The 17 rules of Grafana's dashboard-linter, on the JSON that we ship.

Written anew from the linter's documentation; each rule returns a line for every fault, which begins with the panel or
variable that has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import promql_parser as parser

from tests.known_series import known
from tests.query_proof import for_prometheus, selector_of, selectors

Board = dict[str, Any]
# What a list of ours has for "all": the linter wants ".+", which leaves out the series that lack the label.
ALL = ".*"
WITHOUT_QUERIES = frozenset({"row", "text"})


def _variables(board: Board) -> list[Any]:
    return list(board["templating"]["list"])


def _panels(board: Board) -> list[Any]:
    return [panel for panel in board["panels"] if panel["type"] not in WITHOUT_QUERIES]


def _targets(board: Board) -> Iterator[tuple[str, str]]:
    for panel in _panels(board):
        for target in panel.get("targets", []):
            yield panel["title"], target.get("expr", "")


def _parsed(board: Board, text: str) -> Any:
    try:
        return parser.parse(for_prometheus(text, [variable["name"] for variable in _variables(board)]))
    except ValueError:
        return None


def _named(board: Board, name: str, label: str) -> Iterator[str]:
    found = [variable for variable in _variables(board) if variable["name"] == name]
    if not found:
        yield f"{name}: there is no such variable"
        return
    (variable,) = found
    if variable["type"] != "query" or variable["datasource"].get("uid") != "${datasource}":
        yield f"{name}: is no query of the chosen data source"
    if variable.get("label") != label:
        yield f"{name}: is not called {label}"
    if not variable.get("multi") or variable.get("allValue") != ALL:
        yield f"{name}: not any number of them can be chosen"


def template_datasource(board: Board) -> Iterator[str]:
    """Demand one variable for the data source, of Prometheus."""
    found = [variable for variable in _variables(board) if variable["type"] == "datasource"]
    if [(variable["name"], variable["query"], variable["label"]) for variable in found] != [
        ("datasource", "prometheus", "Data source")
    ]:
        yield "datasource: there is no such variable of Prometheus"


def template_job(board: Board) -> Iterator[str]:
    """Demand a variable for the job."""
    yield from _named(board, "job", "Job")


def template_instance(board: Board) -> Iterator[str]:
    """Demand a variable for the instance."""
    yield from _named(board, "instance", "Instance")


def template_label_promql(board: Board) -> Iterator[str]:
    """Demand that variables ask with valid PromQL."""
    for variable in _variables(board):
        if variable["type"] == "query":
            match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
            if match is None or _parsed(board, selector_of(variable["query"])) is None:
                yield f"{variable['name']}: asks what is no PromQL"


def template_reloads(board: Board) -> Iterator[str]:
    """Demand that variables look again when the time changes."""
    for variable in _variables(board):
        if variable["type"] == "query" and variable.get("refresh") != 2:
            yield f"{variable['name']}: does not look again when the time changes"


def panel_datasource(board: Board) -> Iterator[str]:
    """Demand that panels ask the chosen data source."""
    for panel in _panels(board):
        if panel.get("datasource", {}).get("uid") != "${datasource}":
            yield f"{panel['title']}: asks a data source of its own"


def panel_title_description(board: Board) -> Iterator[str]:
    """Demand a title and a description."""
    for panel in _panels(board):
        if not panel.get("title") or not panel.get("description"):
            yield f"{panel.get('title')}: has no title or no description"


def panel_units(board: Board) -> Iterator[str]:
    """Demand a unit."""
    for panel in _panels(board):
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"{panel['title']}: has no unit"


def panel_no_targets(board: Board) -> Iterator[str]:
    """Demand a query."""
    for panel in _panels(board):
        if not panel.get("targets"):
            yield f"{panel['title']}: asks nothing"


def target_logql(board: Board) -> Iterator[str]:
    """Demand valid LogQL: we have no logs, so any is a fault."""
    for panel in _panels(board):
        if any(target.get("datasource", {}).get("type") == "loki" for target in panel.get("targets", [])):
            yield f"{panel['title']}: asks for logs"


def target_logql_auto(board: Board) -> Iterator[str]:
    """Demand ``$__auto`` in ranges of LogQL, which nothing of ours is."""
    for title, text in _targets(board):
        if "$__auto" in text:
            yield f"{title}: has a range of LogQL"


def target_promql(board: Board) -> Iterator[str]:
    """Demand valid PromQL."""
    for title, text in _targets(board):
        if _parsed(board, text) is None:
            yield f"{title}: is no PromQL: {text}"


def target_rate_interval(board: Board) -> Iterator[str]:
    """Demand Grafana's own window in rates."""
    for title, text in _targets(board):
        for window in re.findall(r"(?:rate|increase)\([^\[]*\[([^\]]+)\]", text):
            if window != "$__rate_interval":
                yield f"{title}: has a window of {window}"


def _lacking(board: Board, label: str) -> Iterator[str]:
    for title, text in _targets(board):
        tree = _parsed(board, text)
        for selector in selectors(tree) if tree is not None else []:
            # Everything is chosen, so that the variable stands there as what matches all.
            chosen = [matcher.value == ALL for matcher in selector.matchers.matchers if matcher.name == label]
            if not any(chosen):
                yield f"{title}: {selector.name} of any {label}"


def target_job(board: Board) -> Iterator[str]:
    """Demand a matcher on the chosen jobs in every selector."""
    yield from _lacking(board, "job")


def target_instance(board: Board) -> Iterator[str]:
    """Demand a matcher on the chosen instances in every selector."""
    yield from _lacking(board, "instance")


def target_counter_agg(board: Board) -> Iterator[str]:
    """Demand that counters stand in a rate or an increase."""
    for title, text in _targets(board):
        for name, before in ((match[2], match[1]) for match in re.finditer(r"(\w+\()?([A-Za-z_:][\w:]*){", text)):
            if name in known() and known()[name].counter and before not in ("rate(", "increase("):
                yield f"{title}: {name} outside of a rate"


def uneditable(board: Board) -> Iterator[str]:
    """Demand that nobody edits in the browser what is made from code."""
    if board.get("editable") is not False:
        yield "the dashboard can be edited"


RULES: dict[str, Callable[[Board], Iterator[str]]] = {
    "template-datasource-rule": template_datasource,
    "template-job-rule": template_job,
    "template-instance-rule": template_instance,
    "template-label-promql-rule": template_label_promql,
    "template-on-time-change-reload-rule": template_reloads,
    "panel-datasource-rule": panel_datasource,
    "panel-title-description-rule": panel_title_description,
    "panel-units-rule": panel_units,
    "panel-no-targets-rule": panel_no_targets,
    "target-logql-rule": target_logql,
    "target-logql-auto-rule": target_logql_auto,
    "target-promql-rule": target_promql,
    "target-rate-interval-rule": target_rate_interval,
    "target-job-rule": target_job,
    "target-instance-rule": target_instance,
    "target-counter-agg-rule": target_counter_agg,
    "uneditable-dashboard-rule": uneditable,
}
