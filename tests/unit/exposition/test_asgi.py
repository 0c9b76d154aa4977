"""The page mounted in an ASGI program."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from genotel.exposition.asgi import make_asgi_app
from genotel.exposition.page import Page
from genotel.exposition.scrape_metrics import ScrapeMetrics

if TYPE_CHECKING:
    from tests.unit.exposition.conftest import FakePage


def client_of(app: Any) -> httpx.AsyncClient:
    """Return a client that calls the application on this loop."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost", follow_redirects=True)


@pytest.mark.parametrize("route", [Mount, Route])
async def test_starlette_takes_it_as_mount_and_as_route(page: FakePage, route: Any) -> None:
    """Both ways of Starlette lead to the page, by GET and HEAD."""
    page.body = b"calls_total 1\n" * 100
    async with client_of(Starlette(routes=[route("/metrics", make_asgi_app(page))])) as client:
        reply = await client.get(
            "/metrics?name[]=up", headers={"accept": "application/openmetrics-text", "accept-encoding": "gzip"}
        )
        head = await client.head("/metrics")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.content == page.body
    assert page.asked[0] == ("openmetrics", frozenset({"up"}))
    assert (head.status_code, head.content, head.headers["x-content-type-options"]) == (200, b"", "nosniff")


async def test_other_methods_are_refused(page: FakePage) -> None:
    """A POST is told what is allowed."""
    async with client_of(Starlette(routes=[Mount("/metrics", make_asgi_app(page))])) as client:
        reply = await client.post("/metrics/")
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD")


async def test_websocket_is_refused(page: FakePage) -> None:
    """A websocket to the page is closed before it is accepted, which is no fault."""
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await make_asgi_app(page)({"type": "websocket"}, receive, send)
    assert sent == ["websocket.close"]


async def test_unknown_scope_is_said_to_be_one(page: FakePage) -> None:
    """The protocol asks applications to raise for what they do not speak; servers know that of lifespan."""
    app = make_asgi_app(page)

    async def nothing(*_: object) -> Any:
        raise AssertionError

    with pytest.raises(RuntimeError, match="lifespan"):
        await app({"type": "lifespan"}, nothing, nothing)


async def test_repeated_headers_are_joined(page: FakePage) -> None:
    """Two Accept headers are one list."""
    async with client_of(make_asgi_app(page)) as client:
        await client.get("/", headers=[("Accept", "text/plain;q=0.1"), ("Accept", "application/openmetrics-text")])
    assert page.asked == [("openmetrics", None)]


async def test_loop_runs_on_while_a_page_is_rendered(page: FakePage) -> None:
    """A slow page takes no turn of the event loop and no thread of its executor."""
    page.gate.clear()
    async with client_of(make_asgi_app(page)) as client:
        scrape = asyncio.create_task(client.get("/"))
        while not page.entered.is_set():
            await asyncio.sleep(0)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("asyncio")]
        page.gate.set()
        assert (await scrape).content == page.body


async def test_slow_page_is_a_503_in_time(page: FakePage) -> None:
    """The scraper's limit holds here too, and the late page is the next scrape's."""
    page.gate.clear()
    async with client_of(make_asgi_app(page)) as client:
        reply = await client.get("/", headers={"X-Prometheus-Scrape-Timeout-Seconds": "0.1"})
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
        page.gate.set()
        assert (await client.get("/")).status_code == 200
    assert len(page.asked) == 1


async def test_too_many_scrapes_are_refused(page: FakePage) -> None:
    """More scrapes than allowed get a 503 at once."""
    page.gate.clear()
    async with client_of(make_asgi_app(page, max_concurrent_scrapes=1)) as client:
        first = asyncio.create_task(client.get("/"))
        while not page.entered.is_set():
            await asyncio.sleep(0)
        assert (await client.get("/")).status_code == 503
        page.gate.set()
        assert (await first).status_code == 200


async def test_cancelled_scrape_is_forgotten(page: FakePage) -> None:
    """A request that the server cancels frees its place; the cancellation goes on to the server."""
    page.gate.clear()
    async with client_of(make_asgi_app(page, max_concurrent_scrapes=1)) as client:
        cancelled = asyncio.create_task(client.get("/"))
        while not page.entered.is_set():
            await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        following = asyncio.create_task(client.get("/"))
        await asyncio.sleep(0)
        page.gate.set()
        assert (await following).content == page.body


def test_loop_that_ended_gets_no_answer(page: FakePage) -> None:
    """A page that is done after its loop has gone is dropped in silence."""
    page.gate.clear()
    app = make_asgi_app(page)
    loop = asyncio.new_event_loop()

    async def nothing(*_: object) -> Any:
        raise AssertionError

    scope = {"type": "http", "method": "GET", "headers": []}
    task = loop.create_task(app(scope, nothing, nothing))  # type: ignore[arg-type]
    loop.run_until_complete(asyncio.sleep(0))
    assert page.entered.wait(5)
    loop.close()
    page.gate.set()
    renderer = app._mounted._renderer  # type: ignore[attr-defined]
    renderer.stop(5)
    # The task can never end; say so to the interpreter instead of letting it warn.
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    task.get_coro().close()  # type: ignore[union-attr]


async def test_scrapes_are_counted() -> None:
    """A mount counts as the server does."""
    metrics = ScrapeMetrics()
    async with client_of(make_asgi_app(Page([metrics]), metrics=metrics)) as client:
        await client.get("/")
        assert b'genotel_scrapes_total{genotel_code="200",genotel_format="text"} 1\n' in (await client.get("/")).content


@pytest.mark.parametrize("kind", ["websocket", "a-later-kind"])
async def test_other_kinds_of_scopes_cost_no_render(page: FakePage, kind: str) -> None:
    """What is neither HTTP nor a lifespan gets no page: a refusal, or an error that names it."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    with contextlib.suppress(RuntimeError):
        await make_asgi_app(page)({"type": kind, "path": "/metrics"}, receive, send)
    assert not [message for message in sent if message["type"].startswith("http.")]
    assert page.asked == []
