"""Dashboards load everywhere, say what they show, and are found where alerts point to."""

from __future__ import annotations

import json
import re

import pytest
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard as Model

from genotel.dashboards.building import dashboard_file
from genotel.dashboards.dashboard import Look, Query, Unit
from genotel.dashboards.registry import DASHBOARDS
from genotel.rules.registry import GROUPS
from genotel.semconv.dashboard_names import panel_number
from tests.architecture.sources import ROOT

each = pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)


@each
def test_the_file_is_that_of_the_classic_model_and_needs_no_inputs(board):
    """One text for provisioning, the API and the import dialog."""
    text = dashboard_file(board)
    data = json.loads(text)
    assert "__inputs" not in text
    assert "__requires" not in text
    assert data["schemaVersion"] == 42
    assert data["uid"] == board.uid
    assert data["editable"] is False
    assert text == dashboard_file(board)
    assert Model.from_json(data).title == board.title


@each
def test_every_panel_says_what_it_shows(board):
    """Title, description, unit, empty state, data source; a legend where there are lines."""
    panels = [panel for panel in json.loads(dashboard_file(board))["panels"] if panel["type"] != "row"]
    assert len(panels) == len(board.panels())
    for panel in panels:
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert defaults["unit"] in {str(unit) for unit in Unit}
        assert defaults["noValue"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["targets"]
        if panel["type"] == "timeseries":
            assert panel["options"]["legend"]["showLegend"] is True


def test_units_are_grafanas():
    """A unit that Grafana does not know is shown as text behind the number."""
    known = {value for name, value in vars(units).items() if not name.startswith("_") and isinstance(value, str)}
    assert {str(unit) for unit in Unit} <= known


@each
def test_ids_are_unique_and_panels_do_not_overlap(board):
    """Two panels with one id would be one to Grafana; two in one place hide each other."""
    panels = json.loads(dashboard_file(board))["panels"]
    ids = [panel["id"] for panel in panels]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


@each
def test_variables_reload_and_links_carry_them(board):
    """What was chosen on one dashboard is chosen on the next."""
    data = json.loads(dashboard_file(board))
    variables = data["templating"]["list"]
    assert [variable["name"] for variable in variables][:3] == ["datasource", "job", "instance"]
    for variable in variables[1:]:
        assert variable["refresh"] == 2
        has_all = all(one.has_all for one in board.variables if one.name == variable["name"])
        assert variable["includeAll"] is has_all
        assert variable.get("allValue") == (".*" if has_all else None)
    (link,) = data["links"]
    assert link["includeVars"] is True
    assert link["keepTime"] is True
    asked = set(
        re.findall(r"\$(?!__)(\w+)", " ".join(query.text for panel in board.panels() for query in panel.queries))
    )
    assert asked <= {variable["name"] for variable in variables}


def test_uids_and_titles_are_unique():
    """Grafana keeps one of two dashboards with one uid."""
    assert len({board.uid for board in DASHBOARDS}) == len(DASHBOARDS)
    for board in DASHBOARDS:
        titles = [panel.title for panel in board.panels()]
        assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("alert", [alert for group in GROUPS for alert in group.alerts()], ids=lambda alert: alert.name)
def test_an_alert_leads_to_a_panel_that_exists(alert):
    """The uid is a dashboard's, the title a panel's, the variables are the dashboard's."""
    uid, title = alert.panel
    (board,) = [board for board in DASHBOARDS if board.uid == uid]
    assert title in {panel.title for panel in board.panels()}
    data = json.loads(dashboard_file(board))
    assert panel_number(title) in {panel["id"] for panel in data["panels"]}
    assert set(alert.variables) <= {variable["name"] for variable in data["templating"]["list"]}


def test_the_folder_holds_these_dashboards_and_no_others():
    """A dashboard that is taken out leaves no file behind."""
    files = {path.name for path in (ROOT / "grafana" / "dashboards").iterdir()}
    assert files == {f"{board.uid}.json" for board in DASHBOARDS}


def test_tables_name_their_columns_and_heatmaps_their_buckets():
    """``Value #B`` says nothing; the 1 of an info metric is left out."""
    for board in DASHBOARDS:
        shown = {panel["title"]: panel for panel in json.loads(dashboard_file(board))["panels"]}
        for panel in board.panels():
            if panel.look is Look.HEATMAP:
                assert all(query.name for query in panel.queries), panel.title
            elif panel.look is Look.TABLE:
                organized = shown[panel.title]["transformations"][-1]["options"]
                values = ["Value"] if len(panel.queries) == 1 else [f"Value #{name}" for name in "ABCDEFGHIJ"]
                told = organized["renameByName"].keys() | organized["excludeByName"].keys()
                assert set(values[: len(panel.queries)]) <= told, panel.title


def test_a_model_of_a_table_leads_to_its_dashboard():
    """The model is chosen there, data source, programs and time go along."""
    linked = [(board, panel) for board in DASHBOARDS for panel in board.panels() if panel.model_link]
    assert len(linked) == 3
    for board, panel in linked:
        (found,) = [one for one in json.loads(dashboard_file(board))["panels"] if one["id"] == panel.number]
        (link,) = [
            properties["value"][0]["url"]
            for override in found["fieldConfig"]["overrides"]
            for properties in override["properties"]
            if properties["id"] == "links" and override["matcher"]["options"] == "Model"
        ]
        assert link.startswith("/d/genotel-model?var-model=${__value.raw}&${datasource:queryparam}")
        assert link.endswith("${__url_time_range}")


def test_a_line_leads_to_traces_where_it_is_asked_to():
    """Exemplars are asked for with durations, not with counts."""
    asked = {
        query.text for board in DASHBOARDS for panel in board.panels() for query in panel.queries if query.exemplars
    }
    assert asked
    assert all("_bucket" in text for text in asked)
    assert not Query("up").exemplars


def test_no_column_is_headed_by_a_label():
    """People read words; a label that a table groups by has its heading."""
    bare = []
    for board in DASHBOARDS:
        for panel in json.loads(dashboard_file(board))["panels"]:
            if panel["type"] == "table":
                [organize] = [one for one in panel["transformations"] if one["id"] == "organize"]
                grouped = {
                    label.strip()
                    for target in panel["targets"]
                    for labels in re.findall(r"by \(([^)]*)\)", target["expr"])
                    for label in labels.split(",")
                }
                bare += sorted(grouped - {"le"} - organize["options"]["renameByName"].keys())
    assert bare == []
