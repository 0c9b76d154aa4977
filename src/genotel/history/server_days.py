"""What a server knows by day: which models each source tells of, and which series ever counted anything.

A day is one number a series, so that this is cheap for any store, and the hours are asked for where
they can hold something alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from genotel.history.hourly import SECONDS_PER_DAY, SECONDS_PER_HOUR, Booleans, Floats
from genotel.history.server_tables import Server, server_of
from genotel.prometheus_api.chunking import Table, read_span
from genotel.prometheus_api.client import PrometheusClient
from genotel.prometheus_api.transport import MAX_CONNECTIONS
from genotel.promql import usage_queries
from genotel.promql.usage_sources import CallCounter, UsageSource, WindowQuery


@dataclass(frozen=True, slots=True, eq=False)
class KnownDays:
    """Hold what is known by day of a counter, or of a user's query.

    Attributes:
        source: who counts.
        counter: what is read.
        table: N series on D days; NaN on days without it.
    """

    source: UsageSource
    counter: CallCounter | WindowQuery
    table: Table

    @property
    def models(self) -> list[str]:
        """Return the model of each series, N of them."""
        return [labels.get(self.counter.model_label, "") for labels in self.table.labels]

    @property
    def servers(self) -> list[Server]:
        """Return the server of each series, N of them; empty names for a user's query."""
        return [server_of(labels) for labels in self.table.labels]

    @property
    def is_there(self) -> Booleans:
        """Return on which days each series was there, shape (N, D)."""
        return np.isfinite(self.table.values)

    @property
    def has_counted(self) -> Booleans:
        """Return which series ever counted anything, shape (N,)."""
        counted: Booleans = np.nan_to_num(self.table.values).max(axis=1, initial=0.0) > 0
        return counted


def read_days(
    client: PrometheusClient, sources: Iterable[UsageSource], begin: float, now: float
) -> tuple[KnownDays, ...]:
    """Ask for every source by day and return what is there, in the order of the sources.

    Raises:
        ServerError: the server could not be reached or refused.
    """
    asked: list[tuple[UsageSource, CallCounter | WindowQuery]] = []
    for source in sources:
        asked += [(source, counter) for counter in source.counters]
        asked += [(source, query) for query in source.queries]

    def read(one: tuple[UsageSource, CallCounter | WindowQuery]) -> KnownDays:
        source, counter = one
        query = (
            usage_queries.models_answered(counter, SECONDS_PER_DAY)
            if isinstance(counter, WindowQuery)
            else usage_queries.most_held(counter, SECONDS_PER_DAY)
        )
        return KnownDays(source, counter, read_span(client, query, begin, day_after(now), SECONDS_PER_DAY))

    # The first alone: what is wrong with the server is said once.
    found = [read(one) for one in asked[:1]]
    with ThreadPoolExecutor(max_workers=MAX_CONNECTIONS, thread_name_prefix="genotel-days") as pool:
        found += pool.map(read, asked[1:])
    return tuple(known for known in found if known.table.labels)


def first_hour(client: PrometheusClient, days: Iterable[KnownDays], begin: float, now: float) -> float:
    """Return the first full hour after the first that is known of anything; Unix time.

    Raises:
        ServerError: the server could not be reached or refused.
    """
    firsts = [(float(known.table.times[np.any(known.is_there, axis=0)][0]), known) for known in days]
    day = min((day for day, _ in firsts), default=now)
    first = max(day - SECONDS_PER_DAY + SECONDS_PER_HOUR, -(-begin // SECONDS_PER_HOUR) * SECONDS_PER_HOUR)
    earliest = day
    for known_day, known in firsts:
        if known_day > day or isinstance(known.counter, WindowQuery):
            continue
        query = usage_queries.series_there(known.counter, SECONDS_PER_HOUR)
        hours = read_span(client, query, first, day, SECONDS_PER_HOUR)
        if hours.labels:
            earliest = min(earliest, float(hours.times[np.any(hours.values > 0, axis=0)][0]))
    return earliest


def day_after(now: float) -> float:
    """Return the end of the day of a Unix time."""
    return -(-now // SECONDS_PER_DAY) * SECONDS_PER_DAY


def days_present(days: Iterable[KnownDays], server: Server, times: Floats) -> Floats:
    """Return 1 for the moments on a day on which a server told something, else 0, shape (T,)."""
    told: set[float] = set()
    for known in days:
        rows = [row for row, one in enumerate(known.servers) if one == server]
        told |= set(known.table.times[np.any(known.is_there[rows], axis=0)].tolist())
    is_present: Booleans = np.isin(np.ceil(times / SECONDS_PER_DAY) * SECONDS_PER_DAY, sorted(told))
    return is_present.astype(np.float64)
