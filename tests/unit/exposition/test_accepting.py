"""New connections from several sockets."""

from __future__ import annotations

import errno
import selectors
import socket

import pytest

from genotel.clock import Clock
from genotel.exposition.accepting import Listeners
from genotel.exposition.listening import listen


@pytest.fixture
def selector():
    """Give a selector, closed with the test."""
    with selectors.DefaultSelector() as made:
        yield made


def test_every_socket_is_served(selector, tmp_path):
    """An address and a path at once; what is taken does not block."""
    sockets = [listen("127.0.0.1", 0), listen(f"unix:{tmp_path}/page.sock", 0)]
    listeners = Listeners(sockets, selector, Clock())
    with socket.create_connection(sockets[0].getsockname()), socket.socket(socket.AF_UNIX) as second:
        second.connect(f"{tmp_path}/page.sock")
        taken = []
        while len(taken) < 2:
            for key, _ in selector.select(5):
                assert key.data is listeners
                clients, exhausted = listeners.accept(key.fileobj)
                assert not exhausted
                taken += clients
        assert not any(client.getblocking() for client in taken)
        for client in taken:
            client.close()
    listeners.stop()
    assert not selector.get_map()


def test_a_process_out_of_descriptors_takes_a_rest(selector):
    """From all of its sockets, until it is over."""
    now = [100.0]

    class Exhausted(socket.socket):
        def accept(self):
            raise OSError(errno.EMFILE, "")

    with Exhausted() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listeners = Listeners([listener], selector, Clock(monotonic=lambda: now[0]))
        assert listeners.accept(listener) == ([], True)
        assert not selector.get_map()
        assert listeners.again_at == 101.0
        listeners.resume(100.9)
        assert not selector.get_map()
        listeners.resume(101.0)
        assert listener in selector.get_map()
        assert listeners.again_at is None
