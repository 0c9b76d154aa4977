"""Ask a server for the hours in which a difference of two values does not tell how many calls there were."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from genotel.errors import ServerError
from genotel.history.hourly import SECONDS_PER_DAY, SECONDS_PER_HOUR, Booleans, Floats
from genotel.history.server_days import KnownDays, day_after
from genotel.history.server_tables import Moments, Server, read_moment, server_of, stacked, without
from genotel.prometheus_api.chunking import Table, read_span
from genotel.prometheus_api.client import PrometheusClient
from genotel.prometheus_api.transport import MAX_CONNECTIONS
from genotel.promql import catalog, usage_queries
from genotel.promql.catalog import METRICSQL_PROBE, Dialect, one_of
from genotel.promql.selecting import Matcher
from genotel.promql.usage_sources import CallCounter, WindowQuery

# Windows that look for a restart overlap by more than any scrape interval that Prometheus is run with.
OVERLAP_SECONDS = 300.0
HOUR = float(SECONDS_PER_HOUR)
# A pattern of more names is slower than asking for all.
_SERVERS_NAMED = 50
_FEW_SCRAPES = 4
# Fewer tell nothing, more may hold two beginnings.
_SCRAPES_A_WINDOW = 2
# In an hour; a server needs a second for that many.
MOST_VALUES = 200_000
_DIVISORS = tuple(float(seconds) for seconds in range(2, SECONDS_PER_HOUR + 1) if SECONDS_PER_HOUR % seconds == 0)


def begun(client: PrometheusClient, moments: Moments, counter: CallCounter, place: Mapping[Server, int]) -> Booleans:
    """Return in which hours each server may have begun anew, shape (S, T): looked for by day, then by hour.

    Raises:
        ServerError: the server could not be reached or refused.
    """
    found = np.zeros((len(place), len(moments.times)), dtype=bool)
    by_day = usage_queries.beginnings(counter, SECONDS_PER_DAY + OVERLAP_SECONDS)
    by_hour = usage_queries.beginnings(counter, SECONDS_PER_HOUR + OVERLAP_SECONDS)
    days = read_span(client, by_day, moments.first, day_after(moments.now), SECONDS_PER_DAY)
    for first, last in _spans(days.times[np.any(days.values > 0, axis=0)].tolist()):
        start, end = max(moments.first, first - SECONDS_PER_DAY), min(moments.last_hour, last)
        table = read_span(client, by_hour, start, end, SECONDS_PER_HOUR)
        _mark(found, table, place, round((start - moments.first) / SECONDS_PER_HOUR))
    if moments.rest:
        table = read_moment(client, by_hour, float(moments.times[-1]))
        _mark(found, table, place, len(moments.times) - 1)
    return found


def _spans(days: list[float]) -> Iterator[tuple[float, float]]:
    """Yield first and last of the days next to each other."""
    starts = [day for day in days if day - SECONDS_PER_DAY not in days]
    ends = [day for day in days if day + SECONDS_PER_DAY not in days]
    yield from zip(starts, ends, strict=True)


def _mark(found: Booleans, table: Table, place: Mapping[Server, int], offset: int) -> None:
    for labels, values in zip(table.labels, table.values, strict=True):
        server = place.get(server_of(labels))
        if server is not None:
            found[server, offset : offset + len(values)] |= values > 0


def exact_tables(
    client: PrometheusClient,
    moments: Moments,
    known: KnownDays,
    chosen: Sequence[tuple[Matcher, ...]],
    servers: list[Server],
    is_uncertain: Booleans,
    has_begun: Booleans,
) -> list[tuple[Table, Booleans]]:
    """Ask for every hour that is uncertain, hours next to each other with the same servers at once.

    A window tells one beginning from another no longer, so that hours in which a server began anew are
    asked for in windows of a few scrapes.

    Args:
        client: the server that is asked.
        moments: the ends of the hours.
        known: what counts.
        chosen: matchers of the series that ever counted, one tuple for each query.
        servers: S of them.
        is_uncertain: shape (S, T).
        has_begun: shape (S, T), where they may have begun anew.

    Returns:
        Tables, and which of their series were meant.

    Raises:
        ServerError: the server could not be reached or refused.
    """
    counter = known.counter
    if not is_uncertain.any() or isinstance(counter, WindowQuery):
        return []
    dialect = _dialect(client, moments.now)
    short = _short_window(client, moments.now, known) if (has_begun & is_uncertain).any() else HOUR

    def read(one: tuple[tuple[int, int], tuple[Matcher, ...]]) -> tuple[Table, Booleans]:
        (first, last), matchers = one
        wanted = frozenset(servers[place] for place in np.flatnonzero(is_uncertain[:, first]))
        instances = sorted({instance for _, instance in wanted})
        if len(instances) <= _SERVERS_NAMED:
            matchers = (*matchers, ("instance", "=~", one_of(instances)))

        def query(seconds: float) -> str:
            return usage_queries.calls_in(counter, seconds, *matchers, dialect=dialect)

        window = short if (has_begun & is_uncertain)[:, first].any() else HOUR
        if last == len(moments.times) and moments.rest:
            table = _rest(client, query, moments, window)
        else:
            start, end = float(moments.times[first]), float(moments.times[last - 1])
            table = _by_hour(read_span(client, query(window), start - HOUR + window, end, window), window)
        return table, np.array([server_of(labels) in wanted for labels in table.labels], dtype=bool)

    runs = _runs(is_uncertain, has_begun & is_uncertain, is_last_alone=bool(moments.rest))
    asked = [(run, matchers) for run in runs for matchers in chosen]
    # As many in flight as a reader may have; each asks for one piece at a time.
    with ThreadPoolExecutor(max_workers=MAX_CONNECTIONS, thread_name_prefix="genotel-exact") as pool:
        return list(pool.map(read, asked))


def _rest(client: PrometheusClient, query: Callable[[float], str], moments: Moments, window: float) -> Table:
    """Return what was counted since the last full hour."""
    now, last_hour = float(moments.times[-1]), moments.last_hour
    whole = now // window * window
    parts = []
    if window < HOUR and whole > last_hour:
        spans = read_span(client, query(window), last_hour + window, whole, window)
        parts.append(Table(spans.labels, np.array([now]), _summed(spans.values), spans.notes))
    if now > whole:
        # Shorter than a window would be too short for a server that is scraped seldom.
        more, less = read_moment(client, query(window + now - whole), now), read_moment(client, query(window), whole)
        parts.append(without(more, less))
    return stacked(parts)


def _by_hour(table: Table, window: float) -> Table:
    """Return the sums of windows by hour."""
    windows = round(HOUR / window)
    if windows == 1:
        return table
    values = table.values.reshape(len(table.labels), len(table.times) // windows, windows)
    return Table(table.labels, table.times[windows - 1 :: windows], _summed(values)[:, :, 0], table.notes)


def _summed(values: Floats) -> Floats:
    total: Floats = np.nansum(values, axis=-1, keepdims=True)
    return total


def _short_window(client: PrometheusClient, now: float, known: KnownDays) -> float:
    """Return a divisor of an hour that holds a few scrapes, as long as that is not too much to ask for."""
    jobs = sorted({job for job, _ in known.servers})
    for seconds in (10.0, 60.0, 600.0, HOUR):
        table = read_moment(client, catalog.scrapes(seconds, jobs), now)
        scrapes = float(np.max(table.values, initial=0.0))
        if scrapes >= _FEW_SCRAPES:
            shortest = max(_SCRAPES_A_WINDOW * seconds / scrapes, HOUR * len(known.table.labels) / MOST_VALUES)
            return next((window for window in _DIVISORS if window >= shortest), HOUR)
    return HOUR


def _dialect(client: PrometheusClient, now: float) -> Dialect:
    """Return what a server speaks: it is asked what one kind alone understands."""
    try:
        read_moment(client, METRICSQL_PROBE, now)
    except ServerError:
        return Dialect.PROMQL
    return Dialect.METRICSQL


def _runs(is_uncertain: Booleans, is_doubly: Booleans, *, is_last_alone: bool) -> Iterator[tuple[int, int]]:
    """Yield first and last + 1 of the moments at which the same servers are uncertain alike, and any is."""
    moments = is_uncertain.shape[1]
    kinds = np.concatenate([is_uncertain, is_doubly.any(axis=0, keepdims=True)])
    changes = set((np.flatnonzero(np.any(kinds[:, 1:] != kinds[:, :-1], axis=0)) + 1).tolist())
    if is_last_alone:
        changes.add(moments - 1)
    for first, last in pairwise(sorted({0, moments, *changes})):
        if is_uncertain[:, first].any():
            yield first, last
