"""Answers and their bytes."""

from __future__ import annotations

import email.utils
from http import HTTPStatus

from hypothesis import given
from hypothesis import strategies as st

from genotel.exposition.answer import complete_headers, head_bytes, http_date, plain, unavailable


def test_head_says_whether_the_connection_stays() -> None:
    """Only the last answer names the end; each head ends in one empty line."""
    stays = head_bytes(plain(HTTPStatus.OK), now=0.0, reusable=True)
    ends = head_bytes(plain(HTTPStatus.OK), now=0.0, reusable=False)
    assert stays.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 7\r\n")
    assert b"Connection" not in stays
    assert ends == stays[:-2] + b"Connection: close\r\n\r\n"
    assert stays.count(b"\r\n\r\n") == 1
    assert stays.endswith(b"\r\n\r\n")


def test_a_limit_says_when_to_come_again() -> None:
    """A 503 has Retry-After, and no type is guessed from its body."""
    headers = dict(complete_headers(unavailable()))
    assert headers["Retry-After"] == "1"
    assert headers["X-Content-Type-Options"] == "nosniff"


@given(st.integers(0, 4_102_444_800))
def test_dates_are_those_of_the_standard_library(seconds: int) -> None:
    """Our date is the e-mail package's, without loading it."""
    assert http_date(seconds) == email.utils.formatdate(seconds, usegmt=True)
