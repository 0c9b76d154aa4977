"""Mount the page in an ASGI program (Starlette, FastAPI, Quart)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from genotel.exposition.answer import Answer, complete_headers
from genotel.exposition.mount import DEFAULT_MAX_CONCURRENT_SCRAPES, MountedPage
from genotel.exposition.rendering import RenderedPage
from genotel.exposition.scrape_metrics import ScrapeMetrics
from genotel.exposition.scrape_request import SCRAPE_HEADERS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]


def make_asgi_app(
    page: RenderedPage,
    *,
    metrics: ScrapeMetrics | None = None,
    max_concurrent_scrapes: int = DEFAULT_MAX_CONCURRENT_SCRAPES,
) -> AsgiApplication:
    """Return an ASGI application that answers every path with the page, rendered off the event loop.

    Args:
        page: what is rendered.
        metrics: counts the scrapes; give it to the page as a source.
        max_concurrent_scrapes: more of them at once get a 503 with Retry-After.

    Example:
        >>> from genotel.exposition.page import Page
        >>> app = make_asgi_app(Page())
        >>> # starlette: Starlette(routes=[Mount("/metrics", app)])
    """
    return _AsgiPage(MountedPage(page, metrics, max_concurrent_scrapes))


class _AsgiPage:
    """Be an object and not a function, which Starlette's ``Route`` would call with a request."""

    def __init__(self, mounted: MountedPage) -> None:
        self._mounted = mounted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # Closed before it is accepted, which the server turns into a 403.
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            raise RuntimeError(f"the metrics page does not speak {scope['type']}; mount it in an application that does")
        answer = await self._answer(scope)
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in complete_headers(answer)
        ]
        await send({"type": "http.response.start", "status": answer.status.value, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    async def _answer(self, scope: Scope) -> Answer:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()

        def done(answer: Answer) -> None:
            if not future.done():
                future.set_result(answer)

        def deliver(answer: Answer) -> None:
            # The loop may have ended since; then nobody waits for the answer.
            if not loop.is_closed():
                loop.call_soon_threadsafe(done, answer)

        query = scope.get("query_string", b"").decode("latin-1")
        begun = self._mounted.begin(scope["method"], _scrape_headers(scope["headers"]), query, deliver)
        if isinstance(begun, Answer):
            return begun
        try:
            async with asyncio.timeout(begun.limit_seconds):
                return await future
        except TimeoutError:
            return self._mounted.give_up(begun)
        except asyncio.CancelledError:
            self._mounted.give_up(begun)
            raise


def _scrape_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in SCRAPE_HEADERS:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
