"""Count calls hour by hour from a server, cheaply where that is exact, and exactly where it is not.

The difference of what a counter holds at two full hours is the number of calls between them, as long
as the process that counts lived through both. One query for the whole history gives these differences.
Where a server was not scraped all the time, began anew, or holds less than before, only
``promql.catalog.requests`` counts every call; it is asked for those hours and servers alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from genotel.history.hourly import SECONDS_PER_DAY, SECONDS_PER_HOUR, Booleans, Floats, Integers
from genotel.history.server_tables import Moments, Server, read_moment, read_moments, server_of
from genotel.prometheus_api.chunking import Table, read_span
from genotel.prometheus_api.client import PrometheusClient
from genotel.prometheus_api.transport import MAX_CONNECTIONS
from genotel.promql import catalog

# Windows that look for a restart overlap by more than any scrape interval that Prometheus is run with.
OVERLAP_SECONDS = 300.0
# A pattern of more names is slower than asking for all.
_NAMED_AT_MOST = 50
_BY = (*catalog.TARGET_LABELS, catalog.MODEL_LABEL, catalog.OUTCOME_LABEL)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Hold calls by model, outcome and the moment at which their hour ended; shape (K,) each.

    Attributes:
        model, outcome: names.
        time: Unix time.
        calls: 1 or more.
        tables: what was read, for its notes.
    """

    model: list[str]
    outcome: list[str]
    time: Floats
    calls: Integers
    tables: tuple[Table, ...]


def count_calls(
    client: PrometheusClient, moments: Moments, scraped: Mapping[Server, Floats], *, is_exact: bool = False
) -> Counts:
    """Count the calls between each two moments.

    Args:
        client: the server that is asked.
        moments: the ends of the hours; of what was before the first nothing is counted.
        scraped: share of the scrapes that each server answered in the hour before each moment, shape
            (T,); NaN where nobody asked it. A server that is not in it is one of which nothing is known.
        is_exact: whether every hour is asked for exactly, which costs hundred times as much.

    Raises:
        ServerError: the server could not be reached or refused.
    """
    held = read_moments(client, catalog.calls_held(SECONDS_PER_HOUR), moments)
    servers = sorted({server_of(labels) for labels in held.labels} | set(scraped))
    place = {server: row for row, server in enumerate(servers)}
    row = np.array([place[server_of(labels)] for labels in held.labels], dtype=np.int64)
    calls, is_uncertain = _differences(held, row, servers, scraped)
    is_uncertain |= _begun(client, moments, place) | is_exact
    is_uncertain[:, 0] = False
    calls[is_uncertain[row]] = 0
    series, at = np.nonzero(calls)
    rows = [(held.labels[k], float(held.times[t]), round(float(calls[k, t]))) for k, t in zip(series, at, strict=True)]
    exact = _exact_tables(client, moments, servers, is_uncertain)
    for table, wanted in exact:
        for labels, values in zip(table.labels, table.values, strict=True):
            if server_of(labels) in wanted:
                rows += [(labels, float(table.times[k]), round(float(values[k]))) for k in np.flatnonzero(values > 0)]
    return Counts(
        model=[labels.get(catalog.MODEL_LABEL, "") for labels, _, _ in rows],
        outcome=[labels.get(catalog.OUTCOME_LABEL, "") for labels, _, _ in rows],
        time=np.array([time for _, time, _ in rows], dtype=np.float64),
        calls=np.array([number for _, _, number in rows], dtype=np.int64),
        tables=(held, *(table for table, _ in exact)),
    )


def _differences(
    held: Table, row: Integers, servers: list[Server], scraped: Mapping[Server, Floats]
) -> tuple[Floats, Booleans]:
    """Return what was added in each hour (N, T), and for which server and hour that may be wrong (S, T)."""
    is_there = np.isfinite(held.values)
    amount = np.nan_to_num(held.values)
    calls = np.zeros_like(amount)
    calls[:, 1:] = amount[:, 1:] - amount[:, :-1]
    was_there = np.zeros_like(is_there)
    was_there[:, 1:] = is_there[:, :-1]
    is_known = np.array([server in scraped for server in servers], dtype=bool)
    is_steady = np.zeros((len(servers), len(held.times)), dtype=bool)
    for place, server in enumerate(servers):
        if server in scraped:
            is_steady[place] = scraped[server] >= 1.0
            is_steady[place, 1:] &= is_steady[place, :-1]
    # Nothing is held where all is 0, so that a first call looks like the birth of its series.
    is_doubtful = is_there & np.where(is_known[row, None], ~is_steady[row], ~was_there)
    # Less than before, or gone.
    is_doubtful |= calls < 0
    is_uncertain = np.zeros_like(is_steady)
    np.logical_or.at(is_uncertain, row, is_doubtful)
    return np.maximum(calls, 0.0), is_uncertain


def _begun(client: PrometheusClient, moments: Moments, place: Mapping[Server, int]) -> Booleans:
    """Return in which hours each server may have begun anew, shape (S, T): looked for by day, then by hour."""
    begun = np.zeros((len(place), len(moments.times)), dtype=bool)
    by_day = catalog.beginnings(SECONDS_PER_DAY + OVERLAP_SECONDS)
    by_hour = catalog.beginnings(SECONDS_PER_HOUR + OVERLAP_SECONDS)
    tomorrow = -(-moments.now // SECONDS_PER_DAY) * SECONDS_PER_DAY
    days = read_span(client, by_day, moments.first, tomorrow, SECONDS_PER_DAY)
    found = [days.times[np.any(days.values > 0, axis=0)]]
    for day in np.concatenate(found):
        first, last = max(moments.first, float(day) - SECONDS_PER_DAY), min(moments.last_hour, float(day))
        table = read_span(client, by_hour, first, last, SECONDS_PER_HOUR)
        _mark(begun, table, place, round((first - moments.first) / SECONDS_PER_HOUR))
    if moments.rest:
        table = read_moment(client, by_hour, float(moments.times[-1]))
        _mark(begun, table, place, len(moments.times) - 1)
    return begun


def _mark(begun: Booleans, table: Table, place: Mapping[Server, int], offset: int) -> None:
    for labels, values in zip(table.labels, table.values, strict=True):
        server = place.get(server_of(labels))
        if server is not None:
            begun[server, offset : offset + len(values)] |= values > 0


def _exact_tables(
    client: PrometheusClient, moments: Moments, servers: list[Server], is_uncertain: Booleans
) -> list[tuple[Table, frozenset[Server]]]:
    """Ask for every hour that is uncertain, hours next to each other with the same servers at once."""

    def read(run: tuple[int, int]) -> tuple[Table, frozenset[Server]]:
        first, last = run
        wanted = frozenset(servers[place] for place in np.flatnonzero(is_uncertain[:, first]))
        instances = sorted({instance for _, instance in wanted})
        matchers = [("instance", "=~", catalog.one_of(instances))] if len(instances) <= _NAMED_AT_MOST else []

        def query(seconds: float) -> str:
            return f"{catalog.requests(seconds, *matchers, by=_BY)} > 0"

        if last == len(moments.times) and moments.rest:
            # Shorter than an hour would be too short for a server that is scraped seldom.
            now = read_moment(client, query(SECONDS_PER_HOUR + moments.rest), float(moments.times[-1]))
            return _without(now, read_moment(client, query(SECONDS_PER_HOUR), moments.last_hour)), wanted
        start, end = float(moments.times[first]), float(moments.times[last - 1])
        return read_span(client, query(SECONDS_PER_HOUR), start, end, SECONDS_PER_HOUR), wanted

    # As many in flight as a reader may have; each asks for one piece at a time.
    with ThreadPoolExecutor(max_workers=MAX_CONNECTIONS, thread_name_prefix="genotel-exact") as pool:
        return list(pool.map(read, _runs(is_uncertain, is_last_alone=bool(moments.rest))))


def _without(more: Table, less: Table) -> Table:
    counted = {
        tuple(sorted(labels.items())): float(values[0]) for labels, values in zip(less.labels, less.values, strict=True)
    }
    already = [counted.get(tuple(sorted(labels.items())), 0.0) for labels in more.labels]
    return Table(more.labels, more.times, more.values - np.array(already).reshape(-1, 1), more.notes)


def _runs(is_uncertain: Booleans, *, is_last_alone: bool) -> Iterator[tuple[int, int]]:
    """Yield first and last + 1 of the moments at which the same servers are uncertain, and any is."""
    moments = is_uncertain.shape[1]
    changes = set((np.flatnonzero(np.any(is_uncertain[:, 1:] != is_uncertain[:, :-1], axis=0)) + 1).tolist())
    if is_last_alone:
        changes.add(moments - 1)
    for first, last in pairwise(sorted({0, moments, *changes})):
        if is_uncertain[:, first].any():
            yield first, last
