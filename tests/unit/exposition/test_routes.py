"""Which path answers what."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from genotel import guard
from genotel.exposition.answer import Answer
from genotel.exposition.landing import landing_page
from genotel.exposition.request import Request
from genotel.exposition.routes import Routes
from genotel.exposition.scrape_request import Scrape


def ask(path: str, method: str = "GET", *, ready: bool = True) -> Answer | Scrape:
    """Return what a request for this path gets."""
    return Routes(lambda: ready).answer(Request(method, path, "", {}, True))


def answer_of(path: str, method: str = "GET", *, ready: bool = True) -> Answer:
    """Return the answer of a path that is no scrape."""
    answer = ask(path, method, ready=ready)
    assert isinstance(answer, Answer)
    return answer


def test_metrics_path_is_a_scrape() -> None:
    """Only /metrics is the page."""
    assert isinstance(ask("/metrics"), Scrape)
    assert isinstance(ask("/metrics", "HEAD"), Scrape)


@pytest.mark.parametrize("path", ["/metrics/", "/Metrics", "/favicon.ico", "//metrics", "*", "/-/", "/../metrics", ""])
def test_unknown_paths_are_not_found(path: str) -> None:
    """Everything else is a 404 that repeats nothing of the request."""
    answer = answer_of(path, "POST")
    assert (answer.status, answer.body) == (404, b"404 Not Found\n")


@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy", "/-/ready"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get", "TRACE"])
def test_other_methods_are_told_what_is_allowed(path: str, method: str) -> None:
    """A known path with another method is a 405 that names the two."""
    answer = answer_of(path, method)
    assert answer.status == 405
    assert ("Allow", "GET, HEAD") in answer.headers


def test_health_does_not_ask_for_data() -> None:
    """A server without data is healthy and not ready."""
    assert answer_of("/-/healthy", ready=False).status == 200
    assert answer_of("/-/ready", ready=False).status == 503
    assert ("Retry-After", "1") in answer_of("/-/ready", ready=False).headers
    assert answer_of("/-/ready").status == 200


def test_readiness_that_raises_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the question is counted and is no 500."""
    monkeypatch.setattr(guard, "_strict", False)

    def broken() -> bool:
        raise LookupError("secret")

    answer = Routes(broken).answer(Request("GET", "/-/ready", "", {}, True))
    assert isinstance(answer, Answer)
    assert answer.status == 503
    assert guard.internal_errors() == {"exposition.ready": 1}


class Links(HTMLParser):
    """Collect what a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep addresses."""
        self.found += [(tag, value) for name, value in attrs if name in ("href", "src", "action", "srcset")]


def test_landing_page_links_what_is_served() -> None:
    """The links lead to the paths of this server and nowhere else."""
    links = Links()
    answer = answer_of("/")
    links.feed(answer.body.decode())
    assert links.found == [("a", "/metrics"), ("a", "/-/healthy"), ("a", "/-/ready")]
    headers = dict(answer.headers)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Content-Type"] == "text/html; charset=utf-8"


def test_landing_page_escapes() -> None:
    """Neither paths nor texts can become markup."""
    body = landing_page((('/"><script>', "<b>&"),)).body.decode()
    assert "<script>" not in body
    assert "<b>" not in body
