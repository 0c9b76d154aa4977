"""Mount the page in a WSGI program (Flask, Django, anything under gunicorn)."""

from __future__ import annotations

from collections.abc import Iterable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from genotel.exposition.answer import Answer, complete_headers
from genotel.exposition.mount import DEFAULT_MAX_CONCURRENT_SCRAPES, MountedPage
from genotel.exposition.rendering import RenderedPage
from genotel.exposition.scrape_metrics import ScrapeMetrics
from genotel.exposition.scrape_request import SCRAPE_HEADERS

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_VARIABLES = tuple((name, "HTTP_" + name.upper().replace("-", "_")) for name in SCRAPE_HEADERS)


def make_wsgi_app(
    page: RenderedPage,
    *,
    metrics: ScrapeMetrics | None = None,
    max_concurrent_scrapes: int = DEFAULT_MAX_CONCURRENT_SCRAPES,
) -> WSGIApplication:
    """Return a WSGI application that answers every path with the page.

    Args:
        page: what is rendered.
        metrics: counts the scrapes; give it to the page as a source.
        max_concurrent_scrapes: more of them at once get a 503 with Retry-After.

    Example:
        >>> from genotel.exposition.page import Page
        >>> app = make_wsgi_app(Page())
        >>> started = []
        >>> app({"REQUEST_METHOD": "GET"}, lambda status, headers: started.append(status))
        [b'']
        >>> started
        ['200 OK']
    """
    mounted = MountedPage(page, metrics, max_concurrent_scrapes)

    def genotel_page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answers: SimpleQueue[Answer] = SimpleQueue()
        headers = {name: environ[variable] for name, variable in _VARIABLES if variable in environ}
        method = environ["REQUEST_METHOD"]
        answer = mounted.begin(method, headers, environ.get("QUERY_STRING", ""), answers.put)
        if not isinstance(answer, Answer):
            scrape = answer
            try:
                answer = answers.get(timeout=scrape.limit_seconds)
            except Empty:
                answer = mounted.give_up(scrape)
        start_response(f"{answer.status.value} {answer.status.phrase}", complete_headers(answer))
        return [] if method == "HEAD" else [answer.body]

    return genotel_page
