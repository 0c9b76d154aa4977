"""The values of one process at one moment, and how they are written to a file and read again.

A file is six lines: a header of fixed width (what it is, version, sequence, heartbeat), who wrote it,
the series, their births, their values, their exemplars. The series hardly ever change and are the same
in all workers of a program, so that line is made once by a writer and understood once by a reader; from
second to second only numbers are written and read. Nothing of a file is trusted: what does not look as
it should raises :class:`UnreadableSnapshotError`, never anything else.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, get_args
from weakref import WeakValueDictionary

from genotel.errors import GenotelError
from genotel.exposition.series import Block, Exemplar, Family, FamilyKind, HistogramSeries, NumberSeries
from genotel.semconv.spec import Merge
from genotel.spool.rules import NAME, Rule, rule_of

VERSION = 1
HEADER = "genotel-spool {version:04d} {sequence:020d} {heartbeat:020d}\n"
HEADER_BYTES = len(HEADER.format(version=VERSION, sequence=0, heartbeat=0))
# Where the heartbeat stands, which is written alone while no value changes.
HEARTBEAT_OFFSET = HEADER_BYTES - 21
# A page of a million lines has a tenth of it.
MAX_BYTES = 64 * 2**20

# No count comes near it, and sums of it can still be printed.
_MOST = 2**1000

_HEADER = re.compile(rb"genotel-spool (\d{4}) (\d{20}) (\d{20})\n")
_SUFFIX = re.compile(r"[a-zA-Z0-9_:]*")
# Labels as a page has them between its braces.
LABELS = re.compile(r'(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*"(?:,(?=[a-zA-Z_])|\Z))*', re.ASCII)
_KINDS = frozenset(get_args(FamilyKind))


class UnreadableSnapshotError(GenotelError):
    """Refuse a file of the spool that is corrupt or written by a newer genotel."""

    def __init__(self, message: str, *, is_newer: bool = False) -> None:
        super().__init__(message)
        self.is_newer = is_newer


# Of a number: series, value, birth. Of a histogram: series, counts, sum, birth. In the file of ended
# processes a value or sum may be a tuple of floats: parts that only together are exact.
Rows = list[tuple[Any, ...]]


class Shared(NamedTuple):
    """Hold the rows of one family, how they are merged, and exemplars with the index of their row."""

    family: Family
    rule: Rule
    rows: Rows
    exemplars: list[tuple[int, Exemplar]]


class Header(NamedTuple):
    """Tell one writing of a file from the next; ``heartbeat`` is when it was last looked after, Unix ns."""

    sequence: int
    heartbeat: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Hold what one process (or all that ended) had counted.

    Attributes:
        pid: of the process, 0 for the file of ended ones.
        included: names of files whose values are already in this one.
        families: one entry a family.
        layout: what the line of series was understood as, kept for other files that have the same.
    """

    pid: int
    included: frozenset[str]
    families: tuple[Shared, ...]
    layout: Layout


class Layout:
    """Hold the series of a file, family by family."""

    __slots__ = ("__weakref__", "families")

    def __init__(self, families: list[tuple[Family, Rule, list[Any]]]) -> None:
        self.families = families


# By the line that says it; an entry goes with the last snapshot that has it.
Layouts = WeakValueDictionary[bytes, Layout]


def share(blocks: Iterable[Block]) -> list[Shared]:
    """Return the blocks of a page with their rules; families that cannot be merged are left out.

    A foreign histogram's or summary's ``_created`` rows are left out (a time cannot be added up), and
    so are the quantiles of a summary, which no arithmetic merges.
    """
    shared = []
    for family, rows in blocks:
        rule = rule_of(family)
        if rule is None:
            continue
        kept: Any = rows
        if family.kind in {"counter", "histogram", "summary"} and rows and isinstance(rows[0][0], NumberSeries):
            unwanted = {"_created", ""} if family.kind == "summary" else {"_created"}
            if any(row[0].suffix in unwanted for row in kept):
                kept = [row for row in kept if row[0].suffix not in unwanted]
        if kept:
            shared.append(tell(family, rule, kept))
    return shared


def tell(family: Family, rule: Rule, rows: Sequence[tuple[Any, ...]]) -> Shared:
    """Return rows of a page with what their series know beside their values."""
    exemplars: list[tuple[int, Exemplar]] = []
    if isinstance(rows[0][0], HistogramSeries):
        for index, row in enumerate(rows):
            if row[0].exemplars:
                # A copy: another thread may keep one meanwhile.
                exemplars += [(index, exemplar) for exemplar in list(row[0].exemplars.values())]
    else:
        exemplars += [(index, row[0].exemplar) for index, row in enumerate(rows) if row[0].exemplar is not None]
    return Shared(family, rule, [(*row, row[0].created) for row in rows], exemplars)


class Encoder:
    """Write snapshots of one process, keeping the text of what does not change.

    Args:
        pid: of the process, 0 for the file of ended ones.
        included: names of files whose values are in this one.

    Example:
        >>> series = NumberSeries({"model": "sdxl"})
        >>> body = Encoder(7).encode(share([Block(Family("jobs", "counter"), [(series, 3)])]))
        >>> decode(body).families[0].rows[0][1]
        3
    """

    def __init__(self, pid: int, included: Sequence[str] = ()) -> None:
        self._who = _line({"pid": pid, "included": list(included)})
        self._known: list[tuple[Family, Rule, list[Any]]] | None = None
        self._schema = b""

    def encode(self, families: Sequence[Shared]) -> bytes:
        """Return everything that follows the header."""
        layout = [(family, rule, [row[0] for row in rows]) for family, rule, rows, _ in families]
        # Series have no equality of their own, so this compares identities.
        if layout != self._known:
            self._known, self._schema = layout, _schema_line(layout)
        births = [[row[-1] for row in rows] for _, _, rows, _ in families]
        values = [
            [[row[2], *row[1]] for row in rows] if _is_histogram(series) else [row[1] for row in rows]
            for (_, _, rows, _), (_, _, series) in zip(families, layout, strict=True)
        ]
        exemplars = [[[index, *exemplar] for index, exemplar in kept] for _, _, _, kept in families]
        return b"".join((self._who, self._schema, _line(births), _line(values), _line(exemplars)))


def header(sequence: int, heartbeat: int) -> bytes:
    """Return the first line of a file."""
    return HEADER.format(version=VERSION, sequence=sequence, heartbeat=heartbeat).encode("ascii")


def read_header(data: bytes) -> Header:
    """Return what the first line says.

    Raises:
        UnreadableSnapshotError: it is no spool file, or of another version.
    """
    found = _HEADER.match(data)
    if found is None:
        raise UnreadableSnapshotError("it does not begin as a file of the spool")
    version, sequence, heartbeat = (int(part) for part in found.groups())
    if version != VERSION:
        raise UnreadableSnapshotError(f"it has version {version}, this genotel reads {VERSION}", is_newer=True)
    return Header(sequence, heartbeat)


def decode(body: bytes, layouts: Layouts | None = None) -> Snapshot:
    """Return the snapshot that a file holds behind its header.

    Args:
        body: the file without its first line.
        layouts: what was understood of other files, added to.

    Raises:
        UnreadableSnapshotError: it is corrupt.
    """
    try:
        who, schema, births, values, exemplars = body.split(b"\n", 4)
        said = json.loads(who)
        layout = layouts.get(schema) if layouts is not None else None
        if layout is None:
            layout = Layout(_read_schema(json.loads(schema)))
            if layouts is not None:
                layouts[schema] = layout
        families = []
        lines = zip(layout.families, json.loads(births), json.loads(values), json.loads(exemplars), strict=True)
        for (family, rule, series), born, given, kept in lines:
            rows = _histogram_rows(series, given, born) if _is_histogram(series) else _number_rows(series, given, born)
            shown = [(_index(index, len(rows)), _exemplar(*exemplar)) for index, *exemplar in kept]
            families.append(Shared(family, rule, rows, shown))
        included = frozenset(_text(name) for name in said["included"])
        return Snapshot(_integer(said["pid"]), included, tuple(families), layout)
    except Exception as error:
        # Bytes of unknown origin can be wrong in every way that there is.
        raise UnreadableSnapshotError(f"it is corrupt ({type(error).__name__})") from error


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


def _schema_line(layout: Sequence[tuple[Family, Rule, list[Any]]]) -> bytes:
    bounds: dict[tuple[float, ...], int] = {}
    families = []
    for family, rule, series in layout:
        rows: list[list[object]] = []
        for each in series:
            extra: object = (
                each.suffix if isinstance(each, NumberSeries) else bounds.setdefault(each.bounds, len(bounds))
            )
            rows.append([each.labels, extra])
        shape = "histogram" if _is_histogram(series) else "number"
        families.append([family.name, family.kind, family.help, family.unit, rule.merge, rule.outlives, shape, rows])
    return _line([[*bounds], families])


def _read_schema(schema: Any) -> list[tuple[Family, Rule, list[Any]]]:
    bounds, families = schema
    for each in bounds:
        if any(low >= high for low, high in pairwise(each)) or not all(map(math.isfinite, each)):
            raise ValueError
    layout: list[tuple[Family, Rule, list[Any]]] = []
    for name, kind, help_text, unit, merge, outlives, shape, rows in families:
        if kind not in _KINDS or not NAME.fullmatch(name) or not rows:
            raise ValueError
        family = Family(name, kind, _text(help_text), _text(unit))
        series: list[Any] = []
        for labels, extra in rows:
            made: NumberSeries | HistogramSeries
            if shape == "histogram":
                made = HistogramSeries({}, bounds[_index(extra, len(bounds))])
            else:
                if extra is not None and not _SUFFIX.fullmatch(extra):
                    raise ValueError
                made = NumberSeries({}, None, extra)
            if not LABELS.fullmatch(labels):
                raise ValueError
            made.labels = labels
            series.append(made)
        layout.append((family, Rule(Merge(merge), outlives is True), series))
    return layout


def _is_histogram(series: Sequence[Any]) -> bool:
    return isinstance(series[0], HistogramSeries)


def _number_rows(series: list[Any], values: list[Any], births: list[Any]) -> Rows:
    kinds = {*map(type, values)}
    if kinds == {int}:
        if max(map(abs, values)) > _MOST:
            raise ValueError
    elif kinds != {float}:
        values = [_number(value) for value in values]
    return [*zip(series, values, _births(births), strict=True)]


def _histogram_rows(series: list[Any], values: list[Any], births: list[Any]) -> Rows:
    rows: Rows = []
    for each, (total, *counts), born in zip(series, values, _births(births), strict=True):
        if len(counts) != len(each.bounds) + 1 or {*map(type, counts)} != {int} or min(counts) < 0:
            raise ValueError
        rows.append((each, counts, _number(total), born))
    return rows


def _births(births: list[Any]) -> list[Any]:
    for born in {*births}:
        if born is not None and not math.isfinite(born):
            raise ValueError
    return births


def _number(value: Any) -> Any:
    """Return a number, or the parts of one."""
    if type(value) is int:
        if abs(value) > _MOST:
            raise ValueError
        return value
    if type(value) is float:
        return value
    if not value or {*map(type, value)} != {float}:
        raise ValueError
    return tuple(value)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _index(value: Any, length: int) -> int:
    if not 0 <= _integer(value) < length:
        raise ValueError
    return int(value)


def _exemplar(trace_id: Any, span_id: Any, value: Any, timestamp: Any) -> Exemplar:
    if not (math.isfinite(value) and math.isfinite(timestamp)):
        raise ValueError
    return Exemplar(_text(trace_id), _text(span_id), float(value), float(timestamp))
