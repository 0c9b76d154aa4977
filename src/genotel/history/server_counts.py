"""Count calls hour by hour from a server, cheaply where that is exact, and exactly where it is not.

The difference of what a counter holds at two full hours is the number of calls between them, as long
as the process that counts lived through both. One query for the whole history gives these differences.
Where a server was not scraped all the time, began anew, or holds less than before, only the query of
``promql.catalog.events`` counts every call; it is asked for those hours and servers alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genotel.history.hourly import SECONDS_PER_HOUR, Booleans, Floats, Integers
from genotel.history.server_days import KnownDays
from genotel.history.server_exact import begun, exact_tables
from genotel.history.server_tables import Moments, Server, read_moment, read_moments, server_of, stacked, without
from genotel.prometheus_api.chunking import Table, read_span
from genotel.prometheus_api.client import PrometheusClient
from genotel.promql import usage_queries
from genotel.promql.catalog import one_of
from genotel.promql.selecting import Matcher
from genotel.promql.usage_sources import CallCounter, WindowQuery
from genotel.semconv.foreign import OUTCOME_UNKNOWN

# A pattern of more names is slower than asking for all.
_MODELS_NAMED = 500
_QUERIES = 4
# Rows that are worked on at once, so that no table is copied as a whole.
_ROWS = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Hold calls by series and the moment at which their hour ended; shape (K,) each.

    Attributes:
        series: index of the series in ``models`` and ``outcomes``.
        time: Unix time.
        calls: more than 0.
        models, outcomes: of each series.
        is_part: whether another counter of the source counts the same calls.
        tables: what was read, for its notes.
    """

    series: Integers
    time: Floats
    calls: Floats
    models: tuple[str, ...]
    outcomes: tuple[str, ...]
    is_part: bool
    tables: tuple[Table, ...]


def count_calls(
    client: PrometheusClient,
    moments: Moments,
    scraped: Mapping[Server, Floats],
    known: KnownDays,
    *,
    is_exact: bool = False,
) -> Counts:
    """Count the calls between each two moments.

    Args:
        client: the server that is asked.
        moments: the ends of the hours; of what was before the first nothing is counted.
        scraped: share of the scrapes that each server answered in the hour before each moment, shape
            (T,); NaN where nobody asked it. A server that is not in it is one of which nothing is known.
        known: what counts, and which of its series ever did.
        is_exact: whether every hour is asked for exactly, which costs hundred times as much.

    Raises:
        ServerError: the server could not be reached or refused.
    """
    counter = known.counter
    if isinstance(counter, WindowQuery):
        return _asked(client, moments, counter)
    chosen = _worth_asking(known, counter)
    if not chosen:
        return _gathered(counter, [], [])
    if counter.is_activity:
        servers = sorted(set(known.servers))
        everywhere = np.ones((len(servers), len(moments.times)), dtype=bool)
        everywhere[:, 0] = False
        never = np.zeros_like(everywhere)
        exact = exact_tables(client, moments, known, chosen, servers, everywhere, never)
        return _gathered(counter, [], exact)
    queries = (usage_queries.calls_held(counter, SECONDS_PER_HOUR, *matchers) for matchers in chosen)
    there = len(known.table.labels)
    held = stacked([read_moments(client, query, moments, series=there) for query in queries])
    servers = sorted({server_of(labels) for labels in held.labels} | set(scraped))
    place = {server: row for row, server in enumerate(servers)}
    row = np.array([place[server_of(labels)] for labels in held.labels], dtype=np.int64)
    is_uncertain = _doubts(held, row, servers, scraped)
    has_begun = begun(client, moments, counter, place)
    is_uncertain |= has_begun | is_exact
    is_uncertain[:, 0] = False
    series, at, calls = _differences(held, row, is_uncertain)
    rows = [(held, series, at, calls)]
    return _gathered(counter, rows, exact_tables(client, moments, known, chosen, servers, is_uncertain, has_begun))


def _worth_asking(known: KnownDays, counter: CallCounter) -> list[tuple[Matcher, ...]]:
    """Return what chooses the series that ever counted, each by one: all, some outcomes, some models of an outcome."""
    labels = counter.labels[1:]
    classes = [tuple(one.get(label, "") for label in labels) for one in known.table.labels]
    has_counted, models_of = known.has_counted, known.models
    whole: list[tuple[str, ...]] = []
    few: list[tuple[Matcher, ...]] = []
    for kind in sorted(set(classes)):
        there = np.array([one == kind for one in classes], dtype=bool)
        models = sorted({models_of[place] for place in np.flatnonzero(there & has_counted)})
        # Few of many: their names are shorter than the zeros of the others.
        if models and len(models) <= min(_MODELS_NAMED, 0.3 * there.sum()):
            exact = tuple((label, "=", value) for label, value in zip(labels, kind, strict=True))
            few.append((*exact, (counter.model_label, "=~", one_of(models))))
        elif models:
            whole.append(kind)
    if not whole and len(few) <= _QUERIES:
        return few
    # Several labels cannot be chosen by one matcher, and many questions are slower than one.
    if len(labels) != 1 or len(few) > _QUERIES or len(whole) == len(set(classes)):
        return [()]
    return [*few, ((labels[0], "=~", one_of(kind[0] for kind in whole)),)]


def _doubts(held: Table, row: Integers, servers: list[Server], scraped: Mapping[Server, Floats]) -> Booleans:
    """Return for which server and hour a difference may be wrong, shape (S, T), as far as scrapes and values tell."""
    is_known = np.array([server in scraped for server in servers], dtype=bool)
    is_steady = np.zeros((len(servers), len(held.times)), dtype=bool)
    for place, server in enumerate(servers):
        if server in scraped:
            is_steady[place] = scraped[server] >= 1.0
            is_steady[place, 1:] &= is_steady[place, :-1]
    is_uncertain = np.zeros_like(is_steady)
    for first in range(0, len(row), _ROWS):
        values, rows = held.values[first : first + _ROWS], row[first : first + _ROWS]
        is_there = np.isfinite(values)
        was_there = np.zeros_like(is_there)
        was_there[:, 1:] = is_there[:, :-1]
        is_doubtful = is_there & np.where(is_known[rows, None], ~is_steady[rows], ~was_there)
        amount = np.nan_to_num(values)
        # Less than before, or gone.
        is_doubtful[:, 1:] |= amount[:, 1:] < amount[:, :-1]
        np.logical_or.at(is_uncertain, rows, is_doubtful)
    return is_uncertain


def _differences(held: Table, row: Integers, is_uncertain: Booleans) -> tuple[Integers, Integers, Floats]:
    """Return series, moment and amount of what was added in each hour that is certain, shape (K,) each."""
    found: list[tuple[Integers, Integers, Floats]] = []
    for first in range(0, len(row), _ROWS):
        amount = np.nan_to_num(held.values[first : first + _ROWS])
        calls = np.diff(amount, axis=1, prepend=amount[:, :1])
        calls[is_uncertain[row[first : first + _ROWS]]] = 0.0
        series, at = np.nonzero(calls > 0)
        found.append((series + first, at, calls[series, at]))
    parts = zip(*found, strict=True) if found else ((np.zeros(0, np.int64),), (np.zeros(0, np.int64),), (np.zeros(0),))
    series, at, amounts = (np.concatenate(part) for part in parts)
    return series, at, amounts


def _gathered(
    counter: CallCounter | WindowQuery,
    rows: list[tuple[Table, Integers, Integers, Floats]],
    exact: list[tuple[Table, Booleans]],
) -> Counts:
    """Return the counts of differences and of what was asked for exactly together."""
    for table, is_wanted in exact:
        series, at = np.nonzero((table.values > 0) & is_wanted[:, None])
        rows.append((table, series, at, table.values[series, at]))
    labels = [one for table, *_ in rows for one in table.labels]
    offsets = np.cumsum([0, *(len(table.labels) for table, *_ in rows)])
    outcomes = [counter.outcome(one) for one in labels]
    series = _joined([series + offset for (_, series, _, _), offset in zip(rows, offsets, strict=False)], np.int64)
    time = _joined([table.times[at] for table, _, at, _ in rows], np.float64)
    calls = np.round(_joined([calls for *_, calls in rows], np.float64))
    is_counted = np.array([outcome is not None for outcome in outcomes], dtype=bool)[series] & (calls > 0)
    return Counts(
        series=series[is_counted],
        time=time[is_counted],
        calls=calls[is_counted],
        models=tuple(one.get(counter.model_label, "") for one in labels),
        outcomes=tuple(outcome or OUTCOME_UNKNOWN for outcome in outcomes),
        is_part=counter.is_part,
        tables=tuple(table for table, *_ in rows),
    )


def _joined(parts: list[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=kind)


def _asked(client: PrometheusClient, moments: Moments, query: WindowQuery) -> Counts:
    """Count by a query that a user wrote, for every hour."""
    text = usage_queries.counted(query, SECONDS_PER_HOUR)
    # The first hour ends at the second moment.
    tables = [read_span(client, text, moments.first + SECONDS_PER_HOUR, moments.last_hour, SECONDS_PER_HOUR)]
    if moments.rest:
        longer = usage_queries.counted(query, SECONDS_PER_HOUR + moments.rest)
        now = read_moment(client, longer, float(moments.times[-1]))
        tables.append(without(now, read_moment(client, text, moments.last_hour)))
    return _gathered(query, [], [(table, np.ones(len(table.labels), dtype=bool)) for table in tables])
