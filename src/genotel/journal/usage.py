"""Sums by hour and by day: the rollups, with what they do not hold yet counted from the rows."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

from genotel.journal.rollup import DAY_SECONDS, HOUR_SECONDS
from genotel.journal.rows import DailyUsage, HourlyUsage
from genotel.journal.settling import UNIQUE_BY_DAY, UNIQUE_BY_HOUR, peak_hours

_Usage = TypeVar("_Usage", HourlyUsage, DailyUsage)

_HOURLY_COLUMNS = ", ".join(HourlyUsage._fields)
_FOR_EVER = 2**62


def hourly(
    connection: sqlite3.Connection, since: float | None, until: float | None, model: str | None, dead: Collection[int]
) -> Iterator[HourlyUsage]:
    """Yield the sums of every hour in the window, by hour, model and operation.

    Args:
        connection: the journal.
        since: the first hour, Unix seconds; None for the first there is.
        until: the hour after the last; None for the last there is.
        model: only this one; None for all.
        dead: sessions whose running calls count as killed.
    """
    where, values = _where("hour", since, until, model)
    unsettled = connection.execute(
        f"SELECT DISTINCT hour FROM hourly WHERE settled = 0 AND {where}",  # noqa: S608  # our own names
        values,
    ).fetchall()
    unique = {
        (hour, name, operation): count
        for (hour,) in unsettled
        for name, operation, count in connection.execute(UNIQUE_BY_HOUR, (hour, hour + HOUR_SECONDS))
    }
    killed: Counter[tuple[int, str, str]] = Counter()
    for started_at, name, operation in _killed(connection, dead):
        killed[int(started_at - started_at % HOUR_SECONDS), name, operation] += 1
    extra = [HourlyUsage(*key, *(0, 0, 0), count, 0, 0.0, None, None, 0, 0.0, 0, 0) for key, count in killed.items()]
    rows = connection.execute(
        f"SELECT {_HOURLY_COLUMNS} FROM hourly WHERE {where} ORDER BY hour, model, operation",  # noqa: S608  # as above
        values,
    )
    merged = _merged(map(HourlyUsage._make, rows), _in_window(extra, since, until, model), 3)
    if not unique:
        yield from merged
        return
    for row in merged:
        counted = unique.get(row[:3], 0)
        yield row._replace(unique_prompts=counted) if counted > row.unique_prompts else row


def daily(
    connection: sqlite3.Connection, since: float | None, until: float | None, model: str | None, dead: Collection[int]
) -> Iterator[DailyUsage]:
    """Yield the sums of every UTC day in the window, by day and model; arguments as in :func:`hourly`."""
    where, values = _where("day", since, until, model)
    unsettled = [
        day
        for (day,) in connection.execute(
            f"SELECT DISTINCT day FROM daily WHERE settled = 0 AND {where}",  # noqa: S608  # our own names
            values,
        )
    ]
    unique = {
        (day, name): count
        for day in unsettled
        for name, count in connection.execute(UNIQUE_BY_DAY, (day, day + DAY_SECONDS))
    }
    peaks: dict[tuple[int, str], tuple[int, int]] = {}
    for day in unsettled:
        peaks |= peak_hours(connection, day, day + DAY_SECONDS)
    killed: Counter[tuple[int, str]] = Counter()
    for started_at, name, _ in _killed(connection, dead):
        killed[int(started_at - started_at % DAY_SECONDS), name] += 1
    extra = [DailyUsage(*key, *(0, 0, 0), count, 0, 0.0, None, None, 0) for key, count in killed.items()]
    rows = connection.execute(
        "SELECT day, model, total, ok, failed, killed, timed, total_seconds, "  # noqa: S608  # as above
        "CASE WHEN timed > 0 THEN total_seconds / timed END, peak_hour, unique_prompts "
        f"FROM daily WHERE {where} ORDER BY day, model",
        values,
    )
    for row in _merged(map(DailyUsage._make, rows), _in_window(extra, since, until, model), 2):
        key = (row.day, row.model)
        calls, peak = peaks.get(key, (0, None))
        yield row._replace(
            unique_prompts=max(row.unique_prompts, unique.get(key, 0)),
            # Hours that are no longer there (retention) must not change what was known of their day.
            peak_hour=peak if calls == row.total and calls else row.peak_hour,
        )


def _killed(connection: sqlite3.Connection, dead: Collection[int]) -> Iterator[tuple[float, str, str]]:
    for session in dead:
        yield from connection.execute(
            "SELECT started_at, model, operation FROM calls WHERE outcome IS NULL AND session = ?", (session,)
        )


def _merged(rows: Iterable[_Usage], extra: list[_Usage], key_length: int) -> Iterable[_Usage]:
    return _woven(rows, extra, key_length) if extra else rows


def _woven(rows: Iterable[_Usage], extra: list[_Usage], key_length: int) -> Iterator[_Usage]:
    # Both are sorted by their first fields; of equal keys the killed calls are added.
    waiting = sorted(extra, key=lambda row: row[:key_length], reverse=True)
    for row in rows:
        while waiting and waiting[-1][:key_length] < row[:key_length]:
            yield waiting.pop()
        if waiting and waiting[-1][:key_length] == row[:key_length]:
            yield row._replace(killed=row.killed + waiting.pop().killed)
        else:
            yield row
    yield from reversed(waiting)


def _in_window(rows: list[_Usage], since: float | None, until: float | None, model: str | None) -> list[_Usage]:
    begin, end = -1 if since is None else since, _FOR_EVER if until is None else until
    return [row for row in rows if begin <= row[0] < end and model in (None, row.model)]


def _where(column: str, since: float | None, until: float | None, model: str | None) -> tuple[str, list[object]]:
    given = {f"{column} >= ?": since, f"{column} < ?": until, "model = ?": model}
    given = {condition: value for condition, value in given.items() if value is not None}
    return " AND ".join(given) or "TRUE", list(given.values())
