"""Bring together what several sources tell of the same models, so that no call is counted twice.

In each hour the first source that saw a model used tells of it. So a use that one source did not see
is not lost, and one that two saw is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genotel.history.hourly import HOURS_PER_DAY, SECONDS_PER_HOUR, Floats, HourTable, Integers
from genotel.history.server_counts import Counts
from genotel.history.server_seconds import Spent
from genotel.journal.rollup import FAILURES
from genotel.prometheus_api.chunking import Table
from genotel.semconv import attributes as a

_NOBODY = np.iinfo(np.int16).max


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """Hold what one source tells.

    Attributes:
        name: of the source.
        models: that it knows, used or not.
        counts: calls.
        durations: of calls.
        loads: of models.
    """

    name: str
    models: frozenset[str]
    counts: tuple[Counts, ...]
    durations: tuple[Spent, ...] = ()
    loads: tuple[Spent, ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """Return what was read."""
        parts = (self.counts, self.durations, self.loads)
        return tuple(table for part in parts for one in part for table in one.tables)


def merge_sources(
    told: Sequence[Told], first_hour: int, hours: int
) -> tuple[tuple[str, ...], HourTable, tuple[str, ...]]:
    """Return the models, their table of hours, and the names of those who told of each, joined by commas.

    Args:
        told: by each source, those that are believed first.
        first_hour: hour since the Unix epoch that the table may begin with.
        hours: number of hours that it may hold.
    """
    used = {model for one in told for counts in one.counts for model in counts.models}
    # A series without the label of the model is nobody's.
    names = tuple(sorted(({model for one in told for model in one.models} | used) - {""}))
    position = {name: index for index, name in enumerate(names)}
    teller = np.full((len(names), hours), _NOBODY, dtype=np.int16)
    knower = np.full(len(names), _NOBODY, dtype=np.int16)
    placed: list[tuple[int, Counts, Integers, Integers]] = []
    for rank, one in enumerate(told):
        mine = [position[model] for model in one.models if model in position]
        knower[mine] = np.minimum(knower[mine], rank)
        for counts in one.counts:
            model, hour = _placed(counts.models, counts.series, counts.time, position, first_hour)
            placed.append((rank, counts, model, hour))
            if not counts.is_part:
                is_known = model >= 0
                np.minimum.at(teller, (model[is_known], hour[is_known]), rank)
    rows = _Rows(first_hour)
    for rank, counts, model, hour in placed:
        is_told = (teller[model, hour] == rank) & (model >= 0)
        has_parts = any(other.is_part for other in told[rank].counts)
        rows.add_calls(counts, model, hour, is_told, has_parts=has_parts)
    for rank, one in enumerate(told):
        for kind, some in (("durations", one.durations), ("loads", one.loads)):
            for spent in some:
                model, hour = _placed(spent.models, spent.series, spent.time, position, first_hour)
                if spent.is_daily:
                    hour = _last_used_hour(teller, model, hour, first_hour)
                by = teller[model, hour]
                is_told = (by == rank) | ((by == _NOBODY) & (knower[model] == rank))
                rows.add_spent(kind, spent, model, hour, is_told)
    table = rows.gathered()
    table = replace(table, succeeded=np.maximum(table.succeeded, 0))
    return names, table, _measured_by(told, teller, knower)


def _placed(
    models: Sequence[str], series: Integers, time: Floats, position: dict[str, int], first_hour: int
) -> tuple[Integers, Integers]:
    """Return model and hour of rows; the hour that ended at a full hour is the one before it."""
    index = np.array([position.get(model, -1) for model in models], dtype=np.int64)
    hour = (np.ceil(time / SECONDS_PER_HOUR) - 1).astype(np.int64) - first_hour
    # Of what nobody counts, and of time before the history begins, there is no row.
    return index[series], np.maximum(hour, 0)


def _last_used_hour(teller: np.ndarray, model: Integers, hour: Integers, first_hour: int) -> Integers:
    """Return for each row of a day the last hour of that day in which its model was used, or the given one."""
    best = hour.copy()
    day = (hour + first_hour) // HOURS_PER_DAY
    is_found = np.zeros(len(hour), dtype=bool)
    for back in range(HOURS_PER_DAY):
        at = np.maximum(hour - back, 0)
        is_used = ~is_found & (teller[model, at] != _NOBODY) & ((at + first_hour) // HOURS_PER_DAY == day)
        best[is_used] = at[is_used]
        is_found |= is_used
    return best


class _Rows:
    """Collect rows of the table of hours."""

    def __init__(self, first_hour: int) -> None:
        self._first_hour = first_hour
        self._model: list[Integers] = []
        self._hour: list[Integers] = []
        self._columns: list[dict[str, Floats]] = []

    def add_calls(
        self, counts: Counts, model: Integers, hour: Integers, is_told: np.ndarray, *, has_parts: bool
    ) -> None:
        """Add calls; of a source that counts its failures apart, all others succeeded."""
        is_ok = np.array([outcome == a.OUTCOME_OK or has_parts for outcome in counts.outcomes], dtype=bool)
        is_failed = np.array([outcome in FAILURES for outcome in counts.outcomes], dtype=bool)
        calls = counts.calls[is_told]
        series = counts.series[is_told]
        columns = {
            "requests": calls,
            "succeeded": np.where(is_ok[series], calls, 0.0),
            "failed": np.where(is_failed[series], calls, 0.0),
        }
        if counts.is_part:
            columns |= {"requests": np.zeros(len(calls)), "succeeded": -calls}
        self._add(model[is_told], hour[is_told], columns)

    def add_spent(self, kind: str, spent: Spent, model: Integers, hour: Integers, is_told: np.ndarray) -> None:
        """Add durations of calls or of loads."""
        is_told = is_told & (model >= 0)
        seconds, count = spent.seconds[is_told], spent.count[is_told].astype(np.float64)
        columns = (
            {"timed": count, "duration_seconds": seconds}
            if kind == "durations"
            else {"loads": count, "timed_loads": count, "load_seconds": seconds}
        )
        self._add(model[is_told], hour[is_told], columns)

    def gathered(self) -> HourTable:
        """Return the table."""
        names = {name for columns in self._columns for name in columns}
        columns = {
            name: _joined(
                [part.get(name, np.zeros(len(model))) for part, model in zip(self._columns, self._model, strict=True)]
            )
            for name in names
        }
        none = [np.zeros(0, dtype=np.int64)]
        model, hour = np.concatenate(self._model or none), np.concatenate(self._hour or none)
        return HourTable.gather(model, hour + self._first_hour, **columns)

    def _add(self, model: Integers, hour: Integers, columns: dict[str, Floats]) -> None:
        self._model.append(model)
        self._hour.append(hour)
        self._columns.append(columns)


def _joined(parts: Iterable[Floats]) -> Floats:
    return np.concatenate(list(parts))


def _measured_by(told: Sequence[Told], teller: np.ndarray, knower: np.ndarray) -> tuple[str, ...]:
    """Return by whom each model was measured; of one that was never used, who knows it."""
    if len(told) == 1:
        return (told[0].name,) * len(knower)
    measured = []
    for row, known in zip(teller, knower, strict=True):
        ranks = np.unique(row[row != _NOBODY]).tolist() or [int(known)]
        measured.append(", ".join(told[rank].name for rank in ranks if rank != _NOBODY))
    return tuple(measured)
