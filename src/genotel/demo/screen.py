"""What the demo shows, as text: pure functions from figures to what rich prints.

Nothing here depends on colour: it only repeats what the words say. ASCII terminals get ASCII.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from genotel.demo.live_workload import Glimpse, LiveWorkload
from genotel.demo.page_figures import PageFigures
from genotel.demo.prometheus_figures import PrometheusFigures
from genotel.demo.simulated_history import DAYS, MODELS, SimulatedHistory
from genotel.report.wording import duration, percent, size

# From so many columns on there is room for the picture beside the figures.
WIDE_COLUMNS = 112
# From so many on there is room for one bar a day.
_ROOMY_COLUMNS = 92
# Below so many, what can be done without is left out.
_NARROW_COLUMNS = 78
_SPARKS, _ASCII_SPARKS = " ▁▂▃▄▅▆▇█", " .:-=+*#@"
_SHADES, _ASCII_SHADES = " ░▒▓█", " .+*#"
_PICTURE_ROWS = 14
UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class View:
    """Hold what one moment of the demo shows; times in seconds, ``elapsed`` None before Prometheus scraped."""

    elapsed: float | None
    seconds: float | None
    page_url: str
    workload: LiveWorkload
    prometheus_text: str
    page: PageFigures | None = None
    prometheus: PrometheusFigures | None = None


def sparkline(values: Sequence[float], columns: int, *, has_unicode: bool = True) -> str:
    """Return values as a row of bars, neighbours summed where there are more values than columns.

    Example:
        >>> sparkline([0, 1, 4, 8], 4), sparkline([0, 1, 4, 8], 2, has_unicode=False)
        (' ▁▄█', '.@')
    """
    bars = _SPARKS if has_unicode else _ASCII_SPARKS
    step = -(-len(values) // columns)
    sums = [sum(values[index : index + step]) for index in range(0, len(values), step)]
    most = max(sums, default=0) or 1
    # Rounded up, so that what is more than nothing is seen.
    return "".join(bars[math.ceil(value / most * (len(bars) - 1))] for value in sums)


def history_table(history: SimulatedHistory, width: int, *, has_unicode: bool = True) -> RenderableType:
    """Return the simulated history, labelled as such, one row a model."""
    title = Text.assemble(
        ("SIMULATED history", "bold magenta"),
        f": {DAYS} days, {len(MODELS)} models, {len(history.calls):,} calls that never happened",
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("model", no_wrap=True)
    if width >= _NARROW_COLUMNS:
        table.add_column("calls by day", no_wrap=True, style="magenta")
    table.add_column("calls", justify="right", no_wrap=True)
    table.add_column("what became of it", no_wrap=True)
    columns = DAYS if width >= _ROOMY_COLUMNS else DAYS // 2
    for model in MODELS:
        daily = history.daily_calls(model.label)
        bars = [sparkline(daily, columns, has_unicode=has_unicode)] if width >= _NARROW_COLUMNS else []
        table.add_row(model.label, *bars, f"{sum(daily):,}", model.story)
    return Group(title, Padding(table, (0, 0, 0, 1)))


def live_view(view: View, width: int, *, has_unicode: bool = True) -> RenderableType:
    """Return everything that is shown while the workload runs."""
    left = Group(_head(view), _calls(view, is_narrow=width < _NARROW_COLUMNS), _facts(view))
    if width < WIDE_COLUMNS:
        return left
    grid = Table.grid(padding=(0, 4, 0, 0))
    grid.add_row(left, _picture(view.workload.glimpse, has_unicode=has_unicode))
    return grid


def plain_line(view: View) -> str:
    """Return the same moment as one line, for logs and pipes."""
    tally = view.workload.tally
    return (
        f"{view.elapsed or 0:4.0f} s  real calls {tally.calls} ({tally.failures} without a picture)  "
        f"running {tally.running}  waiting {view.workload.waiting}  "
        f"p95 {_time(tally.p95())}, by PromQL {_time(view.prometheus.p95 if view.prometheus else None)}"
    )


def agreement(view: View) -> str:
    """Return what the program counted beside what Prometheus counts, in a sentence."""
    counted = view.workload.tally.calls
    seen = view.prometheus.calls if view.prometheus else None
    if seen is None:
        return f"{counted} by the program's own count"
    verdict = "equal" if seen == counted else "a scrape behind" if seen < counted else "unequal"
    return f"{counted} by the program's own count, {seen} by PromQL: {verdict}"


def _head(view: View) -> RenderableType:
    if view.elapsed is None:
        progress = "warms up until the first scrape of Prometheus"
    elif view.seconds is None:
        progress = f"{view.elapsed:.0f} s; Ctrl-C ends it"
    else:
        progress = f"{view.elapsed:.0f} s of {view.seconds:g} s; Ctrl-C ends it sooner"
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text("genotel demo", style="bold"), progress)
    grid.add_row("page", Text(view.page_url, style="bold cyan"))
    grid.add_row("Prometheus", view.prometheus_text)
    return grid


def _calls(view: View, *, is_narrow: bool) -> RenderableType:
    tally, prometheus = view.workload.tally, view.prometheus or PrometheusFigures()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim", show_footer=True)
    table.add_column(Text.assemble(("REAL calls", "bold green")), "all", no_wrap=True)
    counts = ("calls", "refused", "failed") if is_narrow else ("calls", "refused", "failed", "running", "steps")
    for name in counts:
        total = sum(getattr(model, name) for model in tally.models.values())
        table.add_column(name, f"{total}", justify="right", no_wrap=True)
    table.add_column("p95", _time(tally.p95()), justify="right", no_wrap=True)
    table.add_column("p95 by PromQL", _time(prometheus.p95), justify="right", no_wrap=True)
    for name, model in tally.models.items():
        table.add_row(
            name,
            *(f"{getattr(model, count)}" for count in counts),
            _time(tally.p95(name)),
            _time(prometheus.p95_by_model.get(name)),
        )
    return table


def _facts(view: View) -> RenderableType:
    page, workload = view.page, view.workload
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("counted", agreement(view))
    grid.add_row("queue", f"{workload.waiting} waiting; in memory {', '.join(workload.in_memory) or 'no model yet'}")
    if page is not None:
        machine = [
            f"{name} {percent(share)}"
            for name, share in (("processors", page.cpu_utilization), ("memory", page.memory_utilization))
            if share is not None
        ]
        grid.add_row("this machine", ", ".join(machine) or UNKNOWN)
        grid.add_row("page", f"{page.samples:,} samples, {size(page.size)}")
    return grid


def _picture(glimpse: Glimpse | None, *, has_unicode: bool) -> RenderableType:
    shades = _SHADES if has_unicode else _ASCII_SHADES
    if glimpse is None:
        return Text()
    picture = glimpse.picture.reshape(glimpse.side, glimpse.side)
    rows = np.arange(_PICTURE_ROWS) * glimpse.side // _PICTURE_ROWS
    # A character is about twice as high as wide.
    columns = np.arange(2 * _PICTURE_ROWS) * glimpse.side // (2 * _PICTURE_ROWS)
    levels = np.clip((picture[np.ix_(rows, columns)] + 1) / 2 * len(shades), 0, len(shades) - 1).astype(int)
    lines = "\n".join("".join(shades[level] for level in row) for row in levels)
    caption = f"{glimpse.model}, step {glimpse.step} of {glimpse.steps}"
    return Group(Text(lines, no_wrap=True), Text(caption, style="dim"))


def _time(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else duration(seconds)
