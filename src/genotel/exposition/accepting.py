"""Take new connections from every socket that listens, and take a rest where the process can have no more."""

from __future__ import annotations

import errno
import selectors
import socket
from collections.abc import Sequence

from genotel.clock import Clock

# Connections taken at one go, before those that are there get their turn.
_ACCEPT_BATCH = 64
# After the process ran out of descriptors: accepting again at once would spin.
_ACCEPT_PAUSE_SECONDS = 1.0
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Listeners:
    """Watch listening sockets together; for the server's own thread.

    Attributes:
        again_at: monotonic seconds at which a rest ends; None where there is none.
    """

    def __init__(self, sockets: Sequence[socket.socket], selector: selectors.BaseSelector, clock: Clock) -> None:
        self.again_at: float | None = None
        self._sockets = tuple(sockets)
        self._selector = selector
        self._clock = clock
        self._watch()

    def accept(self, listener: socket.socket) -> tuple[list[socket.socket], bool]:
        """Return the clients that wait, and whether the process is out of descriptors, which begins a rest.

        Raises:
            OSError: the socket does not listen any more.
        """
        clients: list[socket.socket] = []
        while len(clients) < _ACCEPT_BATCH:
            try:
                client, _address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                break
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._unwatch()
                self.again_at = self._clock.monotonic() + _ACCEPT_PAUSE_SECONDS
                return clients, True
            client.setblocking(False)
            clients.append(client)
        return clients, False

    def resume(self, now: float) -> None:
        """Listen again once the rest is over."""
        if self.again_at is not None and self.again_at <= now:
            self.again_at = None
            self._watch()

    def stop(self) -> None:
        """Take no more: whoever comes is refused by the system, or waits for the next server of the socket."""
        self.again_at = None
        self._unwatch()
        self.close()

    def close(self) -> None:
        """Close the sockets and nothing else."""
        for listener in self._sockets:
            listener.close()

    def _watch(self) -> None:
        for listener in self._sockets:
            self._selector.register(listener, selectors.EVENT_READ, self)

    def _unwatch(self) -> None:
        watched = self._selector.get_map()
        for listener in self._sockets:
            if listener in watched:
                self._selector.unregister(listener)
