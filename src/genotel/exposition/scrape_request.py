"""One scrape: what a client asks for, and the answer that a rendered page makes.

The server and the two mounts share this, so that all of them negotiate alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Protocol

from genotel.exposition.answer import Answer
from genotel.exposition.format import Format
from genotel.exposition.negotiation import negotiate, wants_gzip
from genotel.exposition.request import names_filter

# No client is waited for longer than this, whatever it asks for.
MAX_LIMIT_SECONDS = 60.0
# What a client needs beside the rendering, as a share of its limit and in seconds.
_OFFSET_RATIO = 0.1
_MAX_OFFSET_SECONDS = 0.5

_TIMEOUT_HEADER = "x-prometheus-scrape-timeout-seconds"
# The headers that a scrape is read from.
SCRAPE_HEADERS = ("accept", "accept-encoding", _TIMEOUT_HEADER)

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,9})?")


class RenderedPage(Protocol):
    """Be what is served: :class:`genotel.exposition.page.Page`, or a fake in tests."""

    def render(self, format: Format, names: frozenset[str] | None = None) -> bytes:
        """Return the page in a format, cut down to some families."""
        ...


class Scrape:
    """Hold what one client asks for: the format, the families, the coding and the time it gives.

    ``page`` is that of ``process`` where a single one is asked for, else None. Scrapes of one ``key`` can
    share a page.
    """

    __slots__ = ("format", "gzip", "limit_seconds", "names", "page", "process")

    def __init__(
        self,
        format: Format,
        names: frozenset[str] | None = None,
        *,
        gzip: bool = False,
        limit_seconds: float = MAX_LIMIT_SECONDS,
    ) -> None:
        self.format = format
        self.names = names
        self.gzip = gzip
        self.limit_seconds = limit_seconds
        self.process: str | None = None
        self.page: RenderedPage | None = None

    @property
    def key(self) -> tuple[str, frozenset[str] | None, str | None]:
        """Return what the page depends on."""
        return self.format.name, self.names, self.process


def read_scrape(headers: Mapping[str, str], query: str) -> Scrape:
    """Return the scrape that lower-case headers and a query string ask for.

    Raises:
        BadRequestError: the filter has too many names.

    Example:
        >>> scrape = read_scrape({"accept-encoding": "gzip", "x-prometheus-scrape-timeout-seconds": "10"}, "")
        >>> scrape.format.name, scrape.gzip, scrape.limit_seconds
        ('text', True, 9.5)
    """
    return Scrape(
        negotiate(headers.get("accept", "")),
        names_filter(query),
        gzip=wants_gzip(headers.get("accept-encoding", "")),
        limit_seconds=limit_seconds(headers.get(_TIMEOUT_HEADER, "")),
    )


def limit_seconds(asked: str) -> float:
    """Return the time for rendering: the client's own limit, less what the way back may take.

    Example:
        >>> limit_seconds("10"), limit_seconds("1"), limit_seconds("nan"), limit_seconds("86400")
        (9.5, 0.9, 60.0, 60.0)
    """
    seconds = float(asked) if _SECONDS.fullmatch(asked) else 0.0
    if seconds == 0.0:
        return MAX_LIMIT_SECONDS
    return min(MAX_LIMIT_SECONDS, seconds - min(_MAX_OFFSET_SECONDS, seconds * _OFFSET_RATIO))


def page_answer(scrape: Scrape, body: bytes, *, compressed: bool) -> Answer:
    """Return the 200 of a page that was rendered for this scrape."""
    headers = (("Content-Type", scrape.format.content_type), ("Vary", "Accept, Accept-Encoding"))
    return Answer(HTTPStatus.OK, (*headers, ("Content-Encoding", "gzip")) if compressed else headers, body)
