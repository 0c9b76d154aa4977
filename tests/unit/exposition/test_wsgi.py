"""The page mounted in a WSGI program."""

from __future__ import annotations

import threading
import zlib
from typing import TYPE_CHECKING
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from genotel import guard
from genotel.exposition.page import Page
from genotel.exposition.scrape_metrics import ScrapeMetrics
from genotel.exposition.wsgi import make_wsgi_app

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    import pytest

    from tests.unit.exposition.conftest import FakePage


def ask(
    app: WSGIApplication, method: str = "GET", query: str = "", **headers: str
) -> tuple[str, dict[str, str], bytes]:
    """Send a request through the checker of the standard library."""
    environ: dict[str, object] = {"REQUEST_METHOD": method, "QUERY_STRING": query}
    environ |= {f"HTTP_{name}": value for name, value in headers.items()}
    setup_testing_defaults(environ)
    started: list[tuple[str, dict[str, str]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        started.append((status, dict(headers)))

    answer = validator(app)(environ, start_response)  # type: ignore[arg-type]
    body = b"".join(answer)
    answer.close()  # type: ignore[attr-defined]
    return *started[0], body


def test_page_is_negotiated(page: FakePage) -> None:
    """Format, filter and coding are those of the server."""
    page.body = b"calls_total 1\n" * 100
    status, headers, body = ask(
        make_wsgi_app(page), query="name[]=up", ACCEPT="application/openmetrics-text", ACCEPT_ENCODING="gzip"
    )
    assert status == "200 OK"
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert headers["Content-Length"] == str(len(body))
    assert zlib.decompress(body, 31) == page.body
    assert page.asked == [("openmetrics", frozenset({"up"}))]


def test_head_has_no_body(page: FakePage) -> None:
    """HEAD has the length and nothing else."""
    status, headers, body = ask(make_wsgi_app(page), "HEAD")
    assert (status, headers["Content-Length"], body) == ("200 OK", str(len(page.body)), b"")


def test_refusals(page: FakePage) -> None:
    """Other methods and filters without end are refused before anything is rendered."""
    app = make_wsgi_app(page)
    assert ask(app, "POST")[0] == "405 Method Not Allowed"
    assert ask(app, query="&" * 2000)[0] == "400 Bad Request"
    assert page.asked == []


def test_slow_page_is_a_503_in_time(page: FakePage) -> None:
    """The scraper's limit holds here too, and the late page is the next scrape's."""
    page.gate.clear()
    app = make_wsgi_app(page)
    status, headers, _ = ask(app, X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS="0.1")
    assert (status, headers["Retry-After"]) == ("503 Service Unavailable", "1")
    page.gate.set()
    assert ask(app)[0] == "200 OK"
    assert len(page.asked) == 1


def test_too_many_scrapes_are_refused(page: FakePage) -> None:
    """Threads of the program are not all taken by scrapes."""
    page.gate.clear()
    app = make_wsgi_app(page, max_concurrent_scrapes=1)
    first = threading.Thread(target=ask, args=(app,))
    first.start()
    assert page.entered.wait(5)
    assert ask(app)[0] == "503 Service Unavailable"
    page.gate.set()
    first.join(5)


def test_fault_of_ours_is_no_exception(page: FakePage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's server never sees a fault of the page."""
    monkeypatch.setattr(guard, "_strict", False)
    page.fault = LookupError("secret")
    assert ask(make_wsgi_app(page))[0] == "500 Internal Server Error"


def test_scrapes_are_counted() -> None:
    """A mount counts as the server does."""
    metrics = ScrapeMetrics()
    app = make_wsgi_app(Page([metrics]), metrics=metrics)
    ask(app)
    assert b'genotel_scrapes_total{genotel_code="200",genotel_format="text"} 1\n' in ask(app)[2]
