"""What a server holds at every full hour and now, as tables: the way in which histories are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genotel.history.hourly import SECONDS_PER_HOUR, Booleans, Floats
from genotel.prometheus_api.chunking import Table, read_span
from genotel.prometheus_api.client import Notes, PrometheusClient

Server = tuple[str, str]
# Notes of the query language about a query; they take nothing from its answer.
_HARMLESS = ("PromQL info", "PromQL warning")


def server_of(labels: Mapping[str, str]) -> Server:
    """Return job and instance of a series; empty where it has none.

    Example:
        >>> server_of({"job": "app"})
        ('app', '')
    """
    return labels.get("job", ""), labels.get("instance", "")


@dataclass(frozen=True, slots=True)
class Moments:
    """Say for which T moments a history is asked: full hours, and now where that is none.

    Attributes:
        first: Unix time of the first full hour.
        now: Unix time of the last moment.
    """

    first: float
    now: float

    @property
    def last_hour(self) -> float:
        """Return the last full hour."""
        return self.now // SECONDS_PER_HOUR * SECONDS_PER_HOUR

    @property
    def rest(self) -> float:
        """Return the whole seconds since the last full hour."""
        return float(self.now // 1 - self.last_hour)

    @property
    def times(self) -> Floats:
        """Return the moments, shape (T,)."""
        hours = np.arange(self.first, self.last_hour + 1, SECONDS_PER_HOUR)
        return np.append(hours, self.last_hour + self.rest) if self.rest else hours


def read_moments(client: PrometheusClient, query: str, moments: Moments, *, series: int = 1) -> Table:
    """Ask for every moment; ``series`` is how many there are about.

    Raises:
        ServerError: the server could not be reached or refused.
    """
    hours = read_span(client, query, moments.first, moments.last_hour, SECONDS_PER_HOUR, series=series)
    if not moments.rest:
        return hours
    return _side_by_side(hours, read_moment(client, query, float(moments.times[-1])))


def read_moment(client: PrometheusClient, query: str, time: float) -> Table:
    """Ask for one moment, Unix time.

    Raises:
        ServerError: the server could not be reached or refused.
    """
    with client.instant(query, time) as (series, body):
        rows = [(one.labels, one.values[0]) for one in series if len(one.values)]
        notes = Notes(tuple(body.warnings), body.is_partial)
    values = np.array([value for _, value in rows], dtype=np.float64).reshape(-1, 1)
    return Table(tuple(labels for labels, _ in rows), np.array([time]), values, notes)


def _side_by_side(left: Table, right: Table) -> Table:
    rows = {tuple(sorted(labels.items())): row for row, labels in enumerate(left.labels)}
    labels = list(left.labels)
    for more in right.labels:
        if rows.setdefault(tuple(sorted(more.items())), len(labels)) == len(labels):
            labels.append(more)
    values = np.full((len(labels), len(left.times) + len(right.times)), np.nan)
    values[: len(left.labels), : len(left.times)] = left.values
    place = [rows[tuple(sorted(more.items()))] for more in right.labels]
    values[place, len(left.times) :] = right.values
    return Table(tuple(labels), np.concatenate([left.times, right.times]), values, notes_of([left, right]))


def without(more: Table, less: Table) -> Table:
    """Return the values of one moment less those of another, series by series.

    Example:
        >>> one = Table(({"a": "b"},), np.array([1.0]), np.array([[3.0]]), Notes())
        >>> without(one, one).values.tolist()
        [[0.0]]
    """
    counted = {
        tuple(sorted(labels.items())): float(values[0]) for labels, values in zip(less.labels, less.values, strict=True)
    }
    already = [counted.get(tuple(sorted(labels.items())), 0.0) for labels in more.labels]
    return Table(more.labels, more.times, more.values - np.array(already).reshape(-1, 1), more.notes)


def stacked(tables: list[Table]) -> Table:
    """Return tables of the same moments, one or more and of different series, as one."""
    if len(tables) == 1:
        return tables[0]
    return Table(
        tuple(labels for table in tables for labels in table.labels),
        tables[0].times,
        np.concatenate([table.values for table in tables]),
        notes_of(tables),
    )


def notes_of(tables: list[Table]) -> Notes:
    """Return what was said beside any of some tables."""
    warnings = dict.fromkeys(text for table in tables for text in table.notes.warnings)
    return Notes(tuple(warnings), any(table.notes.is_partial for table in tables))


def increases(values: Floats) -> tuple[Floats, Booleans]:
    """Return what counters were added between moments, and whether anything was, shape (N, T) both.

    What is held less than before began anew. What is held for the first time was added, except at the
    first moment, before which nothing is known.

    Example:
        >>> increases(np.array([[5.0, 7.0, 2.0, np.nan]]))[0]
        array([[0., 2., 2., 0.]])
    """
    held = np.nan_to_num(values)
    added = np.zeros_like(held)
    added[:, 1:] = held[:, 1:] - held[:, :-1]
    added = np.where(added < 0, held, added)
    return added, added > 0


def whole_or_said(tables: list[Table]) -> tuple[bool, tuple[str, ...]]:
    """Return whether every answer was whole, and what the server said beside them."""
    notes = notes_of(tables)
    serious = tuple(text for text in notes.warnings if not text.startswith(_HARMLESS))
    # Thanos and Mimir tell of parts that did not answer by a warning, VictoriaMetrics by a field.
    return not serious and not notes.is_partial, serious
