"""What a dashboard is: rows of panels, each with its queries, unit, description and empty state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from genotel.promql.panel_queries import INSTANCES, JOBS
from genotel.semconv.dashboard_names import panel_number
from genotel.semconv.spec import label_name


class Look(StrEnum):
    """Name the ways to show values."""

    TILE = "stat"
    LINES = "timeseries"
    STACK = "stack"
    HEATMAP = "heatmap"
    TABLE = "table"
    STATES = "state-timeline"


class Unit(StrEnum):
    """Name the units by what Grafana calls them."""

    COUNT = "short"
    SECONDS = "s"
    SHARE = "percentunit"
    BYTES = "bytes"
    BYTES_PER_SECOND = "binBps"
    CALLS_PER_SECOND = "reqps"
    PER_SECOND = "ops"
    CELSIUS = "celsius"
    WATTS = "watt"
    HERTZ = "hertz"


@dataclass(frozen=True, slots=True)
class Query:
    """Ask one question.

    Attributes:
        text: PromQL.
        name: of its series: text and ``{{labels}}``; in a table the heading of its column.
        unit: of its column, where a table has several.
        exemplars: whether its points lead to traces.
    """

    text: str
    name: str = ""
    unit: Unit | None = None
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Show the answers of some questions.

    Attributes:
        title: unique on its dashboard; links of alerts name it.
        look: how values are shown.
        unit: of the values.
        queries: what is asked.
        about: what the values mean, in a sentence or two.
        empty: what stands there when there is nothing to show.
        width: of 24 columns.
        limits: value and colour from which on it is shown so; the first has no value.
        model_link: whether the models of a table lead to the dashboard of one model, time and variables kept.
    """

    title: str
    look: Look
    unit: Unit
    queries: tuple[Query, ...]
    about: str
    empty: str = "no calls yet"
    width: int = 8
    limits: tuple[tuple[float, str], ...] = ()
    model_link: bool = False

    @property
    def number(self) -> int:
        """Return the id of the panel, by which links find it."""
        return panel_number(self.title)

    @property
    def height(self) -> int:
        """Return how many rows of the grid it takes."""
        return 4 if self.look is Look.TILE else 8


@dataclass(frozen=True, slots=True)
class Variable:
    """Let people choose.

    Attributes:
        name: ``$name`` in queries.
        label: what people read.
        query: ``label_values(…)``.
        has_all: whether everything can be chosen at once, which then is the default.
    """

    name: str
    label: str
    query: str
    has_all: bool = True


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Hold rows of panels about one thing.

    Attributes:
        uid: stays for ever: links of people and alerts have it.
        title: what people read.
        about: what it answers.
        rows: title and panels of each.
        variables: further than job and instance.
        jobs, instances: what fills these two, by default the programs of genotel.
    """

    uid: str
    title: str
    about: str
    rows: tuple[tuple[str, tuple[Panel, ...]], ...]
    variables: tuple[Variable, ...] = ()
    jobs: str = JOBS
    instances: str = INSTANCES

    def panels(self) -> tuple[Panel, ...]:
        """Return every panel in order."""
        return tuple(panel for _, panels in self.rows for panel in panels)


def named(*keys: str) -> str:
    """Return the name of series by attributes or labels, as Grafana writes it.

    Example:
        >>> named("instance", "cpu.mode")
        '{{instance}} {{cpu_mode}}'
    """
    return " ".join(f"{{{{{label_name(key)}}}}}" for key in keys)
