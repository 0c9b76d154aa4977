"""Dashboards as Grafana's JSON, by grafana-foundation-sdk; only ``make generate`` and tests import this.

The classic model (schema 42), which Grafana 11 to 13 read; no ``__inputs``, so that a file that is provisioned, the
API and the import dialog take the same text.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Sequence
from typing import Any

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from genotel.dashboards.dashboard import Dashboard, Look, Panel, Query, Variable, named
from genotel.promql import panel_queries as p
from genotel.promql.advice_panels import GIVEN
from genotel.promql.recorded_queries import MODEL
from genotel.promql.vram_panels import MOVES
from genotel.semconv import attributes as a
from genotel.semconv.dashboard_names import MODEL as MODEL_BOARD
from genotel.semconv.dashboard_names import TAG, panel_number
from genotel.semconv.spec import label_name

# Of Grafana's grid.
_COLUMNS = 24
_SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
# What people read above a column instead of a label's name.
_HEADINGS = {
    label_name(key): heading
    for key, heading in {
        a.MODEL: "Model",
        a.VARIANT: "Variant",
        a.SCORE_NAME: "Score",
        a.PARAMETER: "Parameter",
        a.PARAMETER_VALUE: "Value set",
        a.KIND: "Kind",
        a.RESULT: "Result",
        a.HORIZON: "Within",
        a.BUILD_VERSION: "genotel",
        a.PYTHON_VERSION: "Python",
        a.GPU_INDEX: "Index",
        a.HARDWARE_ID: "Card",
        a.HARDWARE_NAME: "Name",
        a.HARDWARE_DRIVER: "Driver",
    }.items()
} | {"instance": "Machine"}
# How Grafana names the queries of a panel.
_LETTERS = string.ascii_uppercase


def dashboard_file(board: Dashboard) -> str:
    """Return the JSON of a dashboard: the same text for the same dashboard."""
    builder = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.about)
        .tags([TAG])
        .readonly()
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("genotel")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
        .annotation(_marks("Alerts", "red", p.FIRED, "{{alertname}}", "{{instance}}"))
        .annotation(
            _marks("Advice", "purple", GIVEN, named(a.KIND), named(a.MODEL)).enable(False).use_value_for_time(True)
        )
        .annotation(_marks("Loads", "blue", MOVES, named(a.EVENT), named(a.MODEL)).enable(False))
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    common = (Variable("job", "Job", board.jobs), Variable("instance", "Instance", board.instances))
    for variable in (*common, *board.variables):
        builder = builder.with_variable(_variable(variable))
    for title, panels in board.rows:
        builder = builder.with_row(dashboard.Row(title).id(panel_number(f"row {title}")))
        for panel, width, height in laid_out(panels):
            builder = builder.with_panel(_panel(panel).span(width).height(height))
    data = _known_everywhere(json.loads(json.dumps(builder.build(), cls=JSONEncoder)))
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def laid_out(panels: Sequence[Panel]) -> Iterator[tuple[Panel, int, int]]:
    """Yield each panel with its width and height in the grid: lines are filled, and as high as their highest panel.

    Example:
        >>> from genotel.dashboards.dashboard import Unit
        >>> three = [Panel(title, Look.LINES, Unit.COUNT, (), "", width=10) for title in "abc"]
        >>> [(panel.title, width, height) for panel, width, height in laid_out(three)]
        [('a', 12, 8), ('b', 12, 8), ('c', 24, 8)]
    """
    line: list[Panel] = []
    for panel in [*panels, None]:
        if line and (panel is None or sum(each.width for each in line) + panel.width > _COLUMNS):
            height, left, wanted = max(each.height for each in line), _COLUMNS, sum(each.width for each in line)
            for each in line:
                # What rounding leaves goes to the panels after it.
                width = round(left * each.width / wanted)
                yield each, width, height
                left, wanted = left - width, wanted - each.width
            line = []
        if panel is not None:
            line.append(panel)


def _known_everywhere(data: dict[str, Any]) -> dict[str, Any]:
    # What the library writes by itself and one of Grafana's versions does not know, as its types say.
    for variable in data["templating"]["list"]:
        for key in ("auto", "auto_count", "auto_min"):  # of variables of intervals only
            variable.pop(key, None)
    for control in (*data["links"], *data["annotations"]["list"]):
        control.pop("placement", None)  # would hide it in a menu
    for panel in data["panels"]:
        if panel["type"] == Look.TABLE:
            panel["options"].pop("footer", None)
    return data


def _marks(name: str, color: str, query: str, title: str, text: str) -> dashboard.AnnotationQuery:
    # The time line of every dashboard; what is off is one click away.
    marks = dashboard.AnnotationQuery().name(name).datasource(_SOURCE).enable(True).icon_color(color)
    return marks.expr(query).title_format(title).text_format(text)


def _variable(variable: Variable) -> dashboard.QueryVariable:
    builder = (
        dashboard.QueryVariable(variable.name)
        .label(variable.label)
        .datasource(_SOURCE)
        .query(variable.query)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
    )
    if not variable.has_all:
        return builder
    everything = model.VariableOption(selected=True, text="All", value="$__all")
    # Series that lack the label belong to "all" too.
    return builder.include_all(True).all_value(".*").current(everything)


def _panel(panel: Panel) -> Any:
    builder = _looks(panel)
    builder = (
        builder.title(panel.title)
        .id(panel.number)
        .description(panel.about)
        .datasource(_SOURCE)
        .unit(str(panel.unit))
        .no_value(panel.empty)
    )
    steps = [model.Threshold(value=None, color="green" if panel.limits else "text")]
    steps += [model.Threshold(value=value, color=color) for value, color in panel.limits]
    builder = builder.thresholds(dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    for letter, query in zip(_LETTERS, panel.queries, strict=False):
        builder = builder.with_target(_target(letter, query, panel.look))
    return _columns(builder, panel) if panel.look is Look.TABLE else builder


def _looks(panel: Panel) -> Any:
    match panel.look:
        case Look.TILE:
            return (
                stat.Panel()
                .graph_mode(options.BigValueGraphMode.AREA)
                .color_mode(options.BigValueColorMode.VALUE)
                .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
            )
        case Look.HEATMAP:
            return heatmap.Panel().calculate(False).y_axis(heatmap.YAxisConfig().unit(str(panel.unit)))
        case Look.TABLE:
            return table.Panel()
        case Look.STATES:
            return statetimeline.Panel().legend(_legend()).show_value(options.VisibilityMode.AUTO)
    lines = (
        timeseries.Panel()
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING))
        .line_width(1)
        .axis_soft_min(0)
    )
    if panel.look is Look.STACK:
        lines = lines.fill_opacity(40).stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    return lines


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(options.LegendDisplayMode.LIST)
        .placement(options.LegendPlacement.BOTTOM)
    )


def _target(letter: str, query: Query, look: Look) -> prometheus.Dataquery:
    target = prometheus.Dataquery().ref_id(letter).expr(query.text).datasource(_SOURCE)
    if look is Look.TABLE:
        return target.instant().format(PromQueryFormat.TABLE)
    if query.name:
        target = target.legend_format(query.name)
    if look is Look.HEATMAP:
        return target.range().format(PromQueryFormat.HEATMAP)
    return target.range().exemplar(query.exemplars)


def _columns(builder: Any, panel: Panel) -> Any:
    letters = list(zip(_LETTERS, panel.queries, strict=False))
    # Grafana calls the column of the one query of a table "Value", those of several "Value #A".
    names = {("Value" if len(letters) == 1 else f"Value #{letter}"): query for letter, query in letters}
    renamed = {column: query.name for column, query in names.items() if query.name}
    # Of an info metric only the labels tell something; its value is 1.
    hidden = dict.fromkeys(("Time", *(column for column, query in names.items() if not query.name)), True)
    builder = builder.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    builder = builder.with_transformation(
        model.DataTransformerConfig(
            id_val="organize", options={"excludeByName": hidden, "renameByName": _HEADINGS | renamed}
        )
    )
    if panel.model_link:
        # What is clicked is chosen there; the rest goes along.
        kept = "${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&${__url_time_range}"
        links = [{"title": "Open this model", "url": f"/d/{MODEL_BOARD}?var-model=${{__value.raw}}&{kept}"}]
        builder = builder.override_by_name(_HEADINGS[MODEL], [model.DynamicConfigValue(id_val="links", value=links)])
    for query in names.values():
        if query.unit is not None:
            builder = builder.override_by_name(
                query.name, [model.DynamicConfigValue(id_val="unit", value=str(query.unit))]
            )
    return builder
