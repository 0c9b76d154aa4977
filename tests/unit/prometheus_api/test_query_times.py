"""How long questions took, by whether they were answered."""

from __future__ import annotations

import pytest

from genotel.clock import Clock
from genotel.errors import ServerError
from genotel.prometheus_api import transport
from genotel.prometheus_api.access import ServerAccess
from genotel.prometheus_api.client import PrometheusClient
from genotel.prometheus_api.query_times import QueryTimes
from genotel.prometheus_api.transport import HttpTransport
from tests.answering import Said, answering


def test_a_question_falls_into_its_bucket_by_its_result() -> None:
    """Answered ones and refused ones are told apart; a refusal still raises."""
    now = [0.0]
    times = QueryTimes(Clock(monotonic=lambda: now[0]))
    with times.measured():
        now[0] += 0.03
    with pytest.raises(ValueError, match="refused"):
        _refused(times, now)
    (ok, ok_counts, ok_sum), (error, error_counts, error_sum) = times.snapshot()
    assert (ok, error) == ("ok", "error")
    assert ok_counts[2] == sum(ok_counts) == 1
    assert error_counts[-1] == sum(error_counts) == 1
    assert ok_sum == pytest.approx(0.03)
    assert error_sum == pytest.approx(1e9)


def _refused(times: QueryTimes, now: list[float]) -> None:
    with times.measured():
        now[0] += 1e9
        raise ValueError("refused")


def test_questions_over_the_wire_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the question to the last byte; one that the server refuses is an error once it is read."""
    times = QueryTimes()
    monkeypatch.setattr(transport, "QUERY_TIMES", times)
    empty = b'{"status":"success","data":{"resultType":"vector","result":[]}}'
    answers = [Said(200, empty), Said(422, b'{"status":"error","errorType":"x","error":"no"}')]
    with answering(lambda *_: answers.pop(0)) as url:
        client = PrometheusClient(HttpTransport(ServerAccess(url=url)))
        with client.instant("up", 0.0) as (series, _):
            assert list(series) == []
        with pytest.raises(ServerError), client.instant("up", 0.0) as (series, _):
            list(series)
    assert [(result, sum(counts)) for result, counts, _ in times.snapshot()] == [("ok", 1), ("error", 1)]
