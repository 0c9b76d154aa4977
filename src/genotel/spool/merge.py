"""Several processes' values become one process's page: added up, the greatest, the latest, or kept apart.

Sums are exact: whatever the order in which processes are added, and however often some of them were
folded together before, the result is the same to the last bit. A sum that lost its last bit would go
backwards, and a counter that goes backwards is a restart to Prometheus.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import chain
from math import fsum, isfinite
from operator import add
from typing import Any, NamedTuple

from genotel.exposition.series import Block, Exemplar, Family, HistogramSeries, NumberSeries, render_labels
from genotel.semconv import attributes
from genotel.semconv.spec import Merge, label_name
from genotel.spool.rules import Rule
from genotel.spool.snapshot import Rows, Shared

PROCESS_LABEL = label_name(attributes.PROCESS_ID)
# Labels, and the suffix where the kind does not say it.
_Key = str | tuple[str, str]
_HAS_PROCESS = f'{PROCESS_LABEL}="'
# Each process has its own random one; the page speaks for all of them.
_INSTANCE = re.compile(rf'{label_name(attributes.SERVICE_INSTANCE)}="(?:[^"\\]|\\.)*",?')


class Part(NamedTuple):
    """Hold the families of one process.

    ``is_live`` says whether its states count or only its totals; ``at`` is when it last looked, in any
    unit: of two latest values the later one counts.
    """

    pid: int
    families: Sequence[Shared]
    is_live: bool
    at: float


class Merged(NamedTuple):
    """Hold the rows of one family as a page has them: their series know their births and exemplars."""

    family: Family
    rule: Rule
    rows: Rows


class Merger:
    """Merge parts into blocks, with series that live from scrape to scrape.

    Args:
        exact: leave sums of floats as tuples of parts that together are exact, to be merged again;
            otherwise they are rounded once, to the nearest float.

    Example:
        >>> from genotel.spool.snapshot import share
        >>> def part(value):
        ...     block = Block(Family("jobs", "counter"), [(NumberSeries({"model": "sdxl"}), value)])
        ...     return Part(1, share([block]), True, 0)
        >>> [merged] = Merger().merge([part(2), part(3)])
        >>> merged.rows[0][0].labels, merged.rows[0][1]
        ('model="sdxl"', 5)
    """

    def __init__(self, *, exact: bool = False) -> None:
        self._exact = exact
        self._tables: dict[tuple[str, str, bool], _Table] = {}

    def merge(self, parts: Iterable[Part]) -> list[Merged]:
        """Return one entry a family, in the order in which the parts name them.

        Where two parts do not agree on a family's help or rule, the first one decides.
        """
        run: dict[tuple[str, str, bool], _Table] = {}
        for part in parts:
            for shared in part.families:
                family, rule, rows, _ = shared
                if not (part.is_live or rule.outlives):
                    continue
                key = (family.name, family.kind, isinstance(rows[0][0], HistogramSeries))
                table = run.get(key)
                if table is None:
                    table = self._tables.get(key)
                    if table is None or table.rule != rule:
                        table = _HistogramTable(family, rule) if key[2] else _NumberTable(family, rule)
                    run[key] = table
                    table.begin()
                table.gather(shared, part)
        # What was not there this time is forgotten, with its templates.
        self._tables = run
        return [Merged(table.family, table.rule, table.rows(self._exact)) for table in run.values()]


def blocks(families: Iterable[Merged]) -> list[Block]:
    """Return merged families as the page takes them."""
    return [Block(family, rows) for family, _, rows in families]


class _Table:
    """Keep the merged series of one family, and gather the rows that become one."""

    def __init__(self, family: Family, rule: Rule) -> None:
        self.family = family
        self.rule = rule
        # What tells series apart -> the rows of this run, one a process, each with its time at the end.
        self.groups: dict[_Key, list[Any]] = {}
        self.exemplars: list[tuple[_Key, Exemplar]] = []
        self.known: dict[_Key, Any] = {}

    def begin(self) -> None:
        self.groups, self.exemplars = {}, []

    def gather(self, shared: Shared, part: Part) -> None:
        groups, rows = self.groups, shared.rows
        if self.rule.merge is Merge.SUM:
            for row in rows:
                series = row[0]
                key = series.labels if type(series) is HistogramSeries or series.suffix is None else _key(series)
                if key in groups:
                    groups[key].append(row)
                else:
                    groups[key] = [row]
        else:
            for row in rows:
                groups.setdefault(self.place(row[0], part), []).append((*row, part.at))
        self.exemplars += [(self.place(rows[index][0], part), exemplar) for index, exemplar in shared.exemplars]

    def place(self, series: NumberSeries | HistogramSeries, part: Part) -> _Key:
        """Return what tells the merged series apart from others."""
        key = _key(series)
        if self.rule.merge is Merge.PER_PROCESS:
            return _of_process(key, part.pid)
        if self.family.kind == "info":
            return _INSTANCE.sub("", key if isinstance(key, str) else key[0]).removesuffix(",")
        return key

    def rows(self, exact: bool) -> Rows:
        raise NotImplementedError


class _NumberTable(_Table):
    def rows(self, exact: bool) -> Rows:
        known, self.known = self.known, {}
        rows: Rows = []
        combine = _parts_of if exact else _total
        merge = self.rule.merge
        for key, group in self.groups.items():
            series = known.get(key)
            if series is None:
                series = NumberSeries({}, None, None if isinstance(key, str) else key[1])
                series.labels = key if isinstance(key, str) else key[0]
            self.known[key] = series
            for row in group:
                if row[2] is not None and row[2] != series.created:
                    _note_birth(series, row[2])
            if merge is Merge.SUM:
                rows.append((series, combine([row[1] for row in group])))
            elif merge is Merge.MAX:
                rows.append((series, max(_total([row[1]]) for row in group)))
            else:
                rows.append((series, _total([max(group, key=_at)[1]])))
        for key, exemplar in self.exemplars:
            series = self.known[key]
            _note_exemplar(series, series.exemplar, exemplar)
        return rows


class _HistogramTable(_Table):
    def rows(self, exact: bool) -> Rows:
        known, self.known = self.known, {}
        rows: Rows = []
        combine = _parts_of if exact else _total
        for key, group in self.groups.items():
            if self.rule.merge is not Merge.SUM:
                # The latest stands for all.
                group = [max(group, key=_at)]
            bounds = group[0][0].bounds
            if any(row[0].bounds != bounds for row in group):
                bounds = tuple(sorted({*chain.from_iterable(row[0].bounds for row in group)}))
            series = known.get(key)
            if series is None or series.bounds != bounds:
                series = _with_bounds(series, key if isinstance(key, str) else key[0], bounds)
            self.known[key] = series
            counts: list[int] | None = None
            for row in group:
                if row[3] is not None and row[3] != series.created:
                    _note_birth(series, row[3])
                its = row[1] if row[0].bounds == bounds else _spread(row[0].bounds, row[1], bounds)
                counts = its if counts is None else [*map(add, counts, its)]
            rows.append((series, counts, combine([row[2] for row in group])))
        for key, exemplar in self.exemplars:
            series = self.known[key]
            _note_exemplar(series, series.exemplars.get(bisect_left(series.bounds, exemplar.value)), exemplar)
        return rows


def _key(series: NumberSeries | HistogramSeries) -> _Key:
    if isinstance(series, HistogramSeries) or series.suffix is None:
        return series.labels
    return series.labels, series.suffix


def _of_process(key: _Key, pid: int) -> _Key:
    labels = key if isinstance(key, str) else key[0]
    if labels.startswith(_HAS_PROCESS) or "," + _HAS_PROCESS in labels:
        return key
    labels = ",".join(filter(None, (labels, render_labels({PROCESS_LABEL: str(pid)}))))
    return labels if isinstance(key, str) else (labels, key[1])


def _at(row: tuple[Any, ...]) -> Any:
    return row[-1]


def _note_birth(series: NumberSeries | HistogramSeries, created: float) -> None:
    """Let a sum be as old as the oldest of its parts."""
    if series.created is None or created < series.created:
        series.created = created
        series.templates = [None, None]
        series.encoded = None


def _note_exemplar(series: NumberSeries | HistogramSeries, known: Exemplar | None, found: Exemplar) -> None:
    if known is None or (known is not found and (found.timestamp, found) > (known.timestamp, known)):
        series.keep(found)


def _with_bounds(before: HistogramSeries | None, labels: str, bounds: tuple[float, ...]) -> HistogramSeries:
    series = HistogramSeries({}, bounds)
    series.labels = labels
    if before is not None:
        series.created = before.created
        for exemplar in before.exemplars.values():
            series.keep(exemplar)
    return series


def _spread(bounds: Sequence[float], counts: Sequence[int], finer: Sequence[float]) -> list[int]:
    """Return the counts under more bounds: each stays below the bound that it is known to be below.

    Buckets of powers of two (exponential histograms) lose nothing by it, since those that are absent
    are empty. Of other bounds, a bucket that only some processes have counts only theirs.
    """
    places = {bound: index for index, bound in enumerate(finer)}
    spread = [0] * (len(finer) + 1)
    for bound, count in zip(bounds, counts, strict=False):
        spread[places[bound]] = count
    spread[-1] = counts[-1]
    return spread


def _total(values: list[Any]) -> Any:
    """Return the sum, rounded once."""
    kinds = {*map(type, values)}
    if kinds == {int}:
        return sum(values)
    if tuple in kinds:
        values = _flat(values)
    if len(values) == 1:
        return values[0]
    total = sum(values)
    return fsum(values) if isfinite(total) else total


def _parts_of(values: list[Any]) -> Any:
    """Return the sum as an integer, or as floats that add up to it exactly (Shewchuk, 1997)."""
    flat = _flat(values)
    total = sum(flat)
    if type(total) is int:
        return total
    if not isfinite(total):
        return (total,)
    parts: list[float] = []
    for value in flat:
        x = float(value)
        kept = 0
        for part in parts:
            high, low = (x, part) if abs(x) >= abs(part) else (part, x)
            x = high + low
            rest = low - (x - high)
            if rest:
                parts[kept] = rest
                kept += 1
        parts[kept:] = [x]
    return tuple(parts)


def _flat(values: list[Any]) -> list[Any]:
    return [*chain.from_iterable(value if type(value) is tuple else (value,) for value in values)]
