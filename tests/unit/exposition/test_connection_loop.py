"""Clients that are silent, slow, greedy, broken or many, and what the others notice of them."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from genotel import guard
from genotel.clock import SYSTEM_CLOCK
from genotel.exposition import accepting
from genotel.exposition.connection_loop import ConnectionLoop
from genotel.exposition.limits import Limits
from genotel.exposition.page import Page
from genotel.exposition.request import MAX_HEAD_BYTES, MAX_LINE_BYTES
from genotel.exposition.routes import Routes
from genotel.exposition.scrape_metrics import ScrapeMetrics
from genotel.exposition.scrape_request import Scrape
from genotel.exposition.server import PageServer
from genotel.exposition.text_format import TEXT_0_0_4
from tests.unit.exposition.conftest import Client, until

if TYPE_CHECKING:
    from tests.unit.exposition.conftest import FakePage

    Serve = Callable[..., PageServer]
    Connect = Callable[..., Client]


def test_a_hundred_silent_connections_delay_nobody(serve: Serve, connect: Connect) -> None:
    """Clients that connect and say nothing cost a descriptor each; a scrape is answered at once."""
    server = serve()
    for number in range(100):
        silent = connect(server)
        if number % 2:
            silent.send(b"GET /metrics HTT")
    started = time.monotonic()
    assert connect(server).get().reply().status == 200
    assert time.monotonic() - started < 1


def test_the_forty_first_scrape_is_turned_away(serve: Serve, connect: Connect, page: FakePage) -> None:
    """40 scrapes at once are answered; one more gets a 503 that says when to come again."""
    server = serve()
    page.gate.clear()
    clients = [connect(server).get()]
    assert page.entered.wait(5)
    clients += [connect(server).get() for _ in range(39)]
    until(lambda: len(server._loop._scrapes) == 40)  # type: ignore[union-attr]
    refused = connect(server).get().reply()
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert connect(server).get("/-/healthy").reply().status == 200
    page.gate.set()
    assert [client.reply().status for client in clients] == [200] * 40
    # The first went alone, the others shared the next page.
    assert len(page.asked) == 2


def test_slow_readers_hold_up_nobody(serve: Serve, connect: Connect, page: FakePage) -> None:
    """Who does not read its answer is waited for, up to a limit, while others are served."""
    page.body = b"x" * 8_000_000
    server = serve(limits=Limits(write_seconds=0.3))
    slow = connect(server)
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.get()
    assert connect(server).get().reply().body == page.body
    until(lambda: len(server._loop._connections) == 1)  # type: ignore[union-attr]
    with pytest.raises(ConnectionResetError):
        slow.reply()


def test_slow_reader_within_the_limit_gets_everything(serve: Serve, connect: Connect, page: FakePage) -> None:
    """An answer larger than any buffer arrives in pieces, and the connection goes on."""
    page.body = bytes(range(256)) * 20_000
    client = connect(serve())
    client.get().get("/-/healthy")
    assert client.reply().body == page.body
    assert client.reply().body == b"200 OK\n"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /" + b"a" * (MAX_LINE_BYTES + 1), 414),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * MAX_HEAD_BYTES, 431),
        (b"a" * 1_000_000, 414),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 500 + b"\r\n", 431),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ],
)
def test_oversized_and_foreign_requests_are_refused(serve: Serve, connect: Connect, raw: bytes, status: int) -> None:
    """Limits answer with their status and end the connection; the answer is not lost on its way."""
    server = serve()
    client = connect(server)
    client.send(raw)
    reply = client.reply()
    assert (reply.status, reply.headers["connection"]) == (status, "close")
    assert client.is_closed()
    assert connect(server).get().reply().status == 200


def test_pipelined_requests_are_answered_in_order(serve: Serve, connect: Connect, page: FakePage) -> None:
    """Requests that arrive together get their answers one after the other."""
    client = connect(serve())
    request = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
    client.send(b"".join(request % path for path in (b"/metrics", b"/-/healthy", b"/nothing", b"/metrics")))
    assert [client.reply().status for _ in range(4)] == [200, 200, 404, 200]


def test_requests_ahead_of_a_page_are_taken_up_to_a_limit(serve: Serve, connect: Connect, page: FakePage) -> None:
    """A client that floods while its page is rendered fills its buffer and no more, then gets all answers."""
    server = serve()
    page.gate.clear()
    client = connect(server).get()
    assert page.entered.wait(5)
    count = 3 * MAX_HEAD_BYTES // 40
    client.send(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n" * count)
    until(lambda: all(c.watched == 0 for c in server._loop._connections))  # type: ignore[union-attr]
    page.gate.set()
    assert client.reply().body == page.body
    assert {client.reply().status for _ in range(count)} == {200}


def test_a_page_that_comes_too_late_is_not_sent(serve: Serve, connect: Connect, page: FakePage) -> None:
    """Its client has had a 503, and gets the answer to its next request next."""
    client = connect(serve())
    page.gate.clear()
    assert client.get(X_Prometheus_Scrape_Timeout_Seconds="0.1").reply().status == 503
    page.gate.set()
    for _ in range(3):
        assert client.get("/-/healthy").reply().body == b"200 OK\n"


def test_request_in_single_bytes_is_answered(serve: Serve, connect: Connect) -> None:
    """However slowly the bytes come, the request is the same."""
    client = connect(serve())
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n":
        client.send(bytes([byte]))
    assert client.reply().status == 200


def test_silent_client_is_let_go(serve: Serve, connect: Connect) -> None:
    """Who says nothing within the read limit is hung up on."""
    assert connect(serve(limits=Limits(read_seconds=0.05))).is_closed()


def test_request_that_never_ends_times_out(serve: Serve, connect: Connect) -> None:
    """A head that trickles in is cut off at the read limit, with a 408, whatever arrives meanwhile."""
    client = connect(serve(limits=Limits(read_seconds=0.1))).send(b"GET / HTTP/1.1\r\n")
    assert client.reply().status == 408
    assert client.is_closed()


def test_idle_connection_is_let_go(serve: Serve, connect: Connect) -> None:
    """A connection between two scrapes is kept for the idle limit only."""
    client = connect(serve(limits=Limits(idle_seconds=0.05, read_seconds=30)))
    assert client.get("/").reply().status == 200
    assert client.is_closed()


def test_part_of_a_next_request_has_the_read_limit(serve: Serve, connect: Connect) -> None:
    """What came behind the last request is a request begun, not an idle connection."""
    client = connect(serve(limits=Limits(idle_seconds=30, read_seconds=0.1)))
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /")
    assert client.reply().status == 200
    assert client.reply().status == 408


def test_idle_connections_make_room(serve: Serve, connect: Connect, page: FakePage) -> None:
    """At the bound the one that idles longest goes; one that waits for its page never does."""
    server = serve(limits=Limits(connections=3))
    waiting, first, second = connect(server), connect(server), connect(server)
    for idle in (first, second):
        assert idle.get("/").reply().status == 200
    page.gate.clear()
    waiting.get()
    assert page.entered.wait(5)
    third = connect(server)
    assert third.get("/-/healthy").reply().status == 200
    assert first.is_closed()
    assert second.get("/").reply().status == 200
    page.gate.set()
    assert waiting.reply().body == page.body


def test_no_room_among_waiting_scrapes(serve: Serve, connect: Connect, page: FakePage) -> None:
    """Where everybody waits for a page, the newcomer is turned away."""
    server = serve(limits=Limits(connections=2))
    page.gate.clear()
    waiting = [connect(server).get() for _ in range(2)]
    until(lambda: len(server._loop._scrapes) == 2)  # type: ignore[union-attr]
    assert connect(server).is_closed()
    page.gate.set()
    assert [client.reply().status for client in waiting] == [200, 200]


def test_scraper_that_gives_little_time_gets_its_answer_in_time(serve: Serve, connect: Connect, page: FakePage) -> None:
    """A page that takes longer than the scraper waits is a 503 before it hangs up, and is there the next time."""
    page.gate.clear()
    client = connect(serve())
    started = time.monotonic()
    late = client.get(X_Prometheus_Scrape_Timeout_Seconds="0.2").reply()
    assert (late.status, late.headers["retry-after"]) == (503, "1")
    assert time.monotonic() - started < 1
    page.gate.set()
    assert client.get().reply().body == page.body
    assert len(page.asked) == 1


def test_client_that_goes_away_costs_its_page_only(serve: Serve, connect: Connect, page: FakePage) -> None:
    """A client that resets its connection while its page is rendered is forgotten."""
    server = serve()
    page.gate.clear()
    client = connect(server).get()
    assert page.entered.wait(5)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    until(lambda: not server._loop._connections)  # type: ignore[union-attr]
    page.gate.set()
    assert connect(server).get().reply().status == 200


def test_fault_of_ours_is_a_500_and_no_end(
    serve: Serve, connect: Connect, page: FakePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that raises is counted; the next scrape is served as if nothing had been."""
    monkeypatch.setattr(guard, "_strict", False)
    client = connect(serve())
    page.fault = LookupError("secret")
    assert client.get().reply().status == 500
    until(lambda: guard.internal_errors() == {"exposition.page": 1})
    page.fault = None
    assert client.get().reply().status == 200


def test_fault_in_an_answer_costs_one_connection(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were there a mistake in our routes, the server would outlive it."""
    monkeypatch.setattr(guard, "_strict", False)
    server = serve()

    def broken(*_: object) -> None:
        raise LookupError("secret")

    with monkeypatch.context() as patched:
        patched.setattr(Routes, "answer", broken)
        assert connect(server).get().is_closed()
        until(lambda: guard.internal_errors() == {"exposition.connection": 1})
    assert connect(server).get().reply().status == 200


class Listener:
    """Be a listening socket whose accept fails as told."""

    def __init__(self, real: socket.socket, failures: list[OSError]) -> None:
        self._real = real
        self._failures = failures

    def accept(self) -> tuple[socket.socket, object]:
        """Fail as long as there are failures, then accept."""
        if self._failures:
            raise self._failures.pop(0)
        return self._real.accept()

    def fileno(self) -> int:
        """Return the real descriptor, for the selector."""
        return self._real.fileno()

    def close(self) -> None:
        """Close the real socket."""
        self._real.close()


def loop_around(page: FakePage, failures: list[OSError], limits: Limits | None = None) -> tuple[ConnectionLoop, int]:
    """Return a loop whose listener fails first, and its port."""
    real = socket.create_server(("127.0.0.1", 0))
    real.setblocking(False)
    loop = ConnectionLoop(
        [Listener(real, failures)],  # type: ignore[list-item]
        page=page,
        max_scrapes=1,
        routes=Routes(lambda: True),
        metrics=ScrapeMetrics(),
        limits=limits or Limits(),
        clock=SYSTEM_CLOCK,
    )
    return loop, real.getsockname()[1]


def test_out_of_descriptors_pauses_and_recovers(page: FakePage, monkeypatch: pytest.MonkeyPatch) -> None:
    """EMFILE makes room, waits without spinning, and then serves who has waited."""
    monkeypatch.setattr(accepting, "_ACCEPT_PAUSE_SECONDS", 0.05)
    failures = [ConnectionAbortedError(), OSError(errno.EMFILE, "")]
    loop, port = loop_around(page, failures)
    client = Client(port).get("/")
    turns = 0
    while not loop._connections:
        loop._turn()
        turns += 1
    loop._turn()
    assert turns <= 5
    assert client.reply().status == 200
    failures.append(OSError(errno.EMFILE, ""))
    second = Client(port)
    loop._turn()
    assert not loop._connections, "the idle connection makes room"
    assert client.is_closed()
    loop.stop()
    loop.run()
    second.close()
    client.close()


def test_any_other_failure_of_the_listener_ends_the_loop(page: FakePage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not known to pass is reported once."""
    monkeypatch.setattr(guard, "_strict", False)
    loop, port = loop_around(page, [OSError(errno.EBADF, "")])
    client = Client(port)
    loop.run()
    assert guard.internal_errors() == {"exposition.server": 1}
    client.close()


def test_lost_descriptors_end_the_loop(page: FakePage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a program closes all descriptors (a daemon does), the thread ends instead of spinning."""
    monkeypatch.setattr(guard, "_strict", False)
    loop, _ = loop_around(page, [])
    loop._selector.close()
    loop.run()
    assert guard.internal_errors() == {"exposition.server": 1}
    loop.deliver(Scrape(TEXT_0_0_4), None)


def test_newcomer_takes_the_place_of_one_that_speaks_too_late(page: FakePage) -> None:
    """A connection dropped for a new one is not served in the same turn."""
    loop, port = loop_around(page, [], Limits(connections=1))
    first = Client(port)
    loop._turn()
    second = Client(port)
    first.get("/")
    loop._turn()
    assert first.is_closed()
    second.get("/")
    loop._turn()
    assert second.reply().status == 200
    loop.stop()
    loop.run()
    first.close()
    second.close()


def test_client_that_resets_before_its_answer_is_dropped(page: FakePage) -> None:
    """An answer that cannot be sent ends its connection, not the loop; a page for nobody is dropped."""
    loop, port = loop_around(page, [])
    client = Client(port).get()
    while not loop._scrapes:
        loop._turn()
    (scrape,) = loop._scrapes
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    loop._take_delivery(scrape, None)
    assert not loop._connections
    loop._take_delivery(scrape, None)
    loop.stop()
    loop.run()


def test_drain_ends_a_pause(page: FakePage) -> None:
    """A server that stops while it pauses does not accept again."""
    loop, port = loop_around(page, [OSError(errno.EMFILE, "")])
    client = Client(port)
    loop._turn()
    loop.stop()
    loop.run()
    client.close()


_REQUESTS = st.sampled_from(
    [
        b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /metrics?name[]=%ff&name[]= HTTP/1.1\r\nHost: x\r\nAccept: ;q=\r\nAccept-Encoding: gzip;q=\r\n\r\n",
        b"HEAD / HTTP/1.0\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 1e9\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%00%zz?%= HTTP/1.1\r\n",
        b"\r\n\r\n",
        b"\x00",
    ]
)


def test_garbage_never_is_a_500(page: FakePage) -> None:
    """Whatever bytes come, no answer is a 500 and the server goes on."""
    with PageServer(Page(), port=0) as server:

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.lists(st.one_of(_REQUESTS, st.binary(max_size=60)), max_size=6).map(b"".join))
        @example(b"")
        def throw(garbage: bytes) -> None:
            client = Client(server.port)
            client.send(garbage)
            client.socket.shutdown(socket.SHUT_WR)
            received = client._file.read()
            client.close()
            assert b"HTTP/1.1 500" not in received
            assert received == b"" or received.startswith(b"HTTP/1.1 ")

        throw()
        client = Client(server.port)
        assert client.get().reply().status == 200
        client.close()


def test_an_idle_connection_outlives_prometheus_own_limit() -> None:
    """Prometheus closes after five minutes; the client should be the one that closes. The others are promises too."""
    limits = Limits()
    assert (limits.connections, limits.read_seconds, limits.write_seconds) == (256, 10.0, 30.0)
    assert (limits.idle_seconds, limits.drain_seconds) == (330.0, 5.0)
