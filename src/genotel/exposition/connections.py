"""The connections that are open: how many there may be, what is watched of each, and which one makes room."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Iterator

from genotel.clock import Clock
from genotel.exposition.connection import Connection, Phase
from genotel.exposition.limits import Limits

_LINGER_SECONDS = 1.0


class Connections:
    """Hold the open connections; for the server's own thread.

    Args:
        selector: watches their sockets.
        limits: how many there may be, and how long each may take for what.
        clock: measures that.
        connection_type: what a client becomes.
        withdraw: called with a connection that is dropped, to forget what it waits for.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        limits: Limits,
        clock: Clock,
        *,
        connection_type: type[Connection],
        withdraw: Callable[[Connection], None],
    ) -> None:
        self._selector = selector
        self._limits = limits
        self._clock = clock
        self._connection_type = connection_type
        self._withdraw = withdraw
        self._open: set[Connection] = set()

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._open))

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._open

    def add(self, client: socket.socket) -> None:
        """Take a client, or hang up where there are too many that matter more."""
        if len(self._open) >= self._limits.connections and not self.make_room():
            client.close()
            return
        now = self._clock.monotonic()
        connection = self._connection_type(client, now, now + self._limits.read_seconds)
        self._open.add(connection)
        self.watch(connection, selectors.EVENT_READ)

    def make_room(self) -> bool:
        """Drop the connection that matters least, never one whose page is being rendered."""
        droppable = [connection for connection in self._open if connection.phase < Phase.RENDERING]
        if not droppable:
            return False
        self.drop(min(droppable, key=lambda connection: (connection.phase, connection.since)))
        return True

    def drop(self, connection: Connection) -> None:
        """Close a connection, whatever it is doing."""
        self._withdraw(connection)
        self.watch(connection, 0)
        connection.close()
        self._open.discard(connection)

    def end(self, connection: Connection) -> None:
        """Close behind the last answer, once the client has it.

        Raises:
            OSError: the connection is lost.
        """
        if connection.finished:
            self.drop(connection)
            return
        connection.linger()
        self.begin(connection, _LINGER_SECONDS)
        self.watch(connection, selectors.EVENT_READ)

    def begin(self, connection: Connection, seconds: float) -> None:
        """Give a connection so long for what it does from now on."""
        connection.since = self._clock.monotonic()
        connection.deadline = connection.since + seconds

    def watch(self, connection: Connection, events: int) -> None:
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

    def release(self) -> None:
        """Close the sockets and nothing else: in a forked child they belong to the parent too."""
        for connection in self._open:
            connection.socket.close()
        self._open.clear()
