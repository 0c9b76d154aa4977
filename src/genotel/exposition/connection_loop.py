"""The one thread that talks to all clients: it accepts, reads, answers, and never waits for anybody.

Silent, slow and dead clients cost a descriptor and a deadline, no thread; a page is rendered
elsewhere (:mod:`genotel.exposition.rendering`) and comes back through :meth:`ConnectionLoop.deliver`.
"""

from __future__ import annotations

import errno
import selectors
import socket
from collections import deque
from dataclasses import dataclass
from http import HTTPStatus

from genotel import guard
from genotel.clock import Clock
from genotel.exposition.answer import Answer, head_bytes, plain, unavailable
from genotel.exposition.connection import Connection, Phase
from genotel.exposition.rendering import RenderedPage, Rendering, RenderThread
from genotel.exposition.request import BadRequestError
from genotel.exposition.routes import Routes
from genotel.exposition.scrape_metrics import ScrapeMetrics
from genotel.exposition.scrape_request import Scrape, page_answer

# Connections taken at one go, before those that are there get their turn.
_ACCEPT_BATCH = 64
# After the process ran out of descriptors: accepting again at once would spin.
_ACCEPT_PAUSE_SECONDS = 1.0
_LINGER_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bound what clients may take: counts, and seconds from a state's begin to its end.

    ``idle_seconds`` is longer than Prometheus keeps an idle connection (5 minutes), so that the
    client closes first and never sends a scrape into a closing connection.
    """

    connections: int = 256
    read_seconds: float = 10.0
    write_seconds: float = 30.0
    idle_seconds: float = 330.0
    drain_seconds: float = 5.0


class ConnectionLoop:
    """Serve clients until :meth:`stop`; everything but ``deliver`` and ``stop`` runs in one thread."""

    def __init__(
        self,
        listener: socket.socket,
        *,
        page: RenderedPage,
        max_scrapes: int,
        routes: Routes,
        metrics: ScrapeMetrics,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._listener = listener
        self._routes = routes
        self._renderer = RenderThread(page, self.deliver, max_scrapes=max_scrapes, clock=clock)
        self._metrics = metrics
        self._limits = limits
        self._clock = clock
        self._connections: set[Connection] = set()
        self._scrapes: dict[Scrape, Connection] = {}
        self._delivered: deque[tuple[Scrape, Rendering | None]] = deque()
        self._stopping = False
        self._drain_deadline: float | None = None
        self._accept_again: float | None = None
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ)
        self._selector.register(listener, selectors.EVENT_READ)

    def deliver(self, scrape: Scrape, rendering: Rendering | None) -> None:
        """Hand over the page of a scrape, or None after a fault of ours; from any thread."""
        self._delivered.append((scrape, rendering))
        self._wake()

    def stop(self) -> None:
        """Accept no more, finish the answers under way, and end; from any thread."""
        self._stopping = True
        self._wake()

    def run(self) -> None:
        """Serve until stopped."""
        try:
            while not self._stopping or self._is_draining():
                self._turn()
        except Exception as error:
            # Somebody closed our descriptors, say: a loop would only spin.
            guard.report("exposition.server", error)
        finally:
            self.release()
            # A source that hangs keeps its thread, which is a daemon and talks to nobody any more.
            self._renderer.stop(timeout_seconds=0.1)

    def release(self) -> None:
        """Close every descriptor and nothing else: in a forked child they belong to the parent too."""
        self._selector.close()
        for opened in (self._listener, self._wake_receiver, self._wake_sender):
            opened.close()
        for connection in self._connections:
            connection.socket.close()
        self._connections.clear()

    def _wake(self) -> None:
        try:
            self._wake_sender.send(b"\0")
        except OSError:
            # Full: it is awake already. Closed: it has ended.
            return

    def _turn(self) -> None:
        now = self._clock.monotonic()
        deadlines = [connection.deadline for connection in self._connections]
        deadlines += [at for at in (self._accept_again, self._drain_deadline) if at is not None]
        for key, _ in self._selector.select(max(0.0, min(deadlines) - now) if deadlines else None):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._wake_receiver:
                self._wake_receiver.recv(4096)
            elif key.data in self._connections:
                self._serve(key.data)
        while self._delivered:
            self._take_delivery(*self._delivered.popleft())
        self._expire(self._clock.monotonic())

    def _is_draining(self) -> bool:
        """Close what is idle once the server stops; return whether answers are still under way."""
        now = self._clock.monotonic()
        if self._drain_deadline is None:
            self._drain_deadline = now + self._limits.drain_seconds
            self._accept_again = None
            if self._listener in self._selector.get_map():
                self._selector.unregister(self._listener)
            self._listener.close()
        for connection in [c for c in self._connections if c.phase in (Phase.IDLE, Phase.READING)]:
            self._drop(connection)
        return bool(self._connections) and now < self._drain_deadline

    def _accept(self) -> None:
        for _ in range(_ACCEPT_BATCH):
            try:
                client, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    raise
                self._make_room()
                self._selector.unregister(self._listener)
                self._accept_again = self._clock.monotonic() + _ACCEPT_PAUSE_SECONDS
                return
            client.setblocking(False)
            if len(self._connections) >= self._limits.connections and not self._make_room():
                client.close()
                continue
            now = self._clock.monotonic()
            connection = Connection(client, now, now + self._limits.read_seconds)
            self._connections.add(connection)
            self._watch(connection, selectors.EVENT_READ)

    def _make_room(self) -> bool:
        """Drop the connection that matters least, never one whose page is being rendered."""
        droppable = [connection for connection in self._connections if connection.phase < Phase.RENDERING]
        if not droppable:
            return False
        self._drop(min(droppable, key=lambda connection: (connection.phase, connection.since)))
        return True

    def _serve(self, connection: Connection) -> None:
        """Take what the client has sent, and do what can be done now."""
        if connection.watched & selectors.EVENT_READ:
            before = connection.phase
            try:
                connection.receive()
            except OSError:
                self._drop(connection)
                return
            if before is Phase.IDLE and connection.phase is Phase.READING:
                self._begin(connection, self._limits.read_seconds)
        if not connection.lingering:
            self._advance(connection)
        elif connection.finished:
            self._drop(connection)

    def _advance(self, connection: Connection) -> None:
        """Go from answer to request to answer until the client, or the page, has to be waited for."""
        try:
            while connection.send():
                if connection.scrape is not None:
                    reads = not connection.finished and not connection.is_full
                    self._watch(connection, selectors.EVENT_READ if reads else 0)
                    return
                if connection.closing:
                    self._end(connection)
                    return
                if not self._take_request(connection):
                    return
            self._watch(connection, selectors.EVENT_WRITE)
        except OSError:
            self._drop(connection)
        except Exception as error:
            self._drop(connection)
            guard.report("exposition.connection", error)

    def _take_request(self, connection: Connection) -> bool:
        """Answer the next request, or hand it to the renderer; return False where there is none yet."""
        answered, connection.request = connection.request, None
        try:
            request = connection.take_request()
            if request is None:
                if connection.finished:
                    self._drop(connection)
                    return False
                if answered is not None:
                    idle = connection.phase is Phase.IDLE
                    self._begin(connection, self._limits.idle_seconds if idle else self._limits.read_seconds)
                self._watch(connection, selectors.EVENT_READ)
                return False
            connection.request = request
            answer = self._routes.answer(request)
        except BadRequestError as error:
            connection.closing = True
            answer = plain(error.status)
        if isinstance(answer, Answer):
            self._answer(connection, answer)
        elif self._renderer.submit(answer):
            connection.scrape = answer
            self._scrapes[answer] = connection
            self._begin(connection, answer.limit_seconds)
        else:
            self._answer_scrape(connection, answer, unavailable())
        return True

    def _take_delivery(self, scrape: Scrape, rendering: Rendering | None) -> None:
        connection = self._scrapes.pop(scrape, None)
        if connection is None:
            # Its client has gone or has had its 503.
            return
        connection.scrape = None
        if rendering is None:
            self._answer_scrape(connection, scrape, plain(HTTPStatus.INTERNAL_SERVER_ERROR))
        else:
            answer = page_answer(scrape, rendering.body, compressed=rendering.compressed)
            self._answer_scrape(connection, scrape, answer, page_bytes=rendering.page_bytes)
        self._advance(connection)

    def _answer_scrape(
        self, connection: Connection, scrape: Scrape, answer: Answer, *, page_bytes: int | None = None
    ) -> None:
        self._metrics.count(scrape.format.name, answer.status.value, page_bytes=page_bytes)
        self._answer(connection, answer)

    def _answer(self, connection: Connection, answer: Answer) -> None:
        request = connection.request
        if request is None or not request.reusable or self._stopping:
            connection.closing = True
        head = head_bytes(answer, now=self._clock.wall(), reusable=not connection.closing)
        connection.queue(head, b"" if request is not None and request.method == "HEAD" else answer.body)
        self._begin(connection, self._limits.write_seconds)

    def _expire(self, now: float) -> None:
        """End what takes too long, and accept again after a pause."""
        if self._accept_again is not None and self._accept_again <= now:
            self._accept_again = None
            self._selector.register(self._listener, selectors.EVENT_READ)
        for connection in [connection for connection in self._connections if connection.deadline <= now]:
            if connection.scrape is not None:
                scrape = connection.scrape
                self._withdraw(connection)
                self._answer_scrape(connection, scrape, unavailable())
                self._advance(connection)
            elif connection.phase is Phase.READING:
                connection.closing = True
                self._answer(connection, plain(HTTPStatus.REQUEST_TIMEOUT))
                self._advance(connection)
            else:
                self._drop(connection)

    def _withdraw(self, connection: Connection) -> None:
        if connection.scrape is not None:
            self._renderer.withdraw(connection.scrape)
            self._scrapes.pop(connection.scrape, None)
            connection.scrape = None

    def _end(self, connection: Connection) -> None:
        """Close behind the last answer, once the client has it."""
        if connection.finished:
            self._drop(connection)
            return
        connection.linger()
        self._begin(connection, _LINGER_SECONDS)
        self._watch(connection, selectors.EVENT_READ)

    def _drop(self, connection: Connection) -> None:
        self._withdraw(connection)
        self._watch(connection, 0)
        connection.close()
        self._connections.discard(connection)

    def _begin(self, connection: Connection, seconds: float) -> None:
        connection.since = self._clock.monotonic()
        connection.deadline = connection.since + seconds

    def _watch(self, connection: Connection, events: int) -> None:
        """Register for these events; most turns change nothing and cost no system call."""
        if events == connection.watched:
            return
        if not events:
            self._selector.unregister(connection.socket)
        elif connection.watched:
            self._selector.modify(connection.socket, events, connection)
        else:
            self._selector.register(connection.socket, events, connection)
        connection.watched = events
