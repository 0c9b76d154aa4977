"""Read long spans in pieces that a server can answer, a few at a time, into one table.

Pieces are cut on multiples of the step, so that no moment is asked for twice and caches before a
server can keep them. A piece that is still too large is halved until it is one moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from genotel.errors import ServerError
from genotel.prometheus_api.client import Notes, PrometheusClient, TooMuchError
from genotel.prometheus_api.series import Floats, Series
from genotel.prometheus_api.transport import MAX_CONNECTIONS

# Prometheus refuses more than 11,000 moments; others refuse less and say so.
MAX_MOMENTS = 10_000
# A twentieth of the samples that a default Prometheus answers with at most.
VALUES_A_PIECE = 2_500_000
_FEWEST_MOMENTS = 12
# A server answers at the moments it was asked for; this much may be lost in printing them.
_MOMENT_SLACK = 1e-3
_FIRST_ROWS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Hold the values of N series at T moments.

    Attributes:
        labels: of each series, N of them.
        times: shape (T,), Unix seconds.
        values: shape (N, T); NaN where a series had none.
        notes: what the server said beside it.
    """

    labels: tuple[dict[str, str], ...]
    times: Floats
    values: Floats
    notes: Notes


def read_span(client: PrometheusClient, query: str, start: float, end: float, step: float, *, series: int = 1) -> Table:
    """Ask for every multiple of ``step`` seconds from ``start`` to ``end``, Unix times.

    Args:
        client: the server.
        query: PromQL.
        start: earliest moment; the first one asked for is the next multiple of the step.
        end: latest moment.
        step: seconds between two moments.
        series: how many there are about, where that is known: many are asked for in shorter pieces, which
            a server answers beside each other.

    Raises:
        ServerError: the server could not be reached, refused the question, or cannot answer even for
            one moment.
    """
    first, last = int(-(-start // step)), int(end // step)
    times = np.arange(first, last + 1) * np.float64(step)
    table = _GrowingTable(times)
    length = min(MAX_MOMENTS, max(_FEWEST_MOMENTS, VALUES_A_PIECE // max(series, 1)))
    pieces = [(begin, min(begin + length, len(times))) for begin in range(0, len(times), length)]
    with ThreadPoolExecutor(max_workers=MAX_CONNECTIONS, thread_name_prefix="genotel-read") as pool:
        # list() raises the first error; the pool then waits for what is still on its way.
        list(pool.map(lambda piece: _read(client, query, step, table, *piece), pieces))
    return table.finished()


def _read(client: PrometheusClient, query: str, step: float, table: _GrowingTable, begin: int, end: int) -> None:
    times = table.times
    try:
        with client.span(query, float(times[begin]), float(times[end - 1]), step) as (series, body):
            # A piece that fails half-way is read again in halves, which write the same values again.
            for one in series:
                table.add(one, client.address)
            table.note(body.warnings, body.is_partial)
    except TooMuchError:
        if end - begin == 1:
            raise
        middle = (begin + end) // 2
        _read(client, query, step, table, begin, middle)
        _read(client, query, step, table, middle, end)


@dataclass(slots=True, eq=False)
class _GrowingTable:
    """Take series from several threads, each for some of the moments."""

    times: Floats
    _values: Floats = field(init=False)
    _rows: dict[tuple[tuple[str, str], ...], int] = field(default_factory=dict)
    _warnings: dict[str, None] = field(default_factory=dict)
    _is_partial: bool = False
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._values = np.full((_FIRST_ROWS, len(self.times)), np.nan)

    def add(self, series: Series, address: str) -> None:
        first, step = self.times[0], self.times[1] - self.times[0] if len(self.times) > 1 else 1.0
        exact = (series.times - first) / step
        place = np.rint(exact).astype(np.int64)
        is_elsewhere = (np.abs(exact - place) > _MOMENT_SLACK) | (place < 0) | (place >= len(self.times))
        if np.any(is_elsewhere):
            raise ServerError(f"{address}: it answers for other moments than it was asked for")
        key = tuple(sorted(series.labels.items()))
        with self._lock:
            row = self._rows.setdefault(key, len(self._rows))
            if row >= len(self._values):
                more = np.full_like(self._values, np.nan)
                self._values = np.concatenate([self._values, more])
            self._values[row, place] = series.values

    def note(self, warnings: Iterable[str], is_partial: bool) -> None:
        with self._lock:
            self._warnings |= dict.fromkeys(warnings)
            self._is_partial |= is_partial

    def finished(self) -> Table:
        return Table(
            labels=tuple(dict(key) for key in self._rows),
            times=self.times,
            values=self._values[: len(self._rows)],
            notes=Notes(tuple(self._warnings), self._is_partial),
        )
