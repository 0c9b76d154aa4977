"""Serve the page over HTTP: two daemon threads, whatever the number of clients.

This file is the server's life (bind, start, drain, fork); what a client sees is in ``routes.py``,
how connections are kept in ``connection_loop.py``, and how pages are made in ``rendering.py``.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.exposition.connection_loop import ConnectionLoop
from genotel.exposition.gate import Gate
from genotel.exposition.limits import Limits
from genotel.exposition.listening import (
    UNIX_PREFIX,
    host_of,
    identity_of,
    is_on_a_network,
    listen,
    port_of,
    remove_path,
)
from genotel.exposition.rendering import RenderedPage
from genotel.exposition.routes import METRICS_PATH, Routes
from genotel.exposition.scrape_metrics import ScrapeMetrics
from genotel.exposition.targets import ProcessPages

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 9464
# What node_exporter allows too.
DEFAULT_MAX_CONCURRENT_SCRAPES = 40

_WILDCARD_LOOPBACKS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read here, not bound to


class PageServer:
    """Serve a page until closed; a context manager.

    ``is_on_a_network`` says, once it serves, whether other machines can reach it.

    Args:
        page: what is rendered at ``/metrics``.
        host: the address to bind to; ``::`` takes IPv4 clients too where the system can, and
            ``unix:/path`` is a Unix socket.
        port: 0 takes any free one.
        max_concurrent_scrapes: more of them at once get a 503 with Retry-After.
        ready: whether there is data yet, for ``/-/ready``; it must not block.
        limits: how many connections are kept, and how long a client may take.
        metrics: counts the scrapes; give it to the page as a source.
        gate: who may pass, and whether TLS is spoken; everybody, and plain HTTP, where there is none.
        listeners: sockets that listen already and never block, to be served instead of an address.
        processes: the single processes behind the page, where they have pages of their own.

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
        gate: Gate | None = None,
        listeners: Sequence[socket.socket] = (),
        processes: ProcessPages | None = None,
    ) -> None:
        self.port = port
        self.metrics = metrics or ScrapeMetrics(clock)
        self._page = page
        self._host = host
        self._max_concurrent_scrapes = max_concurrent_scrapes
        self._routes = Routes(ready, processes)
        self._limits = limits or Limits()
        self._clock = clock
        self._gate = gate
        self._listeners = tuple(listeners)
        self._bound: tuple[socket.socket, ...] = ()
        self._path_identity: int | None = None
        self.is_on_a_network = False
        self._loop: ConnectionLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """Return what was bound to: ``host:port``, or ``unix:/path``."""
        if self._host.startswith(UNIX_PREFIX):
            return self._host
        return f"[{self._host}]:{self.port}" if ":" in self._host else f"{self._host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the page's address as a client on this machine can open it."""
        if self._host.startswith(UNIX_PREFIX):
            return self._host
        host = _WILDCARD_LOOPBACKS.get(self._host, self._host)
        scheme = "http" if self._gate is None or not self._gate.is_tls else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}{METRICS_PATH}"

    def bind(self) -> None:
        """Take the address, and let clients wait; :meth:`start` does it where it was not done.

        Raises:
            OSError: the address is taken or not ours.
        """
        if self._bound:
            return
        if self._listeners:
            self._bound, self._listeners = self._listeners, ()
            self._host = host_of(self._bound[0])
        else:
            self._bound = (listen(self._host, self.port),)
            self._path_identity = identity_of(self._host)
        self.port = port_of(self._bound[0])
        self.is_on_a_network = any(is_on_a_network(listener) for listener in self._bound)

    def start(self) -> None:
        """Bind and serve.

        Raises:
            OSError: the address is taken or not ours.
            RuntimeError: it serves already.
        """
        if self._loop is not None:
            raise RuntimeError("this server serves already; close it first")
        self.bind()
        try:
            self._loop = ConnectionLoop(
                self._bound,
                page=self._page,
                max_scrapes=self._max_concurrent_scrapes,
                routes=self._routes,
                metrics=self.metrics,
                limits=self._limits,
                clock=self._clock,
                gate=self._gate,
            )
        except BaseException:
            self._let_go()
            raise
        # They are the loop's from now on.
        self._bound = ()
        self._thread = threading.Thread(target=self._loop.run, name="genotel-page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Accept no more, finish the answers under way for at most ``limits.drain_seconds``, and end."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.stop()
            thread.join(self._limits.drain_seconds + 1.0)
        self._let_go()

    def after_fork(self) -> None:
        """Let go, in a forked child, of what belongs to the parent: its socket and its clients.

        The threads did not come along. The child may call :meth:`start` for a page of its own.
        """
        loop = self._loop
        self._loop = self._thread = None
        self._path_identity = None
        if loop is not None:
            loop.release()

    def _let_go(self) -> None:
        """Give back what was bound."""
        for listener in self._bound:
            listener.close()
        self._bound = ()
        if self._path_identity is not None:
            remove_path(self._host, self._path_identity)
            self._path_identity = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
