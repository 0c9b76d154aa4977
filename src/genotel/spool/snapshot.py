"""The values of one process at one moment, and how they are written to a file and read again.

A file is five lines: a header of fixed width (what it is, version, sequence, heartbeat), who wrote it,
the series, their values, their exemplars. The series hardly ever change, so writer and reader keep
what they made of that line; from second to second only numbers are written and read. Nothing of a file
is trusted: what does not look as it should raises :class:`UnreadableSnapshotError`, never anything else.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, get_args

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
_LABELS = re.compile(r'(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*"(?:,(?=[a-zA-Z_])|\Z))*', re.ASCII)
_KINDS = frozenset(get_args(FamilyKind))


class UnreadableSnapshotError(GenotelError):
    """Refuse a file of the spool that is corrupt or written by a newer genotel."""

    def __init__(self, message: str, *, is_newer: bool = False) -> None:
        super().__init__(message)
        self.is_newer = is_newer


# Rows as on the page, but that a number of the file of ended processes may be a tuple of floats: parts
# of a sum that only together are exact. A histogram's sum likewise.
Rows = list[tuple[Any, ...]]


class Shared(NamedTuple):
    """Hold the rows of one family, and how they are merged."""

    family: Family
    rule: Rule
    rows: Rows


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
        schema: the line that the series were made of, kept to know it again.
    """

    pid: int
    included: frozenset[str]
    families: tuple[Shared, ...]
    schema: bytes = b""


def share(blocks: Sequence[Block]) -> list[Shared]:
    """Return the blocks with their rules; families that cannot be merged are left out.

    A foreign histogram's or summary's ``_created`` rows are left out (a time cannot be added up), and
    so are the quantiles of a summary, which no arithmetic merges.
    """
    shared = []
    for family, rows in blocks:
        rule = rule_of(family)
        if rule is None or not rows:
            continue
        kept: Any = rows
        if family.kind in {"counter", "histogram", "summary"} and isinstance(rows[0][0], NumberSeries):
            unwanted = {"_created", ""} if family.kind == "summary" else {"_created"}
            if any(row[0].suffix in unwanted for row in kept):
                kept = [row for row in kept if row[0].suffix not in unwanted]
        if kept:
            shared.append(Shared(family, rule, kept))
    return shared


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
        self._known: list[tuple[Family, Rule, list[object]]] = []
        self._schema = b""

    def encode(self, families: Sequence[Shared]) -> bytes:
        """Return everything that follows the header."""
        layout: list[tuple[Family, Rule, list[object]]] = []
        values: list[list[Any]] = []
        exemplars: list[list[Any]] = []
        for index, (family, rule, rows) in enumerate(families):
            layout.append((family, rule, [row[0] for row in rows]))
            if isinstance(rows[0][0], HistogramSeries):
                values.append([[row[2], *row[1]] for row in rows])
                for position, row in enumerate(rows):
                    # Another thread may keep one meanwhile.
                    exemplars += [[index, position, *kept] for kept in list(row[0].exemplars.values())]
            else:
                values.append([row[1] for row in rows])
                exemplars += [
                    [index, position, *row[0].exemplar]
                    for position, row in enumerate(rows)
                    if row[0].exemplar is not None
                ]
        # Series have no equality of their own, so this compares identities.
        if layout != self._known:
            self._known, self._schema = layout, _schema_line(layout)
        return b"".join((self._who, self._schema, _line(values), _line(exemplars)))


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


def decode(body: bytes, before: Snapshot | None = None) -> Snapshot:
    """Return the snapshot that a file holds behind its header.

    Args:
        body: the file without its first line.
        before: what was read of the same file last time; its series are used again where they still fit.

    Raises:
        UnreadableSnapshotError: it is corrupt.
    """
    try:
        who, schema, values, exemplars = body.split(b"\n", 3)
        said = json.loads(who)
        if before is not None and before.schema == schema:
            layout = [(family, rule, [row[0] for row in rows]) for family, rule, rows in before.families]
        else:
            layout = _read_schema(json.loads(schema))
        families = [
            Shared(
                family, rule, _histogram_rows(series, given) if _is_histogram(series) else _number_rows(series, given)
            )
            for (family, rule, series), given in zip(layout, json.loads(values), strict=True)
        ]
        for index, position, *given in json.loads(exemplars):
            _keep(families[index].rows[position][0], _exemplar(*given))
        included = frozenset(_text(name) for name in said["included"])
        return Snapshot(_integer(said["pid"]), included, tuple(families), schema)
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
            rows.append([each.labels, each.created, extra])
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
        for labels, created, extra in rows:
            made: NumberSeries | HistogramSeries
            if shape == "histogram":
                made = HistogramSeries({}, bounds[_index(extra)], _created(created))
            else:
                if extra is not None and not _SUFFIX.fullmatch(extra):
                    raise ValueError
                made = NumberSeries({}, _created(created), extra)
            if not _LABELS.fullmatch(labels):
                raise ValueError
            made.labels = labels
            series.append(made)
        layout.append((family, Rule(Merge(merge), outlives is True), series))
    return layout


def _is_histogram(series: Sequence[Any]) -> bool:
    return isinstance(series[0], HistogramSeries)


def _number_rows(series: list[Any], values: list[Any]) -> Rows:
    return [*zip(series, map(_number, values), strict=True)]


def _histogram_rows(series: list[Any], values: list[Any]) -> Rows:
    rows: Rows = []
    for each, (total, *counts) in zip(series, values, strict=True):
        if len(counts) != len(each.bounds) + 1 or {*map(type, counts)} != {int} or min(counts) < 0:
            raise ValueError
        rows.append((each, counts, _number(total)))
    return rows


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


def _index(value: Any) -> int:
    if _integer(value) < 0:
        raise ValueError
    return int(value)


def _created(value: Any) -> float | None:
    if value is None:
        return None
    if not math.isfinite(value):
        raise ValueError
    return float(value)


def _exemplar(trace_id: Any, span_id: Any, value: Any, timestamp: Any) -> Exemplar:
    if not (math.isfinite(value) and math.isfinite(timestamp)):
        raise ValueError
    return Exemplar(_text(trace_id), _text(span_id), float(value), float(timestamp))


def _keep(series: NumberSeries | HistogramSeries, exemplar: Exemplar) -> None:
    known = series.exemplars.values() if isinstance(series, HistogramSeries) else (series.exemplar,)
    if exemplar not in known:
        series.keep(exemplar)
