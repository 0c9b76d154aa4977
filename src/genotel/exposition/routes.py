"""Which path answers what: the page, health, readiness and the landing page."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from genotel import guard
from genotel.exposition.answer import ALLOWED_METHODS, Answer, method_not_allowed, plain, unavailable
from genotel.exposition.request import Request
from genotel.exposition.scrape_request import Scrape, read_scrape
from genotel.exposition.targets import TARGETS_PATH, ProcessPages, process_asked_for, targets_answer

METRICS_PATH = "/metrics"
HEALTHY_PATH = "/-/healthy"
READY_PATH = "/-/ready"
LANDING_PATH = "/"

_LINKS = (
    (METRICS_PATH, "The metrics, for Prometheus and other scrapers."),
    (HEALTHY_PATH, "200 as long as this server answers."),
    (READY_PATH, "200 once there is data, 503 before."),
)
_TARGETS_LINK = (TARGETS_PATH, "The single processes behind the page, for Prometheus' service discovery.")


class Routes:
    """Answer a request at once, or say which scrape it asks for.

    Args:
        ready: whether there is data yet; called for each request of the ready path, so it must not block.
        processes: the single processes behind the page, where they have pages of their own.
    """

    def __init__(self, ready: Callable[[], bool], processes: ProcessPages | None = None) -> None:
        self._ready = ready
        self._processes = processes

    def answer(self, request: Request) -> Answer | Scrape:
        """Return the answer, or the scrape that has to be rendered first.

        Raises:
            BadRequestError: the query cannot be read.
        """
        respond = _ROUTES.get(request.path)
        if respond is None or (respond is Routes._targets and self._processes is None):
            return plain(HTTPStatus.NOT_FOUND)
        if request.method not in ALLOWED_METHODS:
            return method_not_allowed()
        return respond(self, request)

    def _metrics(self, request: Request) -> Answer | Scrape:
        scrape = read_scrape(request.headers, request.query)
        process = None if self._processes is None else process_asked_for(request.query)
        if self._processes is not None and process is not None:
            scrape.process, scrape.page = process, self._processes.page(process)
            if scrape.page is None:
                return plain(HTTPStatus.NOT_FOUND)
        return scrape

    def _targets(self, request: Request) -> Answer:
        assert self._processes is not None
        return targets_answer(self._processes.names(), request.headers.get("host", ""))

    def _healthy(self, _: Request) -> Answer:
        return plain(HTTPStatus.OK)

    def _is_ready(self, _: Request) -> Answer:
        try:
            ready = self._ready()
        except Exception as error:
            guard.report("exposition.ready", error)
            ready = False
        return plain(HTTPStatus.OK) if ready else unavailable()

    def _landing(self, _: Request) -> Answer:
        # Imported here: programs without a visitor pay nothing for it.
        from genotel.exposition.landing import landing_page

        return landing_page(_LINKS if self._processes is None else (*_LINKS, _TARGETS_LINK))


_ROUTES: dict[str, Callable[[Routes, Request], Answer | Scrape]] = {
    METRICS_PATH: Routes._metrics,
    HEALTHY_PATH: Routes._healthy,
    READY_PATH: Routes._is_ready,
    LANDING_PATH: Routes._landing,
    TARGETS_PATH: Routes._targets,
}
