"""Read the head of an HTTP/1 request: its line and headers, and nothing else.

The standard library parses headers as if they were an e-mail, which costs several times as much as
this and loads ``http.server`` and ``email`` into the user's program. A page takes no bodies, so this
parser is small and strict: what it does not know for sure, it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qsl

from genotel.errors import GenotelError

MAX_LINE_BYTES = 8 * 1024
MAX_HEAD_BYTES = 16 * 1024
MAX_HEADERS = 100
# Families in one name[] filter; a request line of MAX_LINE_BYTES has room for more.
MAX_NAMES = 1000

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([!-~]+) HTTP/([0-9])\.([0-9])")
# A name, a colon without space before it, a value without control characters but tabs.
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


class BadRequestError(GenotelError):
    """Refuse a request with a status; after it nothing on the connection can be trusted."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class Request(NamedTuple):
    """Hold one request without a body.

    ``headers`` have lower-case names; values of a repeated header are joined by commas. ``reusable``
    says whether another request may follow on the same connection.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    reusable: bool


def find_head_end(buffer: bytearray, start: int) -> int:
    """Return where the first head in ``buffer`` ends, or -1 where more bytes are needed.

    Args:
        buffer: what was received so far, a request's first byte first.
        start: how many bytes an earlier call has seen.

    Raises:
        BadRequestError: the line or the head is over its limit.
    """
    # The end of the head may lie across two receipts.
    found = _HEAD_END.search(buffer, max(0, start - 3))
    end = found.end() if found else -1
    if (end if found else len(buffer)) > MAX_LINE_BYTES:
        newline = buffer.find(b"\n", 0, MAX_LINE_BYTES + 2)
        if newline < 0:
            raise BadRequestError(HTTPStatus.REQUEST_URI_TOO_LONG)
        if (end if found else len(buffer)) > MAX_HEAD_BYTES:
            raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    return end


def parse_head(head: bytes) -> Request:
    r"""Return the request of one head, its closing empty line included.

    Raises:
        BadRequestError: the head is not HTTP/1.0 or HTTP/1.1 as RFC 9112 wants it.

    Example:
        >>> request = parse_head(b"GET /metrics?name[]=up HTTP/1.1\r\nHost: localhost\r\n\r\n")
        >>> request.path, request.query, request.reusable
        ('/metrics', 'name[]=up', True)
    """
    lines = head.split(b"\n")
    match = _REQUEST_LINE.fullmatch(lines[0].removesuffix(b"\r"))
    if match is None:
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
    method, raw_target, major, minor = match.groups()
    if major != b"1":
        raise BadRequestError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    if len(lines) > MAX_HEADERS + 3:
        raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    headers: dict[str, str] = {}
    for line in lines[1:-2]:
        field = _HEADER.fullmatch(line.removesuffix(b"\r"))
        if field is None:
            raise BadRequestError(HTTPStatus.BAD_REQUEST)
        name = field[1].decode("ascii").lower()
        value = field[2].decode("latin-1").rstrip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    persistent = minor != b"0"
    if persistent and "host" not in headers:
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
    target = raw_target.decode("ascii")
    if not target.startswith("/"):
        absolute = _ABSOLUTE.match(target)
        target = "/" + target[absolute.end() :].removeprefix("/") if absolute else target
    path, _, query = target.partition("?")
    # A body is never read, so what follows it cannot be told from it.
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    closes = "close" in headers.get("connection", "").lower()
    return Request(method.decode("ascii"), path, query, headers, persistent and not has_body and not closes)


def names_filter(query: str) -> frozenset[str] | None:
    """Return the families that ``name[]=`` asks for, or None for all.

    Raises:
        BadRequestError: there are more than MAX_NAMES.

    Example:
        >>> sorted(names_filter("name[]=up&name%5B%5D=process_cpu_seconds_total"))
        ['process_cpu_seconds_total', 'up']
    """
    if not query:
        return None
    try:
        pairs = parse_qsl(query, max_num_fields=MAX_NAMES)
    except ValueError:
        raise BadRequestError(HTTPStatus.BAD_REQUEST) from None
    return frozenset(value for key, value in pairs if key == "name[]") or None
