"""Answers are judged in one place: what went wrong, and whether less might have been answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from genotel.errors import ServerError
from genotel.prometheus_api.client import PrometheusClient, TooMuchError
from genotel.prometheus_api.series import Body, Series
from genotel.prometheus_api.transport import Answer


class FakeTransport:
    """Answer every question in the same way and remember what was asked."""

    address = "http://prometheus.example"

    def __init__(self, status: int, body: str, content_type: str = "application/json") -> None:
        self.answer = (status, body.encode(), content_type)
        self.asked: list[tuple[str, dict[str, str]]] = []

    @contextmanager
    def ask(self, path: str, fields: Mapping[str, str]) -> Iterator[Answer]:
        """Yield the answer."""
        self.asked.append((path, dict(fields)))
        status, body, content_type = self.answer
        yield Answer(status, content_type, iter([body]))


RESULT = '{"resultType":"vector","result":[{"metric":{"m":"a"},"value":[5,"7"]}]}'
GOOD = '{"status":"success","data":' + RESULT + ',"warnings":["w"]}'


def ask(transport: FakeTransport, query: str = "up") -> tuple[list[Series], Body]:
    """Ask for one moment."""
    with PrometheusClient(transport).instant(query, 1700000000.5) as (series, body):
        return list(series), body


def test_questions_name_their_moments() -> None:
    """To the millisecond; one moment or many."""
    transport = FakeTransport(200, GOOD)
    (series,), body = ask(transport)
    assert (series.labels, series.values.tolist(), body.warnings) == ({"m": "a"}, [7.0], ("w",))
    with PrometheusClient(transport).span("up", 1.0, 61.0, 60.0) as (found, _):
        assert len(list(found)) == 1
    assert transport.asked == [
        ("/api/v1/query", {"query": "up", "time": "1700000000.500"}),
        ("/api/v1/query_range", {"query": "up", "start": "1.000", "end": "61.000", "step": "60.000"}),
    ]


def refusal(error: str) -> str:
    """Return how Prometheus says no."""
    return '{"status":"error","errorType":"x","error":"' + error + '"}'


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (
            400,
            refusal("exceeded maximum resolution of 11,000 points"),
        ),
        (422, refusal("query processing would load too many samples into memory in query execution")),
        (503, refusal("query timed out in expression evaluation")),
        (429, refusal("too many outstanding requests")),
        (429, "slow down"),
        (504, "<html>Gateway Time-out</html>"),
        (413, "too large"),
        (422, '{"status":"error","errorType":"422","error":"the query hit the max number of series limit"}'),
    ],
)
def test_what_was_too_much_is_told_apart(status: int, body: str) -> None:
    """A shorter question may be answered."""
    with pytest.raises(TooMuchError) as caught:
        ask(FakeTransport(status, body))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("status", "body", "content_type", "message"),
    [
        (
            400,
            refusal("1:3: parse error: unexpected end"),
            "application/json",
            "status 400: 1:3: parse error",
        ),
        (
            401,
            "Unauthorized",
            "text/plain",
            "status 401: it wants to know who asks; give a user",
        ),
        (401, refusal("no org id"), "application/json", "status 401: no org id; it wants to know who asks"),
        (403, "", "text/plain", "status 403: it refuses whoever asks so"),
        (404, "404 page not found", "text/plain", "status 404: there is no Prometheus API at this address"),
        (405, "", "text/plain", "status 405: it does not take questions by POST"),
        (302, "<a href='/login'>Found</a>", "text/html", "status 302: it sends us to another address; give that one"),
        (200, "<html>Grafana</html>", "text/html; charset=utf-8", "status 200: it answers with a web page"),
        (
            200,
            '{"hello": 1}',
            "application/json",
            "status 200: the answer cannot be read: it is JSON",
        ),
        (500, refusal(""), "application/json", "status 500: it gave no reason"),
        (200, refusal("odd"), "application/json", "status 200: odd"),
    ],
)
def test_a_refusal_is_one_line_with_address_reason_and_question(
    status: int, body: str, content_type: str, message: str
) -> None:
    """Nothing of the server's page, nothing of a stack."""
    with pytest.raises(ServerError) as caught:
        ask(FakeTransport(status, body, content_type), query="sum(\n  up)")
    text = str(caught.value)
    assert not isinstance(caught.value, TooMuchError)
    assert text.startswith(f"http://prometheus.example: {message}")
    assert text.endswith("(asked: sum( up))")
    assert "\n" not in text


def test_long_questions_and_reasons_are_cut() -> None:
    """A line stays a line."""
    with pytest.raises(ServerError) as caught:
        ask(FakeTransport(500, refusal("x" * 5000)), query="y" * 5000)
    assert len(str(caught.value)) < 500
