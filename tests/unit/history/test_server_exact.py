"""Hours in which a server began anew are counted in short windows, as short as its scrapes allow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from genotel.errors import ServerError
from genotel.history.server_days import KnownDays
from genotel.history.server_exact import exact_tables
from genotel.history.server_tables import Moments
from genotel.prometheus_api.access import ServerAccess
from genotel.prometheus_api.chunking import Table
from genotel.prometheus_api.client import Notes, PrometheusClient
from genotel.prometheus_api.transport import HttpTransport
from genotel.promql.usage_sources import OURS
from tests.answering import Said, answering

HOUR = 3600.0
FIRST = 1_735_516_800.0
SERVER = ("app", "a:1")
LABELS = {"job": "app", "instance": "a:1", "gen_ai_request_model": "sdxl", "genotel_outcome": "ok"}


class Store:
    """Answer with one call in each window, and with the number of scrapes in a window.

    Args:
        scrape_seconds: time between two scrapes.
        is_other: whether it is VictoriaMetrics.
        is_empty: whether it knows no calls.
    """

    def __init__(self, scrape_seconds: float, *, is_other: bool = False, is_empty: bool = False) -> None:
        self.scrape_seconds, self.is_other, self.is_empty = scrape_seconds, is_other, is_empty
        self.asked: list[dict[str, str]] = []

    def __call__(self, path: str, form: dict[str, str], headers: dict[str, str]) -> Said:
        query = form["query"]
        if "default 0" in query and not self.is_other:
            return Said(400, b'{"status":"error","errorType":"bad_data","error":"parse error"}')
        self.asked.append(form)
        times = [float(form["time"])] if path.endswith("/query") else []
        if not times:
            start, end, step = (float(form[name]) for name in ("start", "end", "step"))
            times = np.arange(start, end + 1, step).tolist()
        window = {"[10s]": 10, "[1m]": 60, "[10m]": 600, "[1h]": 3600}
        seconds = next((length for text, length in window.items() if text in query), 3600)
        is_scrapes = "count_over_time(up" in query
        value = seconds // self.scrape_seconds if is_scrapes else 1
        rows = ",".join(f'[{time},"{value}"]' for time in times)
        labels = "{}" if is_scrapes else str(LABELS).replace("'", '"')
        key = f'"value":{rows}' if path.endswith("/query") else f'"values":[{rows}]'
        series = "" if self.is_empty and not is_scrapes else f'{{"metric":{labels},{key}}}'
        return Said(200, f'{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}'.encode())


def ask(
    store: Callable[..., Said], *, series: int = 1, now: float = FIRST + 3 * HOUR, uncertain: int = 2
) -> list[Table]:
    """Return what is counted in one hour in which the server began anew."""
    moments = Moments(FIRST, now)
    days = Table((LABELS,) * series, np.array([FIRST]), np.ones((series, 1)), Notes())
    known = KnownDays(OURS, OURS.counters[0], days)
    is_uncertain = np.zeros((1, len(moments.times)), dtype=bool)
    is_uncertain[0, uncertain] = True
    with answering(store) as url:
        transport = HttpTransport(ServerAccess(url=url))
        try:
            found = exact_tables(
                PrometheusClient(transport), moments, known, [()], [SERVER], is_uncertain, is_uncertain.copy()
            )
        finally:
            transport.close()
    assert all(is_meant.all() for _, is_meant in found)
    return [table for table, _ in found]


@pytest.mark.parametrize(
    ("scrape_seconds", "windows"), [(1, 1800), (15, 120), (60, 30), (120, 15), (1000, 1), (3600, 1)]
)
def test_windows_hold_two_scrapes(scrape_seconds: float, windows: int) -> None:
    """As many of them as fit into the hour, and their sum is the hour's."""
    (table,) = ask(Store(scrape_seconds))
    assert table.times.tolist() == [FIRST + 2 * HOUR]
    assert table.values.tolist() == [[windows]]


def test_many_series_are_asked_for_in_fewer_windows() -> None:
    """A server needs time for each value: fifty thousand series have four windows an hour."""
    (table,) = ask(Store(15), series=50_000)
    assert table.values.tolist() == [[4]]


def test_nothing_counted_is_nothing() -> None:
    """An hour without a series has no row."""
    (table,) = ask(Store(15, is_empty=True))
    assert table.values.shape == (0, 1)


def test_the_hour_that_has_not_ended_is_counted_up_to_now() -> None:
    """In windows from the last full hour, and what is left over."""
    store = Store(60)
    (table,) = ask(store, now=FIRST + 3 * HOUR + 250, uncertain=4)
    assert table.times.tolist() == [FIRST + 3 * HOUR + 250]
    # Two windows of 120 s hold one each; of the 10 s left, a longer window less the window is none.
    assert sum(table.values[:, 0].tolist()) == 2


def test_victoria_metrics_is_asked_in_its_own_words() -> None:
    """It alone answers the probe."""
    for is_other, function in ((True, "increase_prometheus("), (False, "increase(")):
        store = Store(15, is_other=is_other)
        ask(store)
        assert any(f"round({function}" in form["query"] for form in store.asked)


def test_nothing_uncertain_asks_nothing() -> None:
    """Nobody is asked."""
    moments = Moments(FIRST, FIRST + HOUR)
    known = KnownDays(OURS, OURS.counters[0], Table((), np.zeros(0), np.zeros((0, 0)), Notes()))
    none = np.zeros((1, 2), dtype=bool)
    client = PrometheusClient(HttpTransport(ServerAccess(url="http://127.0.0.1:9")))
    assert exact_tables(client, moments, known, [()], [SERVER], none, none) == []


def test_a_server_that_is_gone_is_an_error() -> None:
    """The probe's fault is not taken for an answer."""
    with pytest.raises(ServerError):
        ask(lambda *_: Said(403, b"{}"))
