"""Every query that is shipped is proven against the catalogue; planted mistakes show that the proof works."""

from __future__ import annotations

import json
import re

import pytest

from genotel.dashboards.building import dashboard_file
from genotel.dashboards.dashboard import Look
from genotel.dashboards.registry import DASHBOARDS
from genotel.promql import catalog, panel_queries
from genotel.rules.registry import GROUPS
from genotel.rules.rule import Alert
from genotel.semconv import dashboard_names as names
from tests.query_proof import faults, for_prometheus, selector_of

PANELS = [
    pytest.param(board, panel, query, id=f"{board.uid}-{panel.title}-{number}".replace(" ", "_"))
    for board in DASHBOARDS
    for panel in board.panels()
    for number, query in enumerate(panel.queries)
]
RULES = [
    pytest.param(rule.query, id=f"{rule.name}-{number}") for group in GROUPS for number, rule in enumerate(group.rules)
]
NAMES = ["job", "instance", "model", "experiment", "gpu"]


@pytest.mark.parametrize(("board", "panel", "query"), PANELS)
def test_a_query_of_a_panel_is_proven(board, panel, query):
    """Metrics, labels, kinds, windows, legends."""
    legend = query.name if panel.look is not Look.TABLE else ""
    others = board.uid == names.SERVERS
    assert faults(for_prometheus(query.text, NAMES), legend, others=others) == []


@pytest.mark.parametrize("query", RULES)
def test_a_query_of_a_rule_is_proven(query):
    """Recordings, thresholds and alerts."""
    assert faults(query) == []


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_variables_and_annotations_are_proven(board):
    """What fills the lists, and what marks the time line."""
    data = json.loads(dashboard_file(board))
    for variable in data["templating"]["list"][1:]:
        assert faults(for_prometheus(selector_of(variable["query"]), NAMES)) == []
    for annotation in data["annotations"]["list"]:
        assert faults(annotation["expr"]) == []


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_the_file_asks_what_was_proven(board):
    """Nothing stands in the JSON that is not a query of the dashboard."""
    asked = {
        target["expr"] for panel in json.loads(dashboard_file(board))["panels"] for target in panel.get("targets", [])
    }
    assert asked == {query.text for panel in board.panels() for query in panel.queries}


def test_vector_stands_only_where_things_are_counted():
    """Elsewhere a 0 that nobody measured would be a lie."""
    for board in DASHBOARDS:
        for panel in board.panels():
            for query in panel.queries:
                if "vector(" in query.text:
                    assert panel.look is Look.TILE
                    assert query.text.startswith("count(")


def test_rates_of_panels_use_grafanas_window():
    """A fixed window is empty when the scrape interval is longer."""
    for board in DASHBOARDS:
        for panel in board.panels():
            for query in panel.queries:
                for window in re.findall(r"(?:rate|increase)\([^\[]*\[([^\]]+)\]", query.text):
                    assert window in (panel_queries.EACH, panel_queries.SHOWN)


def test_only_tables_ask_for_all_that_is_shown():
    """A line would do so again at each of its points: a day's samples a thousand times."""
    for board in DASHBOARDS:
        for panel in board.panels():
            if panel.look is not Look.TABLE:
                assert not any(panel_queries.SHOWN in query.text for query in panel.queries), panel.title


def test_every_job_of_ours_is_matched_by_the_rules():
    """The alert on targets knows them by their name alone."""
    (down,) = [
        rule for group in GROUPS for rule in group.rules if isinstance(rule, Alert) and rule.name == "GenotelTargetDown"
    ]
    assert 'job=~"genotel.*"' in down.query


def test_the_demo_asks_what_exists():
    """The catalogue's quantile is proven too."""
    assert faults(catalog.call_duration_quantile(0.95, "5m")) == []
    assert faults(catalog.call_duration_quantile(0.95, "5m", by_model=True), "{{gen_ai_request_model}}") == []


REQ = "genotel_generation_requests_total"
OURS = 'otel_scope_name="genotel"'
DUR = "gen_ai_client_operation_duration_seconds"
CPU = f"system_cpu_utilization{{{OURS}}}"
RIGHT = f"sum by (job) (rate({REQ}{{{OURS}}}[5m]))"
MISTAKES = {
    "a metric that there is not": f"sum(rate(genotel_requests_total{{{OURS}}}[5m]))",
    "a metric without its unit": f"max(system_uptime{{{OURS}}})",
    "a counter without _total": f"sum(rate(genotel_generation_requests{{{OURS}}}[5m]))",
    "a name pattern that nothing has": f'max({{__name__=~"system_cpu_usage(_ratio)?",{OURS}}})',
    "a recorded series that nobody records": "genotel_slo:errors:ratio_rate4h",
    "a threshold that nobody records": f"{CPU} > on () group_left () genotel_threshold:processor:ratio",
    "a label that there is not": f'sum(rate({REQ}{{{OURS},model="x"}}[5m]))',
    "a label of another metric": f'max(system_memory_limit_bytes{{{OURS},cpu_mode="user"}})',
    "a grouping by a label that there is not": f"sum by (model) (rate({REQ}{{{OURS}}}[5m]))",
    "a grouping by a label that is gone": f"sum by (instance) ({RIGHT})",
    "a value outside of a closed set": f'sum(rate({REQ}{{{OURS},genotel_outcome="failed"}}[5m]))',
    "a pattern with a value outside of a closed set": f'sum(rate({REQ}{{{OURS},genotel_outcome=~"error|oom"}}[5m]))',
    "a rate of a gauge": f"rate(system_memory_limit_bytes{{{OURS}}}[5m])",
    "an increase of a share": f"increase({CPU}[5m])",
    "a counter as it stands": f"sum({REQ}{{{OURS}}})",
    "a counter compared": f"{REQ}{{{OURS}}} > 5",
    "a slope of a counter": f"deriv({REQ}{{{OURS}}}[30m])",
    "a forecast of a counter": f"predict_linear({REQ}{{{OURS}}}[30m], 600)",
    "a sum of shares": f"sum({CPU})",
    "a sum of recorded shares": "sum by (job) (genotel_slo:errors:ratio_rate1h)",
    "a sum of mean shares": f"sum by (job) (avg_over_time({CPU}[10m]))",
    "a share in percent": f"{CPU} > 80",
    "a quantile without le": f"histogram_quantile(0.95, sum by (job) (rate({DUR}_bucket{{{OURS}}}[5m])))",
    "a quantile without a sum": f"histogram_quantile(0.95, rate({DUR}_bucket{{{OURS}}}[5m]))",
    "a quantile of sums": f"histogram_quantile(0.95, sum by (le) (rate({DUR}_sum{{{OURS}}}[5m])))",
    "a quantile of a gauge": f"histogram_quantile(0.95, sum by (le) ({CPU}))",
    "a quantile in percent": f"histogram_quantile(95, sum by (le) (rate({DUR}_bucket{{{OURS}}}[5m])))",
    "buckets added up": f"sum by (job) (rate({DUR}_bucket{{{OURS}}}[5m]))",
    "a histogram without a suffix": f"sum(rate({DUR}{{{OURS}}}[5m]))",
    "a window of one sample": f"sum(rate({REQ}{{{OURS}}}[1m]))",
    "a window of two samples": f"sum(increase({REQ}{{{OURS}}}[2m]))",
    "a rate of a subquery": f"rate(sum(rate({REQ}{{{OURS}}}[5m]))[1h:5m])",
    "somebody else's scope": f'sum(rate({DUR}_count{{otel_scope_name="other"}}[5m]))',
    "no scope": f"sum(rate({DUR}_count[5m]))",
    "a division by 0": f"{RIGHT} / sum by (job) (rate({DUR}_count{{{OURS}}}[5m]))",
    "sides with different labels": f"{RIGHT} / (sum by (instance) (rate({DUR}_count{{{OURS}}}[5m])) > 0)",
    "a match on a label that one side lacks": f"{RIGHT} > on (instance) group_left () max by (job) ({CPU})",
    "a comparison that binds before or": f"{RIGHT} or {RIGHT} > 5",
    "an age of what is no time": f"time() - max(system_uptime_seconds{{{OURS}}})",
    "a bound that no bucket has": f'sum(rate({DUR}_bucket{{{OURS},le="2"}}[5m]))',
    "everybody's scope but ours": f'sum(rate({DUR}_count{{otel_scope_name!="genotel"}}[5m]))',
    "a ratio of windows": f"{RIGHT} / (sum by (job) (rate({REQ}{{{OURS}}}[1m])) > 0)",
    "a rate of a sum": f"rate(sum by (job) ({REQ}{{{OURS}}})[5m:1m])",
    "an average of a counter": f"avg({REQ}{{{OURS}}})",
    "the greatest of a counter": f"max by (job) ({REQ}{{{OURS}}})",
    "an average of quantiles": "avg(genotel_model:duration_seconds:p95_10m)",
    "a sum of quantiles": "sum(genotel_model:duration_seconds:p95_10m)",
    "a sum of temperatures": f"sum(hw_temperature_celsius{{{OURS}}})",
    "a sum of times": f"sum(genotel_model_last_used_timestamp_seconds{{{OURS}}})",
    "an answer of two kinds": f"{RIGHT} or sum by (instance) (rate({REQ}{{{OURS}}}[5m]))",
    "a vector where nothing is counted": f"{RIGHT} or vector(0)",
    "a share beyond one by a threshold": f"{CPU} > on () group_left () genotel_threshold:response:seconds",
    "another server's counter as it stands": "sum by (model_name) (vllm:request_success_total)",
    "another server's label": "sum by (model) (rate(vllm:request_success_total[5m]))",
    "an exporter's share summed": "sum(DCGM_FI_DEV_GPU_UTIL)",
    "no PromQL": f"sum by (job (rate({REQ}[5m]))",
    "a function that there is not": f"holt_winters({CPU}[10m], 0.5, 0.5)",
    "a word of Grafana's that is left": f"sum(rate({REQ}{{{OURS}}}[$__rate_interval]))",
}


def test_the_right_ones_are_proven():
    """The mistakes below are the only thing wrong with them."""
    assert faults(RIGHT) == []
    assert faults(CPU) == []
    assert faults(f"histogram_quantile(0.95, sum by (le) (rate({DUR}_bucket{{{OURS}}}[5m])))") == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_caught(mistake):
    """Each is one that dashboards of others have had."""
    assert faults(MISTAKES[mistake]) != []


@pytest.mark.parametrize("legend", ["{{instance}}", "{{job}} {{model}}"])
def test_a_legend_with_a_label_that_is_gone_is_caught(legend):
    """It would be drawn as an empty place."""
    assert faults(RIGHT, legend) != []
