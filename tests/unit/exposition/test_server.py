"""The server's life: bind, answer, drain, fork."""

from __future__ import annotations

import os
import socket
import threading
import time
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from genotel.clock import Clock
from genotel.exposition.limits import Limits
from genotel.exposition.listening import listen
from genotel.exposition.page import Page
from genotel.exposition.scrape_metrics import ScrapeMetrics
from genotel.exposition.server import PageServer
from tests.unit.exposition.conftest import until

if TYPE_CHECKING:
    from tests.unit.exposition.conftest import Client, FakePage

    Serve = Callable[..., PageServer]
    Connect = Callable[..., Client]


def threads() -> set[threading.Thread]:
    """Return our threads, those of other tests' mounts among them."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("genotel-page")}


def test_page_is_served_with_its_headers(serve: Serve, connect: Connect, page: FakePage) -> None:
    """A scrape gets the page, its type and length, and what caches must know."""
    reply = connect(serve()).get(Accept="application/openmetrics-text").reply()
    assert reply.status == 200
    assert reply.body == page.body
    assert reply.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert reply.headers["content-length"] == str(len(page.body))
    assert reply.headers["vary"] == "Accept, Accept-Encoding"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "connection" not in reply.headers
    assert page.asked == [("openmetrics", None)]


def test_date_is_told_by_the_clock(serve: Serve, connect: Connect) -> None:
    """The Date header is the wall clock's."""
    clock = Clock(wall=lambda: 784111777.9)
    assert connect(serve(clock=clock)).get("/").reply().headers["date"] == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_one_connection_serves_many_scrapes(serve: Serve, connect: Connect) -> None:
    """Prometheus keeps its connection; we keep it too."""
    client = connect(serve())
    for _ in range(5):
        assert client.get().reply().status == 200


def test_gzip_is_sent_when_asked_for(serve: Serve, connect: Connect, page: FakePage) -> None:
    """A page is compressed for who wants it, and plain for who does not."""
    page.body = b"calls_total 1\n" * 1000
    client = connect(serve())
    compressed = client.get(Accept_Encoding="gzip").reply()
    assert compressed.headers["content-encoding"] == "gzip"
    assert zlib.decompress(compressed.body, 31) == page.body
    plain = client.get(Accept_Encoding="gzip;q=0").reply()
    assert "content-encoding" not in plain.headers
    assert plain.body == page.body


def test_small_answers_are_not_compressed(serve: Serve, connect: Connect, page: FakePage) -> None:
    """Compression of a few bytes saves nothing."""
    assert connect(serve()).get(Accept_Encoding="gzip").reply().body == page.body


def test_head_gets_the_headers_only(serve: Serve, connect: Connect, page: FakePage) -> None:
    """HEAD has the length of the page and no page; the connection goes on."""
    client = connect(serve())
    reply = client.get(method="HEAD").reply(has_body=False)
    assert (reply.status, reply.headers["content-length"]) == (200, str(len(page.body)))
    assert client.get("/-/healthy").reply().body == b"200 OK\n"


def test_names_reach_the_page(serve: Serve, connect: Connect, page: FakePage) -> None:
    """``name[]`` filters are handed to the page."""
    connect(serve()).get("/metrics?name[]=up&name[]=down").reply()
    assert page.asked == [("text", frozenset({"up", "down"}))]


def test_too_many_names_are_a_bad_request(serve: Serve, connect: Connect) -> None:
    """A filter without end is refused."""
    assert connect(serve()).get("/metrics?" + "&" * 1001 + "name[]=a").reply().status == 400


def test_body_ends_the_connection(serve: Serve, connect: Connect) -> None:
    """A request with a body is answered, and what follows is not taken for a request."""
    client = connect(serve())
    client.send(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n")
    reply = client.reply()
    assert (reply.status, reply.headers["connection"]) == (200, "close")
    assert client.is_closed()


def test_http_1_0_ends_the_connection(serve: Serve, connect: Connect) -> None:
    """Old clients know an answer's end by the connection's."""
    client = connect(serve()).send(b"GET /-/healthy HTTP/1.0\r\n\r\n")
    assert client.reply().headers["connection"] == "close"
    assert client.is_closed()


def test_half_closed_client_gets_its_answers(serve: Serve, connect: Connect, page: FakePage) -> None:
    """A client that sends everything and shuts its side down still reads every answer."""
    page.gate.clear()
    client = connect(serve()).get().get("/-/healthy")
    client.socket.shutdown(socket.SHUT_WR)
    assert page.entered.wait(5)
    page.gate.set()
    assert [client.reply().body, client.reply().body] == [page.body, b"200 OK\n"]
    assert client.is_closed()


def test_url_can_be_opened_from_this_machine(page: FakePage) -> None:
    """Wildcards are no addresses to connect to; IPv6 needs brackets."""
    assert PageServer(page, port=1).url == "http://127.0.0.1:1/metrics"
    assert PageServer(page, host="0.0.0.0", port=1).url == "http://127.0.0.1:1/metrics"
    assert PageServer(page, host="::", port=1).url == "http://[::1]:1/metrics"
    assert PageServer(page, host="box.example", port=1).url == "http://box.example:1/metrics"


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
@pytest.mark.parametrize(("bound", "clients"), [("::1", ["::1"]), ("::", ["::1", "127.0.0.1"])])
def test_ipv6_is_served(serve: Serve, connect: Connect, bound: str, clients: list[str]) -> None:
    """The loopback of IPv6 is served, and its wildcard takes IPv4 too."""
    server = serve(host=bound)
    for host in clients:
        assert connect(server, host).get("/-/healthy").reply().status == 200


def test_name_with_two_addresses_takes_ipv4(serve: Serve, connect: Connect) -> None:
    """``localhost`` binds where every client finds it."""
    assert connect(serve(host="localhost"), "127.0.0.1").get("/").reply().status == 200


def test_taken_port_is_an_error(serve: Serve, page: FakePage) -> None:
    """A second server of one port raises, and leaves no descriptor behind."""
    server = serve()
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="in use"):
        PageServer(page, port=server.port).start()
    assert len(os.listdir("/proc/self/fd")) == before


def test_server_that_runs_is_not_started_again(serve: Serve) -> None:
    """A second start is a mistake of ours and says so."""
    with pytest.raises(RuntimeError, match="serves already"):
        serve().start()


def test_descriptors_are_given_back_when_the_loop_cannot_start(page: FakePage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process out of descriptors gets its error and loses none more."""
    before = len(os.listdir("/proc/self/fd"))

    def exhausted() -> tuple[socket.socket, socket.socket]:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket, "socketpair", exhausted)
    with pytest.raises(OSError, match="Too many"):
        PageServer(page, port=0).start()
    assert len(os.listdir("/proc/self/fd")) == before


def test_closed_server_can_start_again(page: FakePage) -> None:
    """Closing gives the port and the threads back at once; closing twice is nothing."""
    before = threads()
    server = PageServer(page, port=0)
    server.start()
    server.close()
    server.close()
    assert threads() <= before
    server.start()
    server.close()


def test_close_drains(page: FakePage, connect: Connect) -> None:
    """The scrape under way is answered, idle clients are let go, and no new ones are taken."""
    before = threads()
    server = PageServer(page, port=0)
    server.start()
    idle, busy = connect(server), connect(server)
    assert idle.get("/").reply().status == 200
    page.gate.clear()
    busy.get()
    assert page.entered.wait(5)
    closing = threading.Thread(target=server.close)
    closing.start()
    assert idle.is_closed()
    with pytest.raises(ConnectionRefusedError):
        connect(server)
    page.gate.set()
    reply = busy.reply()
    assert (reply.status, reply.headers["connection"]) == (200, "close")
    busy.close()
    closing.join(5)
    assert threads() <= before


def test_close_waits_no_longer_than_told(page: FakePage, connect: Connect) -> None:
    """A source that hangs holds up the end for the drain time only."""
    server = PageServer(page, port=0, limits=Limits(drain_seconds=0.05))
    server.start()
    page.gate.clear()
    client = connect(server).get()
    assert page.entered.wait(5)
    started = time.monotonic()
    server.close()
    assert time.monotonic() - started < 2
    assert client.is_closed()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_child_lets_go_of_the_socket(page: FakePage, connect: Connect) -> None:
    """A child keeps nothing of its parent's server, may serve itself, and the parent goes on."""
    server = PageServer(page, port=0)
    server.start()
    client = connect(server)
    assert client.get().reply().status == 200
    opened = len(os.listdir("/proc/self/fd"))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            server.after_fork()
            # Its listener, selector, two ends of the waker and one client are gone.
            code = 0 if len(os.listdir("/proc/self/fd")) == opened - 5 and not threads() else 2
            server.port = 0
            server.start()
            code = code or (0 if connect(server).get().reply().status == 200 else 3)
            server.close()
            server.after_fork()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.get().reply().status == 200
    server.close()
    with pytest.raises(ConnectionRefusedError):
        connect(server)


def test_fork_without_a_server_is_nothing(page: FakePage) -> None:
    """A child of a program that does not serve has nothing to let go; nor has one that has done so."""
    server = PageServer(page, port=0)
    server.after_fork()
    server.start()
    loop, thread = server._loop, server._thread
    assert loop is not None
    assert thread is not None
    loop.stop()
    thread.join(5)
    server.after_fork()
    server.after_fork()
    server.close()


def test_nothing_grows_over_many_connections(serve: Serve, connect: Connect) -> None:
    """Threads and descriptors are the same after 300 connections of every kind."""
    others = threads()
    server = serve()
    connect(server).get().reply()
    before = (threads(), len(os.listdir("/proc/self/fd")))
    for number in range(300):
        client = connect(server)
        if number % 3 == 0:
            client.get().reply()
        elif number % 3 == 1:
            client.send(b"junk\r\n\r\n")
            assert client.reply().status == 400
        client.close()
    until(lambda: (threads(), len(os.listdir("/proc/self/fd"))) == before)
    assert sorted(thread.name for thread in threads() - others) == ["genotel-page", "genotel-page-render"]


def test_own_scrapes_are_on_the_page(serve: Serve, connect: Connect) -> None:
    """Given to the page as a source, the server's counts are scraped too."""
    metrics = ScrapeMetrics()
    client = connect(serve(page=Page([metrics]), metrics=metrics))
    first = client.get().reply().body
    second = client.get().reply().body.decode()
    assert b'genotel_scrapes_total{genotel_code="200",genotel_format="text"} 0' in first
    assert 'genotel_scrapes_total{genotel_code="200",genotel_format="text"} 1' in second
    assert f"genotel_page_size_bytes {len(first)}" in second


def test_address_is_what_was_bound_to(page: FakePage) -> None:
    """For people who have to know who can reach it."""
    assert PageServer(page, host="0.0.0.0", port=1).address == "0.0.0.0:1"
    assert PageServer(page, host="::", port=1).address == "[::]:1"
    assert PageServer(page, host="unix:/run/page.sock", port=1).address == "unix:/run/page.sock"


def test_sockets_that_listen_already_are_served(page: FakePage, connect: Connect) -> None:
    """Instead of the address, whose place theirs takes."""
    with listen("127.0.0.1", 0) as first, listen("127.0.0.1", 0) as second:
        ports = [each.getsockname()[1] for each in (first, second)]
        server = PageServer(page, host="box.example", port=1, listeners=[first, second])
        with server:
            assert server.url == f"http://127.0.0.1:{ports[0]}/metrics"
            assert connect(server).get().reply().status == 200
            server.port = ports[1]
            assert connect(server).get().reply().status == 200
