"""One connection's buffers, on a pair of sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from genotel.exposition.connection import Connection, Phase


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    """Give a connection and its client's end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        connection = Connection(ours, 0.0, 1.0)
        yield connection, theirs
        connection.close()


def test_nothing_to_receive_is_nothing(pair: tuple[Connection, socket.socket]) -> None:
    """A wake-up without bytes changes nothing; the end of the client is not an error."""
    connection, client = pair
    connection.receive()
    assert (connection.phase, connection.finished) == (Phase.IDLE, False)
    client.close()
    connection.receive()
    assert connection.finished


def test_phases_follow_what_is_done(pair: tuple[Connection, socket.socket]) -> None:
    """Idle, reading, writing, lingering: in this order a connection loses its claim to its place."""
    connection, client = pair
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    connection.receive()
    assert connection.phase is Phase.READING
    request = connection.take_request()
    assert request is not None
    assert request.path == "/"
    connection.queue(b"head", b"")
    assert connection.phase is Phase.WRITING
    assert connection.send()
    assert client.recv(10) == b"head"
    connection.linger()
    assert connection.phase is Phase.LINGERING
    assert client.recv(10) == b""
    client.sendall(b"too late")
    connection.receive()
    assert connection.take_request() is None


def test_large_answer_goes_in_pieces(pair: tuple[Connection, socket.socket]) -> None:
    """What the client does not take yet waits, and nothing is lost or doubled."""
    connection, client = pair
    body = bytes(range(256)) * 10_000
    connection.queue(b"head", body)
    received = bytearray()
    while not connection.send():
        received += client.recv(1 << 16)
    while len(received) < len(body) + 4:
        received += client.recv(1 << 16)
    assert received == b"head" + body


def test_close_throws_away_what_was_not_taken(pair: tuple[Connection, socket.socket]) -> None:
    """A client that never reads does not make the kernel keep its answer."""
    connection, client = pair
    connection.queue(b"head", bytes(10_000_000))
    assert not connection.send()
    connection.close()
    client.close()
    connection.close()


def test_a_part_that_is_cut_goes_on_where_it_was_cut(pair: tuple[Connection, socket.socket]) -> None:
    """With several answers waiting, the rest of the first one goes before the others."""
    connection, client = pair
    first, second = b"a" * 3_000_000, b"b" * 1_000
    connection.queue(first, b"")
    connection.queue(second, b"")
    received = bytearray()
    while not connection.send():
        received += client.recv(1 << 20)
    client.settimeout(1)
    while len(received) < len(first) + len(second):
        received += client.recv(1 << 20)
    assert bytes(received) == first + second
