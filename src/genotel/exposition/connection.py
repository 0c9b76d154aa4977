"""One client's connection: its socket, what was received and not yet read, what is yet to be sent."""

from __future__ import annotations

import contextlib
import socket
import struct
from enum import IntEnum

from genotel.exposition.gate import Examination
from genotel.exposition.request import MAX_HEAD_BYTES, Request, find_head_end, parse_head
from genotel.exposition.scrape_request import Scrape

_RECEIVE_BYTES = 16 * 1024
# struct linger: on, 0 seconds.
_RESET = struct.pack("ii", 1, 0)


class Phase(IntEnum):
    """Name what a connection is doing; the lower, the sooner it makes room for a new one."""

    LINGERING = 0
    IDLE = 1
    READING = 2
    EXAMINING = 3
    WRITING = 4
    RENDERING = 5


class Connection:
    """Keep the state of one connection; for the server's own thread.

    Attributes:
        deadline: monotonic seconds at which what it is doing has to be done.
        since: monotonic seconds at which it began.
        request: the request that is being answered.
        scrape: the page that the request waits for.
        examination: what the request waits for before it is let in.
        closing: whether the connection ends with the answer under way.
        finished: whether the client has said that it sends no more.
        watched: the selector events that are registered for it.
    """

    __slots__ = (
        "_pending",
        "_received",
        "_scanned",
        "closing",
        "deadline",
        "examination",
        "finished",
        "lingering",
        "request",
        "scrape",
        "since",
        "socket",
        "watched",
    )

    def __init__(self, client: socket.socket, now: float, deadline: float) -> None:
        self.socket = client
        self.deadline = deadline
        self.since = now
        self.request: Request | None = None
        self.scrape: Scrape | None = None
        self.examination: Examination | None = None
        self.closing = False
        self.lingering = False
        self.finished = False
        self.watched = 0
        self._received = bytearray()
        self._scanned = 0
        self._pending: list[memoryview] = []

    @property
    def phase(self) -> Phase:
        """Return what the connection is doing."""
        if self.lingering:
            return Phase.LINGERING
        if self.scrape is not None:
            return Phase.RENDERING
        if self._pending:
            return Phase.WRITING
        if self.examination is not None:
            return Phase.EXAMINING
        return Phase.READING if self._received else Phase.IDLE

    @property
    def waits(self) -> bool:
        """Return whether the request waits for another thread."""
        return self.scrape is not None or self.examination is not None

    @property
    def is_full(self) -> bool:
        """Return whether as much as one request may have was received ahead."""
        return len(self._received) > MAX_HEAD_BYTES

    def receive(self) -> None:
        """Take what has arrived; bytes that come while lingering are thrown away.

        Raises:
            OSError: the connection is lost.
        """
        try:
            received = self.socket.recv(_RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        if not received:
            self.finished = True
        elif not self.lingering:
            self._received += received

    def take_request(self) -> Request | None:
        """Return the next request, or None where more bytes are needed.

        Raises:
            BadRequestError: what was received is no request that can be answered.
        """
        end = find_head_end(self._received, self._scanned)
        if end < 0:
            self._scanned = len(self._received)
            return None
        head = bytes(self._received[:end])
        del self._received[:end]
        self._scanned = 0
        return parse_head(head)

    def queue(self, head: bytes, body: bytes) -> None:
        """Put an answer behind what is still to be sent; the body is not copied."""
        self._pending.append(memoryview(head))
        if body:
            self._pending.append(memoryview(body))

    def send(self) -> bool:
        """Send what fits now; return whether nothing is left.

        Raises:
            OSError: the connection is lost.
        """
        while self._pending:
            try:
                sent = self.socket.sendmsg(self._pending)
            except (BlockingIOError, InterruptedError):
                return False
            while self._pending and sent >= len(self._pending[0]):
                sent -= len(self._pending.pop(0))
            if sent:
                self._pending[0] = self._pending[0][sent:]
        return True

    def linger(self) -> None:
        """Tell the client that nothing more comes, and go on listening.

        To close with bytes unread would make the kernel throw away the answer on its way.

        Raises:
            OSError: the connection is lost.
        """
        self.lingering = True
        self._received.clear()
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the socket; what a slow client has not taken is thrown away, not kept by the kernel."""
        if self._pending:
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.socket.close()
