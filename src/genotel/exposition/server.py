"""Serve the page over HTTP: two daemon threads, whatever the number of clients.

This file is the server's life (bind, start, drain, fork); what a client sees is in ``routes.py``,
how connections are kept in ``connection_loop.py``, and how pages are made in ``rendering.py``.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.exposition.connection_loop import ConnectionLoop, Limits
from genotel.exposition.rendering import RenderedPage
from genotel.exposition.routes import METRICS_PATH, Routes
from genotel.exposition.scrape_metrics import ScrapeMetrics

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 9464
# What node_exporter allows too.
DEFAULT_MAX_CONCURRENT_SCRAPES = 40

_BACKLOG = 128
_WILDCARD_LOOPBACKS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read here, not bound to


class PageServer:
    """Serve a page until closed; a context manager.

    Args:
        page: what is rendered at ``/metrics``.
        host: the address to bind to; ``::`` takes IPv4 clients too where the system can.
        port: 0 takes any free one.
        max_concurrent_scrapes: more of them at once get a 503 with Retry-After.
        ready: whether there is data yet, for ``/-/ready``; it must not block.
        limits: how many connections are kept, and how long a client may take.
        metrics: counts the scrapes; give it to the page as a source.

    Example:
        >>> from genotel.exposition.page import Page
        >>> with PageServer(Page(), port=0) as server:
        ...     server.url == f"http://127.0.0.1:{server.port}/metrics"
        True
    """

    def __init__(
        self,
        page: RenderedPage,
        *,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        max_concurrent_scrapes: int = DEFAULT_MAX_CONCURRENT_SCRAPES,
        ready: Callable[[], bool] = lambda: True,
        limits: Limits | None = None,
        metrics: ScrapeMetrics | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.port = port
        self.metrics = metrics or ScrapeMetrics(clock)
        self._page = page
        self._host = host
        self._max_concurrent_scrapes = max_concurrent_scrapes
        self._routes = Routes(ready)
        self._limits = limits or Limits()
        self._clock = clock
        self._loop: ConnectionLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Return the page's address as a client on this machine can open it."""
        host = _WILDCARD_LOOPBACKS.get(self._host, self._host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}{METRICS_PATH}"

    def start(self) -> None:
        """Bind and serve.

        Raises:
            OSError: the address is taken or not ours.
            RuntimeError: it serves already.
        """
        if self._loop is not None:
            raise RuntimeError("this server serves already; close it first")
        listener = _listen(self._host, self.port)
        try:
            self.port = listener.getsockname()[1]
            self._loop = ConnectionLoop(
                listener,
                page=self._page,
                max_scrapes=self._max_concurrent_scrapes,
                routes=self._routes,
                metrics=self.metrics,
                limits=self._limits,
                clock=self._clock,
            )
        except BaseException:
            listener.close()
            raise
        self._thread = threading.Thread(target=self._loop.run, name="genotel-page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Accept no more, finish the answers under way for at most ``limits.drain_seconds``, and end."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.stop()
            thread.join(self._limits.drain_seconds + 1.0)

    def after_fork(self) -> None:
        """Let go, in a forked child, of what belongs to the parent: its socket and its clients.

        The threads did not come along. The child may call :meth:`start` for a page of its own.
        """
        loop = self._loop
        self._loop = self._thread = None
        if loop is not None:
            loop.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _listen(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # Of a name with both (localhost), the address that every client tries.
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    listener = socket.socket(family, kind, protocol)
    try:
        # A restart need not wait for the old connections' TIME_WAIT; two servers still cannot share a port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6 and host == "::":
            with contextlib.suppress(OSError):
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener
