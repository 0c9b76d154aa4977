"""A history from a server: what other servers say beside Prometheus, and one clear line for what goes wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from genotel.clock import Clock
from genotel.errors import ServerError
from genotel.history.from_prometheus import Prometheus
from genotel.history.server_tables import increases
from genotel.history.usage import UsageHistory
from tests.answering import Said, answering

HOUR = 3600.0
NOW = 1_735_516_800.0 + 20 * 86_400 + 12 * HOUR
CLOCK = Clock(wall=lambda: NOW)


class Store:
    """Answer as a store that holds one server with two models for ten days, of which one is used daily.

    Args:
        down: hours before now in which the server did not answer.
        extra: put into every answer beside its data.
        headers: headers that must be there, else 401.
        use_gzip: whether bodies are compressed.
        has_up: whether anybody counts the scrapes.
    """

    def __init__(
        self,
        *,
        down: frozenset[int] = frozenset(),
        extra: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        use_gzip: bool = False,
        has_up: bool = True,
    ) -> None:
        self.has_up = has_up
        self.down, self.extra, self.headers, self.use_gzip = down, extra or {}, headers or {}, use_gzip
        self.asked: list[str] = []

    def __call__(self, path: str, form: dict[str, str], headers: dict[str, str]) -> Said:
        if any(headers.get(name) != value for name, value in self.headers.items()):
            return Said(401, b"no org id", {"Content-Type": "text/plain"})
        self.asked.append(form["query"])
        if path.endswith("/query_range"):
            start, end, step = (float(form[name]) for name in ("start", "end", "step"))
            times = np.arange(start, end + 1, step)
        else:
            times = np.array([float(form["time"])])
        key = "values" if path.endswith("/query_range") else "value"
        result = []
        for metric, values in self.series(form["query"], times):
            pairs = [[float(t), str(v)] for t, v in zip(times, values, strict=True) if np.isfinite(v)]
            if pairs:
                result.append({"metric": metric, key: pairs if key == "values" else pairs[0]})
        kind = "matrix" if key == "values" else "vector"
        body = json.dumps({"status": "success", "data": {"resultType": kind, "result": result}, **self.extra}).encode()
        if self.use_gzip:
            return Said(200, gzip.compress(body), {"Content-Type": "application/json", "Content-Encoding": "gzip"})
        return Said(200, body)

    def series(self, query: str, times: np.ndarray) -> list[tuple[dict[str, str], np.ndarray]]:
        """Return labels and values of a query, known by the words it begins with."""
        server = {"job": "app", "instance": "a:1"}
        model = "gen_ai_request_model"
        begin = NOW - 10 * 86_400
        is_there = (times >= begin) & (times <= NOW + 86_400)
        held = np.where(is_there, np.floor((times - begin) / 86_400), np.nan)
        series = [
            ({**server, model: name, "genotel_outcome": "ok"}, values)
            for name, values in (("daily", held), ("idle", held * 0))
        ]
        if query.startswith("count("):
            return [({}, np.where(is_there, 2.0, np.nan))]
        if query.startswith("max_over_time"):
            return series if "genotel_generation_requests_total" in query else []
        if query.startswith("avg by") and not self.has_up:
            return []
        if query.startswith("avg by"):
            ago = np.round((NOW - times) / HOUR)
            return [(server, np.where(is_there, np.where(np.isin(ago, list(self.down)), 0.0, 1.0), np.nan))]
        if "resets" in query or "model_size" in query or "load_duration" in query or "_duration_" in query:
            return []
        if query.startswith("last_over_time"):
            return series
        return []


def read(url: str, **options: object) -> UsageHistory:
    """Return the history."""
    return Prometheus(url, clock=CLOCK, days=15, timeout_seconds=5, **options).load_usage()


def test_the_history_begins_with_what_the_store_holds() -> None:
    """Ten days of it, all of them observed, with one use a day; the model that was never used is known."""
    with answering(Store()) as url:
        history = read(url)
    assert history.models == ("daily", "idle")
    assert history.span_days == pytest.approx(10, abs=0.1)
    assert history.observed_ratio == 1.0
    assert history.total("requests").tolist() == [10, 0]
    assert history.total("succeeded").tolist() == [10, 0]
    assert np.isnan(history.last_used[1])
    assert history.notes == ()


def test_without_counted_scrapes_the_days_with_samples_are_observed() -> None:
    """Remote writing has no scrapes; a day on which the server told nothing is hidden."""
    with answering(Store(has_up=False)) as url:
        history = read(url)
    assert history.observed_ratio == 1.0
    assert history.models == ("daily", "idle")


def test_a_server_that_did_not_answer_hides_the_hour() -> None:
    """Absence of telemetry is not absence of use."""
    with answering(Store(down=frozenset({30, 31}))) as url:
        history = read(url)
    assert np.flatnonzero(~history.observed).tolist() == [len(history.observed) - 33, len(history.observed) - 32]


@pytest.mark.parametrize(
    "extra", [{"warnings": ["fetch series: no store answered for part of the range"]}, {"isPartial": True}]
)
def test_a_partial_answer_observes_nothing_and_says_so(extra: dict[str, object]) -> None:
    """Thanos says it with a warning, VictoriaMetrics with a field: low demand is no conclusion."""
    with answering(Store(extra=extra)) as url:
        history = read(url)
    assert history.observed_ratio == 0.0
    assert "missing" in history.notes[0]


def test_notes_of_the_query_language_take_nothing() -> None:
    """Prometheus 3 tells how a query might be meant."""
    with answering(Store(extra={"infos": ["PromQL info: metric might not be a counter"]})) as url:
        assert read(url).observed_ratio == 1.0


def test_compressed_answers_are_read() -> None:
    """As any server may send them."""
    with answering(Store(use_gzip=True)) as url:
        assert read(url).total("requests").tolist() == [10, 0]


def test_a_tenant_and_headers_are_sent(tmp_path: Path) -> None:
    """Mimir answers 401 without a tenant; with it and a token it answers."""
    token = tmp_path / "token"
    token.write_text("secret\n")
    store = Store(headers={"X-Scope-OrgID": "lab", "Authorization": "Bearer secret", "X-More": "1"})
    with answering(store) as url:
        with pytest.raises(ServerError, match="wants to know who asks; give a user, a bearer token or a tenant"):
            read(url)
        history = read(f"{url}/prefix", tenant="lab", bearer_token_file=token, headers={"X-More": "1"})
    assert history.models == ("daily", "idle")


def test_an_empty_store_is_an_empty_history() -> None:
    """Nothing was scraped yet: a value, no error."""
    empty = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": []}}).encode()
    with answering(lambda *_: Said(200, empty)) as url:
        assert not read(url).has_data


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (Said(200, b"<html><body>Log in</body></html>", {"Content-Type": "text/html"}), "with a web page"),
        (Said(200, b'{"status":"succ'), "half of it"),
        (Said(404, b"404 page not found", {"Content-Type": "text/plain"}), "path prefix"),
        (Said(500, b'{"status":"error","errorType":"internal","error":"disk\\nfull"}'), "disk full"),
        (Said(302, b"", {"Location": "http://elsewhere/"}), "sends us to another address"),
    ],
)
def test_what_a_server_refuses_is_one_line(said: Said, message: str) -> None:
    """With the address, and never with a line break of the server's."""
    with answering(lambda *_: said) as url, pytest.raises(ServerError) as caught:
        read(url)
    assert message in str(caught.value)
    assert url in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_overloaded_server_is_asked_again_when_it_says() -> None:
    """429 with Retry-After, once, before its answers."""
    store, refused = Store(), []

    def answer(path: str, form: dict[str, str], headers: dict[str, str]) -> Said:
        if not refused:
            refused.append(path)
            return Said(429, b"slow down", {"Retry-After": "0"})
        return store(path, form, headers)

    with answering(answer) as url:
        assert read(url).models == ("daily", "idle")


def test_nobody_there_is_one_line() -> None:
    """A wrong port."""
    with answering(Store()) as url:
        pass
    with pytest.raises(ServerError, match="nothing answers there"):
        Prometheus(url, timeout_seconds=0.2).load_usage()


def test_increases_know_restarts_and_births() -> None:
    """What is held less than before began anew; of the time before the first moment nothing is known."""
    added, is_added = increases(np.array([[5.0, 5.0, 2.0], [np.nan, 3.0, 4.0]]))
    assert added.tolist() == [[0, 0, 2], [0, 3, 1]]
    assert is_added.tolist() == [[False, False, True], [False, True, True]]


class Timed(Store):
    """Answer as a store that knows durations too: 3 s a call, five calls a day, counted at each hour's end."""

    def series(self, query: str, times: np.ndarray) -> list[tuple[dict[str, str], np.ndarray]]:
        """Return labels and values of a query."""
        name = "gen_ai_client_operation_duration_seconds"
        begin = NOW - 10 * 86_400
        for part, factor in (("count", 5.0), ("sum", 15.0)):
            if query.startswith("last_over_time") and f"{name}_{part}{{" in query:
                held = np.where((times >= begin) & (times <= NOW + 86_400), np.floor((times - begin) / 86_400), np.nan)
                labels = {"__name__": f"{name}_{part}", "job": "app", "instance": "a:1"}
                return [({**labels, "gen_ai_request_model": "daily"}, held * factor)]
        return super().series(query, times)


def test_durations_are_read_by_hour_or_where_there_are_many_by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seconds and counts, in an hour with a call."""
    with answering(Timed()) as url:
        by_hour = read(url)
        monkeypatch.setattr("genotel.history.server_seconds.HOURLY_POINTS", 0)
        by_day = read(url)
    assert by_hour.total("timed").tolist() == [50, 0]
    assert by_hour.total("duration_seconds").tolist() == [150, 0]
    assert by_day.total("timed").tolist() == [50, 0]
    assert by_day.total("duration_seconds").tolist() == [150, 0]
    is_timed = by_day.hourly.timed > 0
    assert np.all(by_day.hourly.requests[is_timed][:-1] > 0)


def test_who_counted_is_told_for_each_model() -> None:
    """By name of the source."""
    with answering(Store()) as url:
        assert read(url).measured_by == ("genotel", "genotel")
        assert read(url, sources=("vllm",)).has_data is False
