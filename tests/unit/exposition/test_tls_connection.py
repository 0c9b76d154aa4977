"""One connection through TLS: what does not fit, what comes in records, how it ends."""

from __future__ import annotations

import select
import socket
import ssl
import threading

import pytest

from genotel.exposition.connection import Phase
from genotel.exposition.tls_connection import TlsConnection


@pytest.fixture
def ends(authority, tmp_path):
    """Give a server's connection whose handshake is done, and its client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("localhost").write(tmp_path))
    first, second = socket.socketpair()
    first.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    second.settimeout(10)
    made = []
    shaking = threading.Thread(target=lambda: made.append(context.wrap_socket(first, server_side=True)))
    shaking.start()
    client = authority.client().wrap_socket(second, server_hostname="localhost")
    shaking.join(10)
    made[0].setblocking(False)
    connection = TlsConnection(made[0], 0.0, 1.0)
    yield connection, client
    connection.close()
    client.close()


def test_what_does_not_fit_waits_for_the_client(ends):
    """And arrives whole, in order."""
    connection, client = ends
    body = bytes(range(256)) * 2000
    connection.queue(b"head", body)
    assert not connection.send()
    assert connection.phase is Phase.WRITING
    received = bytearray()

    def read():
        while len(received) < len(body) + 4:
            received.extend(client.recv(65536))

    reading = threading.Thread(target=read)
    reading.start()
    while not connection.send():
        select.select([], [connection.socket], [], 10)
    reading.join(10)
    assert received == b"head" + body
    assert connection.phase is Phase.IDLE


def test_a_small_answer_is_one_record(ends):
    """Head and body go out together."""
    connection, client = ends
    connection.queue(b"head", b"body")
    connection.queue(b"head", b"")
    assert connection.send()
    assert client.recv(100) == b"headbody"
    assert client.recv(100) == b"head"


def test_nothing_stays_behind_in_the_library(ends):
    """A record of the largest size is taken by one call, since no selector would tell of the rest."""
    connection, client = ends
    client.sendall(b"a" * 16384)
    connection.receive()
    assert connection.socket.pending() == 0
    assert len(connection._received) == 16384
    connection.receive()
    assert not connection.finished


def test_the_end_is_said_and_heard(ends):
    """The client reads an end, not a broken connection; what it sends afterwards is thrown away."""
    connection, client = ends
    connection.linger()
    assert connection.phase is Phase.LINGERING
    client.suppress_ragged_eofs = False
    assert client.recv(1) == b""
    connection.receive()
    assert len(connection._received) == 0


def test_a_client_that_breaks_the_protocol_is_lost(ends):
    """As one that hangs up is."""
    connection, client = ends
    raw = socket.socket(fileno=client.detach())
    raw.sendall(b"no record at all, but long enough to be taken for one")
    with pytest.raises(OSError, match=r"."):
        connection.receive()
    with raw:
        pass
