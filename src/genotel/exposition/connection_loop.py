"""The one thread that talks to all clients: it accepts, reads, answers, and never waits for anybody.

Silent, slow and dead clients cost a descriptor and a deadline, no thread; a page is rendered
elsewhere (:mod:`genotel.exposition.rendering`) and comes back through :meth:`ConnectionLoop.deliver`; so
are TLS handshakes done (:mod:`genotel.exposition.handshakes`) and passwords compared
(:mod:`genotel.exposition.examining`).
"""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus

from genotel import guard
from genotel.clock import Clock
from genotel.exposition.accepting import Listeners
from genotel.exposition.answer import Answer, head_bytes, plain, unavailable
from genotel.exposition.connection import Connection, Phase
from genotel.exposition.connections import Connections
from genotel.exposition.examining import ExaminingThread
from genotel.exposition.gate import Examination, Gate
from genotel.exposition.limits import Limits
from genotel.exposition.negotiation import negotiate
from genotel.exposition.rendering import RenderedPage, Rendering, RenderThread
from genotel.exposition.request import BadRequestError, Request
from genotel.exposition.routes import METRICS_PATH, Routes
from genotel.exposition.scrape_metrics import ScrapeMetrics
from genotel.exposition.scrape_request import Scrape, page_answer


class ConnectionLoop:
    """Serve clients until :meth:`stop`; everything but ``stop`` and the deliveries runs in one thread.

    Args:
        listeners: where clients connect; they are closed at the end.
        page: what is rendered.
        max_scrapes: how many of them at once; as many passwords may wait to be compared.
        routes: what is answered where.
        metrics: counts the scrapes.
        limits: what clients may take.
        clock: measures that.
        gate: who may pass; everybody where there is none.
    """

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        *,
        page: RenderedPage,
        max_scrapes: int,
        routes: Routes,
        metrics: ScrapeMetrics,
        limits: Limits,
        clock: Clock,
        gate: Gate | None = None,
    ) -> None:
        self._gate = gate
        self._examiner = None if gate is None else ExaminingThread(gate, self.deliver_verdict, max_waiting=max_scrapes)
        self._routes = routes
        self._renderer = RenderThread(page, self.deliver, max_scrapes=max_scrapes, clock=clock)
        self._metrics = metrics
        self._limits = limits
        self._clock = clock
        self._scrapes: dict[Scrape, Connection] = {}
        self._examinations: dict[Examination, Connection] = {}
        self._delivered: deque[Callable[[], None]] = deque()
        self._stopping = False
        self._drain_deadline: float | None = None
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ)
        self._listeners = Listeners(listeners, self._selector, clock)
        connection_type: type[Connection] = Connection
        self._handshakes = None
        if gate is not None and gate.is_tls:
            # Imported here: programs without TLS need not have OpenSSL in memory.
            from genotel.exposition.handshakes import HandshakeThread
            from genotel.exposition.tls_connection import TlsConnection

            connection_type = TlsConnection
            self._handshakes = HandshakeThread(gate, self._wake, limits=limits, clock=clock)
        self._connections = Connections(
            self._selector, limits, clock, connection_type=connection_type, withdraw=self._withdraw
        )

    def deliver(self, scrape: Scrape, rendering: Rendering | None) -> None:
        """Hand over the page of a scrape, or None after a fault of ours; from any thread."""
        self._delivered.append(partial(self._take_delivery, scrape, rendering))
        self._wake()

    def deliver_verdict(self, examination: Examination, refusal: Answer | None) -> None:
        """Hand over what an examination came to; from any thread."""
        self._delivered.append(partial(self._take_verdict, examination, refusal))
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
            if self._examiner is not None:
                self._examiner.stop(timeout_seconds=0.1)

    def release(self) -> None:
        """Close every descriptor and nothing else: in a forked child they belong to the parent too."""
        self._selector.close()
        self._listeners.close()
        self._wake_receiver.close()
        self._wake_sender.close()
        if self._handshakes is not None:
            self._handshakes.release()
        self._connections.release()

    def _wake(self) -> None:
        try:
            self._wake_sender.send(b"\0")
        except OSError:
            # Full: it is awake already. Closed: it has ended.
            return

    def _turn(self) -> None:
        now = self._clock.monotonic()
        deadlines = [connection.deadline for connection in self._connections]
        deadlines += [at for at in (self._listeners.again_at, self._drain_deadline) if at is not None]
        for key, _ in self._selector.select(max(0.0, min(deadlines) - now) if deadlines else None):
            if key.data is self._listeners:
                self._accept(key.fileobj)  # type: ignore[arg-type]  # it was registered as a socket
            elif key.fileobj is self._wake_receiver:
                self._wake_receiver.recv(4096)
            elif key.data in self._connections:
                self._serve(key.data)
        if self._handshakes is not None:
            for client in self._handshakes.finished():
                self._connections.add(client)
        while self._delivered:
            self._delivered.popleft()()
        self._expire(self._clock.monotonic())

    def _is_draining(self) -> bool:
        """Close what is idle once the server stops; return whether answers are still under way."""
        now = self._clock.monotonic()
        if self._drain_deadline is None:
            self._drain_deadline = now + self._limits.drain_seconds
            self._listeners.stop()
            if self._handshakes is not None:
                self._handshakes.stop(timeout_seconds=0.1)
        for connection in [c for c in self._connections if c.phase in (Phase.IDLE, Phase.READING)]:
            self._connections.drop(connection)
        return bool(self._connections) and now < self._drain_deadline

    def _accept(self, listener: socket.socket) -> None:
        clients, exhausted = self._listeners.accept(listener)
        for client in clients:
            if self._handshakes is None:
                self._connections.add(client)
            else:
                self._handshakes.take(client)
        if exhausted:
            self._connections.make_room()

    def _serve(self, connection: Connection) -> None:
        """Take what the client has sent, and do what can be done now."""
        if connection.watched & selectors.EVENT_READ:
            before = connection.phase
            try:
                connection.receive()
            except OSError:
                self._connections.drop(connection)
                return
            if before is Phase.IDLE and connection.phase is Phase.READING:
                self._connections.begin(connection, self._limits.read_seconds)
        if not connection.lingering:
            self._advance(connection)
        elif connection.finished:
            self._connections.drop(connection)

    def _advance(self, connection: Connection) -> None:
        """Go from answer to request to answer until the client, or the page, has to be waited for."""
        try:
            while connection.send():
                if connection.waits:
                    reads = not connection.finished and not connection.is_full
                    self._connections.watch(connection, selectors.EVENT_READ if reads else 0)
                    return
                if connection.closing:
                    self._connections.end(connection)
                    return
                if not self._take_request(connection):
                    return
            self._connections.watch(connection, selectors.EVENT_WRITE)
        except OSError:
            self._connections.drop(connection)
        except Exception as error:
            self._connections.drop(connection)
            guard.report("exposition.connection", error)

    def _take_request(self, connection: Connection) -> bool:
        """Answer the next request, or hand it to the renderer; return False where there is none yet."""
        answered, connection.request = connection.request, None
        try:
            request = connection.take_request()
            if request is None:
                if connection.finished:
                    self._connections.drop(connection)
                    return False
                if answered is not None:
                    idle = connection.phase is Phase.IDLE
                    self._connections.begin(
                        connection, self._limits.idle_seconds if idle else self._limits.read_seconds
                    )
                self._connections.watch(connection, selectors.EVENT_READ)
                return False
        except BadRequestError as error:
            self._break_off(connection, error.status)
            return True
        connection.request = request
        refusal = None if self._gate is None else self._gate.examine(request)
        if refusal is None:
            self._respond(connection, request)
        else:
            self._hold(connection, request, refusal)
        return True

    def _respond(self, connection: Connection, request: Request) -> None:
        try:
            answer = self._routes.answer(request)
        except BadRequestError as error:
            self._break_off(connection, error.status)
            return
        if isinstance(answer, Answer):
            self._answer(connection, answer)
        elif self._renderer.submit(answer):
            connection.scrape = answer
            self._scrapes[answer] = connection
            self._connections.begin(connection, answer.limit_seconds)
        else:
            self._answer_scrape(connection, answer, unavailable())

    def _hold(self, connection: Connection, request: Request, refusal: Answer | Examination) -> None:
        """Refuse a request, or keep it until it is known whether to."""
        if isinstance(refusal, Answer):
            self._refuse(connection, request, refusal)
        elif self._examiner is not None and self._examiner.submit(refusal):
            connection.examination = refusal
            self._examinations[refusal] = connection
            self._connections.begin(connection, self._limits.examine_seconds)
        else:
            self._refuse(connection, request, unavailable())

    def _refuse(self, connection: Connection, request: Request, answer: Answer) -> None:
        if request.path == METRICS_PATH:
            self._metrics.count(negotiate(request.headers.get("accept", "")).name, answer.status.value)
        self._answer(connection, answer)

    def _take_verdict(self, examination: Examination, refusal: Answer | None) -> None:
        connection = self._examinations.pop(examination, None)
        if connection is None:
            # Its client has gone or has had its 503.
            return
        connection.examination = None
        if refusal is None:
            self._respond(connection, examination.request)
        else:
            self._refuse(connection, examination.request, refusal)
        self._advance(connection)

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

    def _break_off(self, connection: Connection, status: HTTPStatus) -> None:
        connection.closing = True
        self._answer(connection, plain(status))

    def _answer(self, connection: Connection, answer: Answer) -> None:
        request = connection.request
        if request is None or not request.reusable or self._stopping:
            connection.closing = True
        if self._gate is not None:
            answer = self._gate.dress(answer)
        head = head_bytes(answer, now=self._clock.wall(), reusable=not connection.closing)
        connection.queue(head, b"" if request is not None and request.method == "HEAD" else answer.body)
        self._connections.begin(connection, self._limits.write_seconds)

    def _expire(self, now: float) -> None:
        """End what takes too long, and accept again after a pause."""
        self._listeners.resume(now)
        for connection in [connection for connection in self._connections if connection.deadline <= now]:
            scrape, examination = connection.scrape, connection.examination
            self._withdraw(connection)
            if scrape is not None:
                self._answer_scrape(connection, scrape, unavailable())
                self._advance(connection)
            elif examination is not None:
                self._refuse(connection, examination.request, unavailable())
                self._advance(connection)
            elif connection.phase is Phase.READING:
                self._break_off(connection, HTTPStatus.REQUEST_TIMEOUT)
                self._advance(connection)
            else:
                self._connections.drop(connection)

    def _withdraw(self, connection: Connection) -> None:
        if connection.scrape is not None:
            self._renderer.withdraw(connection.scrape)
            self._scrapes.pop(connection.scrape, None)
            connection.scrape = None
        if connection.examination is not None and self._examiner is not None:
            self._examiner.withdraw(connection.examination)
            self._examinations.pop(connection.examination, None)
            connection.examination = None
