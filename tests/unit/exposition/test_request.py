"""The strict little parser of request heads."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.exposition.request import (
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_LINE_BYTES,
    BadRequestError,
    find_head_end,
    names_filter,
    parse_head,
)

HOST = b"Host: x\r\n"


def head(line: bytes = b"GET /metrics HTTP/1.1", headers: bytes = HOST) -> bytes:
    """Return a head of this line and these headers."""
    return line + b"\r\n" + headers + b"\r\n"


def refusal(raw: bytes) -> HTTPStatus:
    """Return the status with which a head is refused."""
    with pytest.raises(BadRequestError) as refused:
        parse_head(raw)
    return refused.value.status


def test_request_of_prometheus_is_read() -> None:
    """Method, path, query and headers come out; header names are lower case."""
    request = parse_head(
        head(b"GET /metrics?name[]=up HTTP/1.1", HOST + b"Accept:  text/plain \r\nAccept-Encoding: gzip\r\n")
    )
    assert request.method == "GET"
    assert request.path == "/metrics"
    assert request.query == "name[]=up"
    assert request.headers == {"host": "x", "accept": "text/plain", "accept-encoding": "gzip"}
    assert request.reusable


def test_repeated_headers_are_joined() -> None:
    """Two Accept lines count as one list."""
    assert parse_head(head(headers=HOST + b"Accept: a/b\r\nAccept: c/d\r\n")).headers["accept"] == "a/b, c/d"


def test_bare_line_feeds_are_taken() -> None:
    """A request typed by hand needs no carriage returns."""
    assert parse_head(b"GET / HTTP/1.0\n\n").path == "/"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://localhost:9464/metrics?a=b", "/metrics"),
        (b"HTTP://localhost", "/"),
        (b"https://localhost?a=b", "/"),
        (b"*", "*"),
        (b"metrics", "metrics"),
        (b"//metrics", "//metrics"),
    ],
)
def test_other_forms_of_the_target(target: bytes, path: str) -> None:
    """An absolute target loses its host; the rest is some path that is not found."""
    assert parse_head(head(b"GET " + target + b" HTTP/1.1")).path == path


@pytest.mark.parametrize(
    ("headers", "version", "reusable"),
    [
        (b"", b"1.1", True),
        (b"Connection: close\r\n", b"1.1", False),
        (b"Connection: Keep-Alive, Close\r\n", b"1.1", False),
        (b"", b"1.0", False),
        (b"Content-Length: 0\r\n", b"1.1", True),
        (b"Content-Length: 5\r\n", b"1.1", False),
        (b"Content-Length: 0\r\nContent-Length: 5\r\n", b"1.1", False),
        (b"Content-Length: junk\r\n", b"1.1", False),
        (b"Transfer-Encoding: chunked\r\n", b"1.1", False),
    ],
)
def test_connection_is_reused_only_without_a_body(headers: bytes, version: bytes, reusable: bool) -> None:
    """What may follow a body cannot be told from it, so the connection ends."""
    assert parse_head(head(b"GET / HTTP/" + version, HOST + headers)).reusable is reusable


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        head(b"GET  / HTTP/1.1"),
        head(b"GET / HTTP/1.1 "),
        head(b"GET /a b HTTP/1.1"),
        head(b"GET /\x00 HTTP/1.1"),
        head(b"GET /\xc3\xa9 HTTP/1.1"),
        head(b"G@T / HTTP/1.1"),
        head(b"GET / HTTP/11"),
        head(b"GET / http/1.1"),
        head(headers=b""),
        head(headers=HOST + b"no colon\r\n"),
        head(headers=HOST + b"Space : x\r\n"),
        head(headers=HOST + b" folded\r\n"),
        head(headers=HOST + b": empty\r\n"),
        head(headers=HOST + b"Nul: \x00\r\n"),
        head(headers=HOST + b"Return: a\rb\r\n"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_what_is_not_http_is_a_bad_request(raw: bytes) -> None:
    """Lines and headers against the grammar get a 400."""
    assert refusal(raw) is HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("line", [b"PRI * HTTP/2.0", b"GET / HTTP/0.9", b"GET / HTTP/3.1"])
def test_other_versions_are_named(line: bytes) -> None:
    """HTTP/2 without TLS, say, gets a 505."""
    assert refusal(head(line)) is HTTPStatus.HTTP_VERSION_NOT_SUPPORTED


def test_number_of_headers_is_bounded() -> None:
    """As many headers as allowed pass; one more is a 431."""
    allowed = HOST + b"A: b\r\n" * (MAX_HEADERS - 1)
    assert parse_head(head(headers=allowed)).headers["host"] == "x"
    assert refusal(head(headers=allowed + b"A: b\r\n")) is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


def test_head_end_is_found_across_receipts() -> None:
    """However the bytes arrive, the end of the head is found once."""
    raw = head() + b"next"
    for cut in range(len(raw) - 4):
        assert find_head_end(bytearray(raw[:cut]), max(0, cut - 1)) == -1
    assert find_head_end(bytearray(raw), len(raw) - 5) == len(raw) - 4


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /" + b"a" * MAX_LINE_BYTES, HTTPStatus.REQUEST_URI_TOO_LONG),
        (head(b"GET /" + b"a" * MAX_LINE_BYTES + b" HTTP/1.1"), HTTPStatus.REQUEST_URI_TOO_LONG),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * MAX_HEAD_BYTES, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
        (head(headers=b"A: " + b"a" * MAX_HEAD_BYTES + b"\r\n"), HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    ],
)
def test_sizes_are_bounded(raw: bytes, status: HTTPStatus) -> None:
    """A line over its limit is a 414, a head over its limit a 431, complete or not."""
    with pytest.raises(BadRequestError) as refused:
        find_head_end(bytearray(raw), 0)
    assert refused.value.status is status


def test_long_header_within_the_limit_passes() -> None:
    """A head over the limit of the line but under its own is fine."""
    raw = head(headers=HOST + b"A: " + b"a" * MAX_LINE_BYTES + b"\r\n")
    assert find_head_end(bytearray(raw), 0) == len(raw)
    assert find_head_end(bytearray(raw[:-1]), 0) == -1


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", None),
        ("other=1", None),
        ("name[]=", None),
        ("name[]=up", {"up"}),
        ("name%5B%5D=up&name[]=down&name[]=up", {"up", "down"}),
        ("name[]=%FF%zz", {"\ufffd%zz"}),
        ("&&=&=;", None),
    ],
)
def test_names_filter(query: str, names: set[str] | None) -> None:
    """Every ``name[]`` counts, percent-encoded or not."""
    assert names_filter(query) == names


def test_endless_filter_is_refused() -> None:
    """More names than allowed are a 400."""
    with pytest.raises(BadRequestError):
        names_filter("&".join(["name[]=a"] * 1001))


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """Nothing but our own refusal comes out of the parser."""
    for candidate in (raw, raw + b"\r\n\r\n", head(raw), head(headers=HOST + raw)):
        try:
            end = find_head_end(bytearray(candidate), 0)
            if end >= 0:
                names_filter(parse_head(candidate[:end]).query)
        except BadRequestError:
            continue
