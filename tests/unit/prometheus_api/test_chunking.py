"""Long spans are read in pieces, which are halved where a server asks for less."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import pytest

from genotel.errors import ServerError
from genotel.prometheus_api import chunking
from genotel.prometheus_api.chunking import read_span
from genotel.prometheus_api.client import PrometheusClient
from genotel.prometheus_api.transport import MAX_CONNECTIONS, Answer

START, STEP = 1_700_000_000.0, 3600.0


class FakeServer:
    """Answer spans of up to ``limit`` moments with the numbers of the moments; refuse longer ones.

    Args:
        limit: moments.
        series: how many series there are.
        spoil: changes an answer.
    """

    address = "http://prometheus.example"

    def __init__(self, limit: int, series: int = 2, spoil: Callable[[dict[str, object]], None] | None = None) -> None:
        self.limit, self.series, self.spoil = limit, series, spoil
        self.sizes: list[int] = []
        self.running = self.most_running = 0
        self._lock = threading.Lock()

    @contextmanager
    def ask(self, path: str, fields: Mapping[str, str]) -> Iterator[Answer]:
        """Yield the answer, or a refusal in Prometheus' words."""
        start, end, step = (float(fields[name]) for name in ("start", "end", "step"))
        moments = round((end - start) / step) + 1
        with self._lock:
            self.sizes.append(moments)
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            if moments > self.limit:
                yield Answer(422, "", iter([b'{"status":"error","errorType":"execution","error":"too many samples"}']))
                return
            result = [
                {
                    "metric": {"model": f"m{number}"},
                    # The second half of the series has a hole at every third moment.
                    "values": [
                        [start + step * k, str((start + step * k) / step + number)]
                        for k in range(moments)
                        if number < self.series / 2 or round((start + step * k) / step) % 3
                    ],
                }
                for number in range(self.series)
            ]
            answer: dict[str, object] = {"status": "success", "data": {"resultType": "matrix", "result": result}}
            if self.spoil is not None:
                self.spoil(answer)
            yield Answer(200, "application/json", iter([json.dumps(answer, separators=(",", ":")).encode()]))
        finally:
            with self._lock:
                self.running -= 1


def check(table: chunking.Table, hours: int, series: int) -> None:
    """Assert that every value is the one of its moment, and holes are NaN."""
    assert len(table.times) == hours
    assert np.all(table.times % STEP == 0)
    assert len(table.labels) == series
    for labels, values in zip(table.labels, table.values, strict=True):
        number = int(labels["model"][1:])
        expected = table.times / STEP + number
        if number >= series / 2:
            expected = np.where(np.rint(table.times / STEP) % 3, expected, np.nan)
        np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("limit", [10_000, 100, 7, 1])
def test_pieces_make_one_table_whatever_the_limit(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Asked in pieces of fifty, and in halves of them down to one moment."""
    monkeypatch.setattr(chunking, "MAX_MOMENTS", 50)
    server = FakeServer(limit, series=200)
    table = read_span(PrometheusClient(server), "up", START, START + 130 * STEP, STEP)
    check(table, 130, 200)
    assert server.most_running <= MAX_CONNECTIONS
    assert max(server.sizes) <= 50


def test_thirty_days_by_the_hour_are_one_question() -> None:
    """Nothing is split that need not be."""
    server = FakeServer(11_000)
    read_span(PrometheusClient(server), "up", START, START + 720 * STEP, STEP)
    assert server.sizes == [720]


def test_many_series_are_asked_for_in_shorter_pieces() -> None:
    """Ten thousand of them for 30 days in three, so that a server answers them beside each other."""
    server = FakeServer(limit=10_000)
    table = read_span(PrometheusClient(server), "q", START, START + 719 * STEP, STEP, series=10_000)
    assert sorted(server.sizes)[1:] == [250, 250]
    assert sum(server.sizes) == len(table.times) == table.values.shape[1]
    assert np.isfinite(table.values[0]).all()


def test_a_single_moment_has_a_table_too() -> None:
    """From one multiple of the step to itself."""
    check(read_span(PrometheusClient(FakeServer(5)), "up", 7200.0, 7200.0, STEP), 1, 2)


def test_a_server_that_cannot_answer_one_moment_is_an_error() -> None:
    """Halving ends there."""
    with pytest.raises(ServerError, match="too many samples"):
        read_span(PrometheusClient(FakeServer(0)), "up", START, START + 9 * STEP, STEP)


def test_warnings_and_missing_parts_are_collected() -> None:
    """Once each, from every piece."""

    def spoil(answer: dict[str, object]) -> None:
        answer["warnings"] = ["one store is away"]
        answer["isPartial"] = True

    table = read_span(PrometheusClient(FakeServer(3, spoil=spoil)), "up", START, START + 9 * STEP, STEP)
    assert table.notes.warnings == ("one store is away",)
    assert table.notes.is_partial


@pytest.mark.parametrize("shift", [1.0, 2 * STEP, -2 * STEP])
def test_answers_for_other_moments_are_refused(shift: float) -> None:
    """A value in a wrong hour would be worse than none."""

    def spoil(answer: dict[str, object]) -> None:
        for series in answer["data"]["result"]:
            series["values"] = [[series["values"][0][0] + shift, "1"]]

    with pytest.raises(ServerError, match="other moments than it was asked for"):
        read_span(PrometheusClient(FakeServer(1, spoil=spoil)), "up", START, START + STEP, STEP)
