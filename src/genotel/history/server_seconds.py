"""Read from a server how long calls and loads took: by hour, or by day where there are too many for that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genotel.history.hourly import SECONDS_PER_DAY, SECONDS_PER_HOUR, Floats, Integers
from genotel.history.server_days import day_after
from genotel.history.server_tables import Moments, increases, read_moments
from genotel.prometheus_api.chunking import Table, read_span
from genotel.prometheus_api.client import PrometheusClient
from genotel.promql import usage_queries
from genotel.promql.usage_sources import SecondsCounter

# Durations are compared by day: more points than these are read so, which costs a 24th.
HOURLY_POINTS = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Spent:
    """Hold seconds and counts by series and the end of the hour or day that they were added in; shape (K,) each.

    Attributes:
        series: index of the series in ``models``.
        time: Unix time.
        seconds, count: what was added.
        models: of each series.
        is_daily: whether the time is the end of a day.
        tables: what was read, for its notes.
    """

    series: Integers
    time: Floats
    seconds: Floats
    count: Integers
    models: tuple[str, ...]
    is_daily: bool
    tables: tuple[Table, ...]


def read_spent(client: PrometheusClient, moments: Moments, counter: SecondsCounter) -> Spent:
    """Read one histogram or its like.

    What a process spent between its last scrape and a restart is not there. By day, what it spent since
    midnight before a restart is not there either; seconds and counts lose the same calls.

    Args:
        client: the server.
        moments: the hours that are told.
        counter: what is read.

    Raises:
        ServerError: the server could not be reached or refused.
    """
    by_day = [
        read_span(client, usage_queries.held(part, SECONDS_PER_DAY), moments.first, day_after(moments.now), _DAY)
        for part in (counter.count, counter.seconds)
    ]
    is_daily = len(by_day[0].labels) * len(moments.times) > HOURLY_POINTS
    tables = by_day
    if not is_daily and by_day[0].labels:
        queries = (usage_queries.held(part, SECONDS_PER_HOUR) for part in (counter.count, counter.seconds))
        tables = [read_moments(client, query, moments) for query in queries]
    counted, spent = tables
    row_of = {_key(labels): row for row, labels in enumerate(spent.labels)}
    place = [row_of.get(_key(labels)) for labels in counted.labels]
    is_whole = np.array([row is not None for row in place], dtype=bool)
    values = np.full(counted.values.shape, np.nan)
    values[is_whole] = spent.values[[row for row in place if row is not None]]
    count, _ = increases(counted.values)
    seconds, _ = increases(values)
    series, at = np.nonzero(count > 0)
    return Spent(
        series=series,
        time=np.minimum(counted.times[at], moments.now) if is_daily else counted.times[at],
        seconds=seconds[series, at] * counter.scale,
        count=np.round(count[series, at]).astype(np.int64),
        models=tuple(labels.get(counter.model_label, "") for labels in counted.labels),
        is_daily=is_daily,
        tables=tuple(tables),
    )


_DAY = float(SECONDS_PER_DAY)
_NAME = "__name__"


def _key(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return what a series is beside its name."""
    return tuple(sorted(item for item in labels.items() if item[0] != _NAME))
