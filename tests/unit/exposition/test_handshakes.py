"""TLS handshakes: silent clients, wrong ones, slow ones, and what the others notice of them."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time

import pytest

from genotel import guard
from genotel.clock import SYSTEM_CLOCK
from genotel.exposition.gate import TlsTerms
from genotel.exposition.handshakes import HandshakeThread
from genotel.exposition.limits import Limits
from genotel.exposition.server import PageServer
from genotel.exposition.web_access import WebAccess
from tests.unit.exposition.conftest import Client, until

TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
MUTUAL = TLS.replace("}", ", client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert}")


@pytest.fixture
def behind(serve, web_file, tmp_path, authority):
    """Start a server that speaks TLS."""
    (tmp_path / "ca.crt").write_text(authority.certificate, encoding="ascii")

    def start(text=TLS, **settings):
        access = WebAccess(web_file(text))
        server = serve(gate=access, **settings)
        server.access = access
        return server

    return start


def results(server):
    """Return how handshakes have ended, by result."""
    rows = server.access.metrics.blocks()[-1].rows
    return {series.labels.split('"')[1]: value for series, value in rows if value}


def test_a_page_is_served_by_tls(behind, connect, authority, page):
    """One connection serves many scrapes, HEAD and the landing page too; the address says https."""
    server = behind()
    assert server.url == f"https://127.0.0.1:{server.port}/metrics"
    client = connect(server, tls=authority.client())
    for _ in range(3):
        assert client.get().reply().body == page.body
    assert client.get("/-/healthy").reply().status == 200
    assert client.get(method="HEAD").reply(has_body=False).status == 200
    assert client.socket.selected_alpn_protocol() is None
    assert results(server) == {"done": 1}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_large_pages_arrive_whole(behind, connect, authority, page, version):
    """However slowly they are read, by either version; and who reads nothing holds up nobody."""
    page.body = bytes(range(256)) * 20_000
    context = authority.client()
    context.minimum_version = context.maximum_version = version
    server = behind()
    slow = connect(server, tls=context).get().get("/-/healthy")
    assert connect(server, tls=context).get().reply().body == page.body
    assert slow.reply().body == page.body
    assert slow.reply().status == 200


def test_requests_in_single_bytes_and_in_one_piece_are_answered(behind, connect, authority):
    """Each byte a record of its own, or 50 requests in one."""
    server = behind()
    client = connect(server, tls=authority.client())
    request = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
    for byte in request:
        client.send(bytes([byte]))
    assert client.reply().status == 200
    client.send(request * 50)
    assert {client.reply().status for _ in range(50)} == {200}


def test_the_end_of_a_connection_is_said_in_tls(behind, connect, authority):
    """Or a client would take the answer for one that was cut off."""
    context = authority.client()
    # An end without a word is an error for this client.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    client = connect(behind(), tls=context)
    client.socket.suppress_ragged_eofs = False
    client.get(Connection="close")
    assert client.reply().headers["connection"] == "close"
    assert client.socket.recv(1) == b""


def test_a_silent_connection_delays_nobody(behind, connect, authority):
    """Fifty that say nothing, and fifty that stop within their first message."""
    server = behind()
    for number in range(100):
        silent = connect(server)
        if number % 2:
            silent.send(b"\x16\x03\x01\x02")
    started = time.monotonic()
    assert connect(server, tls=authority.client()).get().reply().status == 200
    assert time.monotonic() - started < 1
    until(lambda: len(server._loop._handshakes._handshakes) == 100)


def test_a_silent_connection_is_let_go(behind, connect):
    """Within the limit of a handshake, whether it has said something or not."""
    server = behind(limits=Limits(handshake_seconds=0.05))
    assert connect(server).is_closed()
    assert connect(server).send(b"\x16\x03\x01\x02").is_closed()
    until(lambda: results(server) == {"timeout": 2})


def test_of_too_many_silent_ones_the_oldest_makes_room(behind, connect, authority):
    """So that nobody is kept out by those who only connect."""
    server = behind(limits=Limits(connections=2))
    silent = []
    for waiting in (1, 2, 2):
        silent.append(connect(server))
        until(lambda waiting=waiting: len(server._loop._handshakes._handshakes) == waiting)
    assert silent[0].is_closed()
    assert connect(server, tls=authority.client()).get().reply().status == 200


def test_who_speaks_no_tls_is_told(behind, connect):
    """In the words that operators know from Prometheus' own programs."""
    server = behind()
    client = connect(server).get()
    with client.socket.makefile("rb") as answer:
        text = answer.read()
    assert text.startswith(b"HTTP/1.0 400 Bad Request\r\n")
    assert text.endswith(b"\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
    until(lambda: results(server) == {"plain": 1})


def test_who_hangs_up_or_talks_nonsense_is_counted(behind, connect, authority):
    """And no fault is reported."""
    server = behind()
    connect(server).close()
    until(lambda: results(server) == {"failed": 1})
    nonsense = connect(server).send(b"\x16\x03\x01\x00\x05hello")
    # An alert, and then the end.
    assert nonsense.socket.recv(100)[:1] == b"\x15"
    assert nonsense.is_closed()
    until(lambda: results(server) == {"failed": 2})
    client = connect(server, tls=authority.client())
    # Nonsense after the handshake.
    raw = socket.socket(fileno=os.dup(client.socket.fileno()))
    raw.settimeout(10)
    raw.sendall(b"\x17\x03\x03\x00\x05hello")
    assert raw.recv(1000) is not None
    raw.close()
    assert connect(server, tls=authority.client()).get().reply().status == 200


def test_a_client_needs_a_certificate_of_the_authority(behind, connect, authority, tmp_path):
    """None, or one of somebody else, does not do."""
    from tests.certificates import Authority

    server = behind(MUTUAL)
    known = authority.client(authority.issue("prometheus.example"), tmp_path)
    assert connect(server, tls=known).get().reply().status == 200
    for context in (authority.client(), authority.client(Authority("other").issue("prometheus.example"), tmp_path)):
        with pytest.raises(OSError, match=r"alert|reset|EOF|closed"):
            connect(server, tls=context).get().reply()
    until(lambda: results(server) == {"done": 1, "failed": 2})


def test_a_client_needs_a_name_that_is_allowed(behind, connect, authority, tmp_path, web_file):
    """The list counts on the next connection after a change."""
    text = MUTUAL.replace("}", ", client_allowed_sans: [prometheus.example, 10.0.0.1]}")
    server = behind(text)
    for name, allowed in [("prometheus.example", True), ("grafana.example", False), ("10.0.0.1", True)]:
        context = authority.client(authority.issue("first.example", name), tmp_path)
        client = connect(server, tls=context)
        if allowed:
            assert client.get().reply().status == 200
        else:
            assert client.is_closed()
            web_file(text.replace("10.0.0.1", "grafana.example, 10.0.0.1"))
            assert connect(server, tls=context).get().reply().status == 200
    until(lambda: results(server) == {"done": 3, "name": 1})


def test_a_new_certificate_is_served_to_the_next_connection(behind, connect, authority, tmp_path, caplog):
    """Connections that are open keep theirs; a broken one changes nothing."""
    server = behind()
    context = authority.client()
    open_one = connect(server, tls=context)
    first = open_one.socket.getpeercert()["serialNumber"]
    authority.issue("127.0.0.1").write(tmp_path)
    second = connect(server, tls=context).socket.getpeercert()["serialNumber"]
    assert first != second
    (tmp_path / "server.key").write_text("half a k", encoding="ascii")
    assert connect(server, tls=context).socket.getpeercert()["serialNumber"] == second
    assert "key_file: has no private key" in caplog.text
    assert open_one.get().reply().status == 200


def test_draining_answers_what_is_under_way_and_drops_the_rest(page, web_file, authority, connect):
    """A scrape that began gets its page; a handshake that has not ended is hung up on; new ones are refused."""
    server = PageServer(page, port=0, gate=WebAccess(web_file(TLS)))
    server.start()
    silent = connect(server)
    busy = connect(server, tls=authority.client())
    page.gate.clear()
    busy.get()
    assert page.entered.wait(5)
    closing = threading.Thread(target=server.close)
    closing.start()
    assert silent.is_closed()
    with pytest.raises(ConnectionRefusedError):
        connect(server)
    page.gate.set()
    assert busy.reply().headers["connection"] == "close"
    busy.close()
    closing.join(5)
    assert not closing.is_alive()
    assert not [thread for thread in threading.enumerate() if thread.name == "genotel-page-tls"]


def test_nothing_grows_over_many_connections(behind, connect, authority):
    """Threads and descriptors are the same after 60 connections of every kind."""
    server = behind()
    context = authority.client()

    def has_settled():
        # The file is read once more, by the thread that would compare passwords.
        connect(server, tls=context).get().reply()
        return server.access._file._again_at is None

    until(has_settled)
    threads, descriptors = set(threading.enumerate()), len(os.listdir("/proc/self/fd"))
    for number in range(60):
        client = connect(server, tls=context if number % 3 == 0 else None)
        if number % 3 == 0:
            client.get().reply()
        elif number % 3 == 1:
            client.get().is_closed()
        client.close()
    # Those of earlier tests may end meanwhile.
    until(lambda: set(threading.enumerate()) <= threads and len(os.listdir("/proc/self/fd")) <= descriptors)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_lets_go_of_handshakes_too(behind, connect, authority):
    """The parent's go on."""
    server = behind()
    client = connect(server, tls=authority.client())
    assert client.get().reply().status == 200
    silent = connect(server)
    until(lambda: len(server._loop._handshakes._handshakes) == 1)
    opened = len(os.listdir("/proc/self/fd"))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            server.after_fork()
            # Listener, two selectors, two pairs of wakers, two clients.
            code = 0 if len(os.listdir("/proc/self/fd")) == opened - 9 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.get().reply().status == 200
    silent.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        silent.socket.recv(1)


class FakeGate:
    """Have terms that are told, and count."""

    def __init__(self, terms):
        self._terms = terms
        self.ended = []

    def tls_terms(self):
        """Return the terms, or fail."""
        return self._terms()

    def count_handshake(self, outcome):
        """Keep what is counted."""
        self.ended.append(outcome)


@pytest.fixture
def alone():
    """Make a thread without a server, ended with the test."""
    made = []

    def make(terms, notify=lambda: None, **limits):
        gate = FakeGate(terms)
        thread = HandshakeThread(gate, notify, limits=Limits(**limits), clock=SYSTEM_CLOCK)
        made.append(thread)
        return thread, gate

    yield make
    for thread in made:
        thread.stop(5)


def pair():
    """Return the server's and the client's end of a connection."""
    server, client = socket.socketpair()
    server.setblocking(False)
    return server, client


def test_a_fault_of_ours_ends_one_connection(alone, monkeypatch):
    """It is counted, and the others go on."""
    monkeypatch.setattr(guard, "_strict", False)

    def fail():
        raise ZeroDivisionError

    thread, gate = alone(fail)
    server, client = pair()
    client.send(b"\x16")
    thread.take(server)
    until(lambda: gate.ended == ["failed"])
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    client.close()
    assert guard.internal_errors() == {"exposition.handshake": 1}


def test_lost_descriptors_end_the_thread(alone, monkeypatch):
    """Where a program closes all descriptors, it does not spin."""
    monkeypatch.setattr(guard, "_strict", False)
    thread, _ = alone(lambda: TlsTerms(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ()))
    thread._selector.close()
    server, client = pair()
    thread.take(server)
    assert client.recv(1) == b""
    client.close()
    assert set(guard.internal_errors()) == {"exposition.handshakes"}
    # After its end, nobody is left waiting.
    until(lambda: thread._stopping)
    server, client = pair()
    thread.take(server)
    assert client.recv(1) == b""
    client.close()


def test_a_process_without_threads_hangs_up(alone, monkeypatch):
    """It may have some again later."""

    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    thread, _ = alone(lambda: None)
    server, client = pair()
    thread.take(server)
    assert client.recv(1) == b""
    client.close()


def test_a_slow_handshake_waits_to_write_too(alone, authority, tmp_path):
    """A certificate larger than the buffers goes out in pieces."""
    names = [f"a-rather-long-name-of-a-machine-{number}.example.org" for number in range(900)]
    certificate, key = authority.issue("127.0.0.1", *names).write(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    done = threading.Event()
    thread, gate = alone(lambda: TlsTerms(context, ()), done.set)
    server, client = pair()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    thread.take(server)
    tls = authority.client().wrap_socket(client, server_hostname="127.0.0.1", do_handshake_on_connect=False)
    tls.settimeout(10)
    tls.do_handshake()
    assert done.wait(10)
    assert gate.ended == ["done"]
    for finished in thread.finished():
        finished.close()
    tls.close()


def test_client_certificates_may_be_optional(behind, connect, authority, tmp_path):
    """Who has one must have a good one; who has none may pass."""
    from tests.certificates import Authority

    server = behind(MUTUAL.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven"))
    assert connect(server, tls=authority.client()).get().reply().status == 200
    with pytest.raises(OSError, match=r"alert|reset|EOF|closed"):
        connect(server, tls=authority.client(Authority("other").issue("a"), tmp_path)).get().reply()
    assert isinstance(connect(server, tls=authority.client()), Client)


def test_forty_one_scrapes_by_tls_are_forty_answers_and_one_503(behind, connect, authority, page):
    """The limit is of scrapes, not of handshakes."""
    server = behind()
    context = authority.client()
    page.gate.clear()
    clients = [connect(server, tls=context).get()]
    assert page.entered.wait(5)
    clients += [connect(server, tls=context).get() for _ in range(39)]
    until(lambda: len(server._loop._scrapes) == 40)
    assert connect(server, tls=context).get().reply().status == 503
    page.gate.set()
    assert [client.reply().status for client in clients] == [200] * 40
