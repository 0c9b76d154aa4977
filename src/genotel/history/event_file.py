"""Read the columns of an event list, a CSV file with one line for each use of a model.

A million lines pass in chunks whose columns are turned into arrays at once. Only where that fails is
the chunk walked value by value, to name the first line that is wrong and why.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from genotel.errors import InputError
from genotel.history.hourly import Booleans, Floats

HEADER = "timestamp,model[,status,duration_seconds,load_seconds,size_bytes]"
REQUIRED = ("timestamp", "model")

_CHUNK_ROWS = 50_000
_STATUS = {"ok": 1.0, "error": -1.0, "unknown": 0.0, "": 0.0}
# RFC 3339: a date, a time and an offset; datetime.fromisoformat alone takes other forms too.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
# 2100-01-01: what lies beyond is most likely a time in milliseconds.
_LATEST_SECONDS = 4_102_444_800.0
# An exabyte, thirty billion years: a larger number stands in the wrong column.
_LARGEST = 1e18
_SHOWN_CHARACTERS = 40


@dataclass(frozen=True, slots=True, eq=False)
class EventColumns:
    """Hold K events in the order of the file; every array has the shape (K,).

    Attributes:
        model: name of the model of each event.
        time: Unix time.
        succeeded, failed: whether the outcome is known to be this.
        duration_seconds, load_seconds, size_bytes: NaN where not given.
    """

    model: list[str]
    time: Floats
    succeeded: Booleans
    failed: Booleans
    duration_seconds: Floats
    load_seconds: Floats
    size_bytes: Floats


def read_events(path: Path, *, latest_seconds: float) -> EventColumns:
    """Read an event list in which nothing happened after ``latest_seconds`` (Unix time).

    Raises:
        InputError: the file cannot be read, has no such header, or a line is wrong; one line of text
            that names the file, the line and what was expected.
    """
    text = _read_text(path)
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    chunks: list[EventColumns] = []
    done = 0
    try:
        names = _header(next(rows, None))
        for chunk in _chunks(rows):
            chunks.append(_parse(chunk, names))
            done += len(chunk)
    except csv.Error as error:
        raise InputError(f"not CSV ({error})", file=str(path), line=max(rows.line_num, 1)) from error
    except _BadHeaderError as error:
        raise InputError(str(error), file=str(path), line=1) from error
    except _BadRowError as error:
        raise InputError(str(error), file=str(path), line=_line_of(text, done + error.row)) from error
    events = _join(chunks)
    if len(events.time) and events.time.max() > latest_seconds:
        line = _line_of(text, int(np.argmax(events.time)))
        raise InputError("timestamp lies in the future, expected a time that has passed", file=str(path), line=line)
    return events


class _BadHeaderError(Exception):
    pass


class _BadRowError(Exception):
    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or type(error).__name__})", file=str(path)) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8 text", file=str(path), line=line) from error


def _header(row: list[str] | None) -> list[str]:
    if row is None:
        raise _BadHeaderError(f"the file is empty; expected the header {HEADER}")
    names = [name.strip().lower() for name in row]
    unknown = [name for name in names if name not in _PARSERS]
    missing = [name for name in REQUIRED if name not in names]
    if unknown or missing or len(set(names)) < len(names):
        what = (
            f"unknown column {_shown(unknown[0])}"
            if unknown
            else f"no column {missing[0]}"
            if missing
            else "a column twice"
        )
        raise _BadHeaderError(f"{what}; expected the header {HEADER}")
    return names


def _chunks(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    while chunk := list(islice(rows, _CHUNK_ROWS)):
        # A blank line, at the end as a rule, is no event.
        yield [row for row in chunk if row]


def _parse(rows: list[list[str]], names: list[str]) -> EventColumns:
    width = len(names)
    if any(len(row) != width for row in rows):
        row = next(row for row, values in enumerate(rows) if len(values) != width)
        raise _BadRowError(row, f"{len(rows[row])} fields, expected the {width} of the header")
    columns: dict[str, Sequence[str]] = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    missing = {name: np.full(len(rows), np.nan) for name in _PARSERS} | {"status": np.zeros(len(rows))}
    try:
        parsed: dict[str, Any] = missing | {name: _PARSERS[name](values) for name, values in columns.items()}
    except ValueError:
        raise _first_bad(columns) from None
    return EventColumns(
        model=list(parsed["model"]) if rows else [],
        time=parsed["timestamp"],
        succeeded=parsed["status"] > 0,
        failed=parsed["status"] < 0,
        duration_seconds=parsed["duration_seconds"],
        load_seconds=parsed["load_seconds"],
        size_bytes=parsed["size_bytes"],
    )


def _first_bad(columns: dict[str, Sequence[str]]) -> _BadRowError:
    for row, values in enumerate(zip(*columns.values(), strict=True)):
        for name, value in zip(columns, values, strict=True):
            try:
                _PARSERS[name]([value])
            except ValueError as error:
                return _BadRowError(row, f"{name} is {_shown(value)}, expected {error}")
    raise AssertionError("a chunk was refused of which every value is taken")


def _timestamps(values: Sequence[str]) -> Floats:
    try:
        times = np.array(values, dtype=np.float64)
    except ValueError:
        times = np.array([_timestamp(value) for value in values], dtype=np.float64)
    if not np.all((times >= 0) & (times <= _LATEST_SECONDS)):
        raise ValueError("seconds (not milliseconds) since 1970, before the year 2100")
    return times


def _timestamp(value: str) -> float:
    value = value.strip()
    if _RFC_3339.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).timestamp()
        except ValueError:
            pass
    try:
        return float(value)
    except ValueError:
        raise ValueError("Unix seconds or RFC 3339 with an offset, such as 2026-01-31T12:00:00Z") from None


def _models(values: Sequence[str]) -> list[str]:
    stripped = [value.strip() for value in values]
    if not all(name and name.isprintable() for name in set(stripped)):
        raise ValueError("a name of printable characters")
    return stripped


def _statuses(values: Sequence[str]) -> Floats:
    try:
        return np.array([_STATUS[value.strip().lower()] for value in values])
    except KeyError:
        raise ValueError("ok, error or unknown") from None


def _amounts(values: Sequence[str]) -> Floats:
    try:
        amounts = np.array([value.strip() or "nan" for value in values], dtype=np.float64)
    except ValueError:
        raise ValueError("a number or nothing") from None
    if np.any((amounts < 0) | (amounts > _LARGEST)):
        raise ValueError(f"a number from 0 to {_LARGEST:g}, or nothing")
    return amounts


_PARSERS: dict[str, Callable[[Sequence[str]], Any]] = {
    "timestamp": _timestamps,
    "model": _models,
    "status": _statuses,
    "duration_seconds": _amounts,
    "load_seconds": _amounts,
    "size_bytes": _amounts,
}


def _line_of(text: str, row: int) -> int:
    """Return the line that a row begins in; quoted fields may hold line breaks."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    next(rows)
    line = rows.line_num
    for values in rows:
        if values and not row:
            break
        row -= bool(values)
        line = rows.line_num
    return line + 1


def _join(chunks: list[EventColumns]) -> EventColumns:
    chunks = chunks or [_parse([], list(REQUIRED))]
    columns: dict[str, Any] = {}
    for column in fields(EventColumns):
        parts = [getattr(chunk, column.name) for chunk in chunks]
        columns[column.name] = (
            [name for part in parts for name in part] if column.name == "model" else np.concatenate(parts)
        )
    return EventColumns(**columns)


def _shown(value: str) -> str:
    cut = value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…"
    # ascii() keeps control characters and line breaks out of a message that is to be one line.
    return ascii(cut)
