"""What is sent back to a client: a status, headers and a body, and their bytes in HTTP/1.1."""

from __future__ import annotations

import time
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

PLAIN_TEXT = "text/plain; charset=utf-8"
ALLOWED_METHODS = ("GET", "HEAD")
# Seconds after which a client that met a limit may come again.
RETRY_AFTER_SECONDS = 1

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Answer(NamedTuple):
    """Hold one answer; length, date and connection headers are added on the wire."""

    status: HTTPStatus
    headers: tuple[tuple[str, str], ...]
    body: bytes


def plain(status: HTTPStatus, *headers: tuple[str, str]) -> Answer:
    """Return a status in words.

    Example:
        >>> plain(HTTPStatus.NOT_FOUND).body
        b'404 Not Found\\n'
    """
    return Answer(status, (("Content-Type", PLAIN_TEXT), *headers), f"{status.value} {status.phrase}\n".encode())


def unavailable() -> Answer:
    """Return the 503 of a limit: too many scrapes at once, or a page that is not ready in time."""
    return plain(HTTPStatus.SERVICE_UNAVAILABLE, ("Retry-After", str(RETRY_AFTER_SECONDS)))


def method_not_allowed() -> Answer:
    """Return the 405 that names what is allowed."""
    return plain(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", ", ".join(ALLOWED_METHODS)))


def complete_headers(answer: Answer) -> list[tuple[str, str]]:
    """Return the headers of an answer, its length included.

    Example:
        >>> complete_headers(plain(HTTPStatus.OK))[1:]
        [('Content-Length', '7'), ('X-Content-Type-Options', 'nosniff')]
    """
    return [*answer.headers, ("Content-Length", str(len(answer.body))), ("X-Content-Type-Options", "nosniff")]


def head_bytes(answer: Answer, *, now: float, reusable: bool) -> bytes:
    """Return status line and headers of an answer in HTTP/1.1.

    Args:
        answer: the answer; its body is measured, not copied.
        now: Unix seconds.
        reusable: whether the connection stays open.
    """
    lines = [f"HTTP/1.1 {answer.status.value} {answer.status.phrase}"]
    lines += [f"{name}: {value}" for name, value in complete_headers(answer)]
    lines.append(f"Date: {http_date(int(now))}")
    lines.append("\r\n" if reusable else "Connection: close\r\n\r\n")
    return "\r\n".join(lines).encode("latin-1")


@lru_cache(maxsize=1)
def http_date(unix_seconds: int) -> str:
    """Return a time as RFC 9110 §5.6.7 wants it, whatever the locale.

    Example:
        >>> http_date(784111777)
        'Sun, 06 Nov 1994 08:49:37 GMT'
    """
    at = time.gmtime(unix_seconds)
    return (
        f"{_DAYS[at.tm_wday]}, {at.tm_mday:02d} {_MONTHS[at.tm_mon - 1]} {at.tm_year} "
        f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d} GMT"
    )
