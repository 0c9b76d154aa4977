"""Do TLS handshakes in one thread of their own, none of them waiting for another.

A client that connects and says nothing costs a descriptor and a deadline here, and nobody else anything;
the arithmetic of a handshake delays no answer that is under way.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from genotel import guard
from genotel.clock import Clock
from genotel.exposition.gate import Gate
from genotel.exposition.limits import Limits
from genotel.exposition.tls_context import has_allowed_san
from genotel.semconv.attributes import (
    HANDSHAKE_DONE,
    HANDSHAKE_FAILED,
    HANDSHAKE_NAME,
    HANDSHAKE_PLAIN,
    HANDSHAKE_TIMEOUT,
)

# RFC 8446 §5.1: the first byte of a record with a handshake in it.
_HANDSHAKE_RECORD = b"\x16"
# In the words of Go's server, which operators know.
_PLAIN_TEXT = b"Client sent an HTTP request to an HTTPS server.\n"
_PLAIN_ANSWER = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" + _PLAIN_TEXT
)


class _Handshake:
    """Keep one connection that is not trusted yet; ``tls`` is there once the client has spoken."""

    __slots__ = ("allowed_sans", "client", "deadline", "tls")

    def __init__(self, client: socket.socket, deadline: float) -> None:
        self.client = client
        self.deadline = deadline
        self.tls: ssl.SSLSocket | None = None
        self.allowed_sans: tuple[str, ...] = ()

    def close(self) -> None:
        (self.tls or self.client).close()


class HandshakeThread:
    """Turn plain connections into TLS ones.

    Args:
        gate: tells the terms, asked anew for each connection, and counts how handshakes end.
        notify: called in the thread when a connection has finished, to be fetched by :meth:`finished`.
        limits: how many may be under way, of which then the oldest makes room, and how long one may take.
        clock: measures that.

    The thread starts with the first connection and is a daemon.
    """

    def __init__(
        self,
        gate: Gate,
        notify: Callable[[], None],
        *,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._gate = gate
        self._notify = notify
        self._limits = limits
        self._clock = clock
        self._arrived: deque[socket.socket] = deque()
        self._finished: deque[socket.socket] = deque()
        # In the order of their arrival, which is also that of their deadlines.
        self._handshakes: dict[int, _Handshake] = {}
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake_receiver, selectors.EVENT_READ)

    def take(self, client: socket.socket) -> None:
        """Take a connection that was accepted; from the server's own thread."""
        if self._stopping:
            client.close()
            return
        self._arrived.append(client)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="genotel-page-tls", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:
                # The process may have no more threads, or is ending.
                self._thread = None
                self._arrived.pop().close()
        self._wake()

    def finished(self) -> Iterator[socket.socket]:
        """Yield each connection whose handshake is done, once; from the server's own thread."""
        while self._finished:
            yield self._finished.popleft()

    def stop(self, timeout_seconds: float) -> None:
        """Hang up on everybody whose handshake is not done."""
        self._stopping = True
        self._wake()
        if self._thread is None:
            self.release()
        else:
            self._thread.join(timeout_seconds)

    def release(self) -> None:
        """Close every descriptor and nothing else: in a forked child they belong to the parent too."""
        self._selector.close()
        self._wake_receiver.close()
        self._wake_sender.close()
        for clients in (self._arrived, self._finished):
            while clients:
                clients.popleft().close()
        # The thread may still be at it, where a disk has kept it for longer than somebody would wait.
        for handshake in list(self._handshakes.values()):
            handshake.close()
        self._handshakes.clear()

    def _wake(self) -> None:
        # Full: it is awake already. Closed: it has ended.
        with suppress(OSError):
            self._wake_sender.send(b"\0")

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turn()
        except Exception as error:
            # Somebody closed our descriptors, say: a loop would only spin.
            if not self._stopping:
                guard.report("exposition.handshakes", error)
        finally:
            self._stopping = True
            self.release()

    def _turn(self) -> None:
        oldest = next(iter(self._handshakes.values()), None)
        wait = None if oldest is None else max(0.0, oldest.deadline - self._clock.monotonic())
        for key, _ in self._selector.select(wait):
            if key.fileobj is self._wake_receiver:
                self._wake_receiver.recv(4096)
            elif key.fd in self._handshakes:
                self._advance(self._handshakes[key.fd])
        while self._arrived:
            self._begin(self._arrived.popleft())
        now = self._clock.monotonic()
        for handshake in [handshake for handshake in self._handshakes.values() if handshake.deadline <= now]:
            self._end(handshake, HANDSHAKE_TIMEOUT)

    def _begin(self, client: socket.socket) -> None:
        if len(self._handshakes) >= self._limits.connections:
            self._end(next(iter(self._handshakes.values())), HANDSHAKE_TIMEOUT)
        self._handshakes[client.fileno()] = _Handshake(client, self._clock.monotonic() + self._limits.handshake_seconds)
        self._selector.register(client, selectors.EVENT_READ)

    def _advance(self, handshake: _Handshake) -> None:
        """Go as far as what has arrived allows."""
        try:
            tls = handshake.tls or self._wrap(handshake)
            if tls is None:
                return
            tls.do_handshake()
            fits = has_allowed_san(tls.getpeercert(), handshake.allowed_sans)
        except ssl.SSLWantReadError:
            self._selector.modify(handshake.tls, selectors.EVENT_READ)  # type: ignore[arg-type]  # it was wrapped
        except ssl.SSLWantWriteError:
            self._selector.modify(handshake.tls, selectors.EVENT_WRITE)  # type: ignore[arg-type]  # it was wrapped
        except OSError:
            self._end(handshake, HANDSHAKE_FAILED)
        except Exception as error:
            self._end(handshake, HANDSHAKE_FAILED)
            guard.report("exposition.handshake", error)
        else:
            if not fits:
                self._end(handshake, HANDSHAKE_NAME)
                return
            self._forget(handshake)
            self._gate.count_handshake(HANDSHAKE_DONE)
            self._finished.append(tls)
            self._notify()

    def _wrap(self, handshake: _Handshake) -> ssl.SSLSocket | None:
        """Return the connection in TLS, by the terms of this moment; None where it ended here."""
        first = handshake.client.recv(1, socket.MSG_PEEK)
        if first != _HANDSHAKE_RECORD:
            if first:
                # Short enough for any buffer; and read before it is closed, or the answer would be lost.
                handshake.client.send(_PLAIN_ANSWER)
                handshake.client.recv(65536)
                handshake.client.shutdown(socket.SHUT_WR)
            self._end(handshake, HANDSHAKE_PLAIN if first else HANDSHAKE_FAILED)
            return None
        terms = self._gate.tls_terms()
        handshake.allowed_sans = terms.allowed_sans
        number = handshake.client.fileno()
        self._selector.unregister(handshake.client)
        # The descriptor stays; the plain socket lets go of it.
        handshake.tls = terms.context.wrap_socket(handshake.client, server_side=True, do_handshake_on_connect=False)
        assert handshake.tls.fileno() == number
        self._selector.register(handshake.tls, selectors.EVENT_READ)
        return handshake.tls

    def _end(self, handshake: _Handshake, result: str) -> None:
        self._forget(handshake)
        handshake.close()
        self._gate.count_handshake(result)

    def _forget(self, handshake: _Handshake) -> None:
        opened = handshake.tls or handshake.client
        # Where wrapping failed it is registered no more, and may have no descriptor.
        with suppress(KeyError, ValueError):
            self._selector.unregister(opened)
        for number in [number for number, known in self._handshakes.items() if known is handshake]:
            del self._handshakes[number]
