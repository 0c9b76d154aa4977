"""The page inside another server: what the WSGI and the ASGI mount have in common.

The router of the program decides where the page is, so every path that reaches a mount is the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus

from genotel.exposition.answer import ALLOWED_METHODS, Answer, method_not_allowed, plain, unavailable
from genotel.exposition.rendering import RenderedPage, Rendering, RenderThread
from genotel.exposition.request import BadRequestError
from genotel.exposition.scrape_metrics import ScrapeMetrics
from genotel.exposition.scrape_request import Scrape, page_answer, read_scrape

DEFAULT_MAX_CONCURRENT_SCRAPES = 40


class MountedPage:
    """Answer the scrapes that another server receives; for any number of its threads and loops.

    Pages are rendered in a thread of ours, so that a slow source takes neither the program's event
    loop nor its executor.

    Args:
        page: what is rendered.
        metrics: counts the scrapes, where given.
        max_concurrent_scrapes: more of them at once get a 503 with Retry-After.
    """

    def __init__(self, page: RenderedPage, metrics: ScrapeMetrics | None, max_concurrent_scrapes: int) -> None:
        self._metrics = metrics
        self._renderer = RenderThread(page, self._deliver, max_scrapes=max_concurrent_scrapes)
        self._callbacks: dict[Scrape, Callable[[Answer], None]] = {}

    def begin(
        self, method: str, headers: Mapping[str, str], query: str, done: Callable[[Answer], None]
    ) -> Answer | Scrape:
        """Return the answer where it is known at once, else the scrape whose answer ``done`` will get.

        Args:
            method: the HTTP method.
            headers: by lower-case name; those of ``scrape_request.SCRAPE_HEADERS`` are read.
            query: the query string.
            done: called once, from another thread, unless :meth:`give_up` comes first.
        """
        if method not in ALLOWED_METHODS:
            return method_not_allowed()
        try:
            scrape = read_scrape(headers, query)
        except BadRequestError as error:
            return plain(error.status)
        self._callbacks[scrape] = done
        if not self._renderer.submit(scrape):
            return self.give_up(scrape)
        return scrape

    def give_up(self, scrape: Scrape) -> Answer:
        """Return the 503 of a scrape that cannot be answered in time."""
        self._renderer.withdraw(scrape)
        self._callbacks.pop(scrape, None)
        return self._counted(scrape, unavailable(), None)

    def _deliver(self, scrape: Scrape, rendering: Rendering | None) -> None:
        done = self._callbacks.pop(scrape, None)
        if done is None:
            return
        if rendering is None:
            done(self._counted(scrape, plain(HTTPStatus.INTERNAL_SERVER_ERROR), None))
        else:
            answer = page_answer(scrape, rendering.body, compressed=rendering.compressed)
            done(self._counted(scrape, answer, rendering.page_bytes))

    def _counted(self, scrape: Scrape, answer: Answer, page_bytes: int | None) -> Answer:
        if self._metrics is not None:
            self._metrics.count(scrape.format.name, answer.status.value, page_bytes=page_bytes)
        return answer
