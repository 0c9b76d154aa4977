"""The first page: does everything answer, how well, and where is it tight?"""

from __future__ import annotations

from genotel.dashboards.dashboard import Dashboard, Look, Panel, Query, Unit, named
from genotel.promql import call_panels as c
from genotel.promql import machine_panels as machine
from genotel.semconv import attributes as a
from genotel.semconv import dashboard_names as names

_TIGHT = ((0.8, "orange"), (0.9, "red"))


def _tile(
    title: str, unit: Unit, query: str, about: str, empty: str, limits: tuple[tuple[float, str], ...] = ()
) -> Panel:
    return Panel(title, Look.TILE, unit, (Query(query),), about, empty, width=4, limits=limits)


DASHBOARD = Dashboard(
    names.OVERVIEW,
    "genotel / Overview",
    "Everything at one look: calls, failures, durations, machines, alerts.",
    (
        (
            "Now",
            (
                _tile("Calls", Unit.CALLS_PER_SECOND, c.CALL_RATE, "Calls that end each second.", "no calls yet"),
                _tile(
                    "Success",
                    Unit.SHARE,
                    c.SUCCESS_SHARE,
                    "Share of the calls that ended well; cancelled ones are not counted.",
                    "no calls",
                ),
                _tile(
                    "Slowest p95",
                    Unit.SECONDS,
                    c.SLOWEST_P95,
                    "95 % of the calls of the slowest model took no longer.",
                    "no calls, or alerting-rules/*.yaml are not loaded",
                ),
                _tile("Running", Unit.COUNT, c.RUNNING, "Calls that are worked on now.", "no calls yet"),
                _tile("Programs", Unit.COUNT, c.PROGRAMS, "Programs and exporters that are scraped.", "none"),
                _tile(
                    "Unreachable",
                    Unit.COUNT,
                    c.UNREACHABLE,
                    "Programs that Prometheus cannot scrape.",
                    "0",
                    ((1, "red"),),
                ),
                _tile(
                    "Alerts that fire",
                    Unit.COUNT,
                    c.FIRING,
                    "Alerts of genotel that are critical or a warning.",
                    "0",
                    ((1, "orange"),),
                ),
                _tile(
                    "Busiest processors",
                    Unit.SHARE,
                    machine.BUSIEST,
                    "The machine with the least processor time left.",
                    "no host exporter",
                    _TIGHT,
                ),
                _tile(
                    "Fullest memory",
                    Unit.SHARE,
                    machine.FULLEST_MEMORY,
                    "The machine with the least memory left.",
                    "no host exporter",
                    _TIGHT,
                ),
                _tile(
                    "Fullest disk",
                    Unit.SHARE,
                    machine.FULLEST_DISK,
                    "The filesystem with the least space left.",
                    "no host exporter",
                    _TIGHT,
                ),
            ),
        ),
        (
            "Models",
            (
                Panel(
                    "Models",
                    Look.TABLE,
                    Unit.COUNT,
                    (
                        Query(c.TABLE_CALLS, "Calls", Unit.COUNT),
                        Query(c.TABLE_FAILURES, "Failures", Unit.SHARE),
                        Query(c.TABLE_MEAN, "Mean", Unit.SECONDS),
                        Query(c.TABLE_P95, "p95 of the worst 10 min", Unit.SECONDS),
                        Query(c.TABLE_OUTPUTS, "Outputs", Unit.COUNT),
                        Query(c.TABLE_LOADS, "Loads", Unit.COUNT),
                        Query(c.TABLE_UNUSED, "Unused for", Unit.SECONDS),
                    ),
                    "Each model over the time that is shown.",
                    "no model was named yet",
                    width=24,
                    model_link=True,
                ),
                Panel(
                    "Calls by model",
                    Look.STACK,
                    Unit.CALLS_PER_SECOND,
                    (Query(c.CALLS_BY_MODEL, named(a.MODEL)),),
                    "Calls that end each second.",
                ),
                Panel(
                    "Failure share by model",
                    Look.LINES,
                    Unit.SHARE,
                    (Query(c.FAILURES_BY_MODEL, named(a.MODEL)),),
                    "Share of failed calls; absent where there were none to judge.",
                    "no calls",
                ),
                Panel(
                    "Duration by model",
                    Look.LINES,
                    Unit.SECONDS,
                    (
                        Query(c.P95_BY_MODEL, f"p95 {named(a.MODEL)}"),
                        Query(c.MEAN_BY_MODEL, f"mean {named(a.MODEL)}"),
                    ),
                    "95 % of the calls took no longer (recorded by the rules); and the mean.",
                    "no calls",
                ),
                Panel(
                    "Outputs by model",
                    Look.STACK,
                    Unit.PER_SECOND,
                    (Query(c.OUTPUTS_BY_MODEL, named(a.MODEL)),),
                    "Images, clips and answers that are made each second.",
                    "no outputs counted",
                ),
            ),
        ),
        (
            "Machines",
            (
                Panel(
                    "Processors by machine",
                    Look.LINES,
                    Unit.SHARE,
                    (Query(machine.PROCESSORS, named("instance")),),
                    "Share of time in which processors were busy.",
                    "no host exporter: genotel serve",
                ),
                Panel(
                    "Memory by machine",
                    Look.LINES,
                    Unit.SHARE,
                    (Query(machine.MEMORY, named("instance")),),
                    "Share of memory that is not available.",
                    "no host exporter: genotel serve",
                ),
            ),
        ),
    ),
)
