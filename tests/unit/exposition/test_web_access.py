"""A page behind a web configuration file: who is let in, and what a change of the file does."""

from __future__ import annotations

import base64
import threading
import time

import bcrypt
import pytest

from genotel.exposition import basic_users
from genotel.exposition.connection_loop import ConnectionLoop
from genotel.exposition.limits import Limits
from genotel.exposition.web_access import WebAccess
from tests.unit.exposition.conftest import until

# The same in every process, since the names of tests have it.
HASH = bcrypt.hashpw(b"secret", b"$2b$04$abcdefghijklmnopqrstuu").decode()
# Of the same password at cost 12, in htpasswd's spelling: a quarter of a second of a core and more.
DEAR = "basic_auth_users: {alice: $2y$12$nn84.hhd7r8LN2EeHc1..uByeZTrWQSIVZ.0TXSuU.BYQIZjfMGTa}\n"
USERS = f"basic_auth_users: {{alice: {HASH}}}\n"


def basic(user, password="secret"):
    """Return the header of a user."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def behind(serve, web_file):
    """Start a server behind a web configuration file."""

    def start(text, **settings):
        access = WebAccess(web_file(text))
        server = serve(gate=access, **settings)
        server.access = access
        return server

    return start


@pytest.fixture
def hashed(monkeypatch):
    """Return the passwords that were really compared."""
    seen = []
    real = bcrypt.checkpw
    monkeypatch.setattr(basic_users.bcrypt, "checkpw", lambda *both: seen.append(both[0]) or real(*both))
    return seen


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/nowhere", "/metrics?" + "&" * 1001])
def test_nobody_is_told_anything_without_a_password(behind, connect, path):
    """Every path wants one, as with Prometheus' own programs; the connection goes on."""
    client = connect(behind(USERS))
    reply = client.get(path).reply()
    assert (reply.status, reply.headers["www-authenticate"]) == (401, 'Basic realm="genotel", charset="UTF-8"')
    assert client.get(path, Authorization=basic("alice", "wrong")).reply().status == 401
    assert client.get(path, Authorization=basic("mallory")).reply().status == 401
    assert client.get(path, Authorization="Bearer x").reply().status == 401
    assert client.get("/-/healthy", Authorization=basic("alice")).reply().status == 200


def test_a_hundred_scrapes_pay_for_one_password(behind, connect, hashed):
    """The others take no time, on the same connection or on another."""
    server = behind(DEAR)
    client = connect(server)
    started = time.monotonic()
    assert client.get(Authorization=basic("alice")).reply().status == 200
    first = time.monotonic() - started
    for _ in range(49):
        assert client.get(Authorization=basic("alice")).reply().status == 200
    for _ in range(50):
        assert connect(server).get(Authorization=basic("alice")).reply().status == 200
    assert hashed == [b"secret"]
    assert time.monotonic() - started < 20 * first


def test_a_wrong_password_holds_up_nobody_who_is_known(behind, connect, monkeypatch):
    """It is hashed elsewhere, while others are answered."""
    server = behind(USERS)
    known = connect(server)
    assert known.get(Authorization=basic("alice")).reply().status == 200
    hashed = threading.Event()
    monkeypatch.setattr(basic_users.bcrypt, "checkpw", lambda *_: not hashed.wait(10))
    guesser = connect(server).get(Authorization=basic("alice", "guess"))
    until(lambda: bool(server._loop._examinations))
    for _ in range(20):
        assert known.get(Authorization=basic("alice")).reply().status == 200
    assert server._loop._examinations
    hashed.set()
    assert guesser.reply().status == 401


def test_a_user_that_changes_in_the_file_counts_on_the_next_request(behind, connect, web_file):
    """On connections that are open too."""
    server = behind(USERS)
    client = connect(server)
    assert client.get(Authorization=basic("bob")).reply().status == 401
    web_file(USERS.replace("}", f", bob: {HASH}}}"))
    assert client.get(Authorization=basic("bob")).reply().status == 200
    web_file(USERS)
    assert client.get(Authorization=basic("bob")).reply().status == 401
    assert client.get(Authorization=basic("alice")).reply().status == 200
    web_file("")
    assert client.get().reply().status == 200


def test_refused_scrapes_are_counted(behind, connect):
    """By the format that was asked for; other paths are no scrapes."""
    server = behind(USERS)
    connect(server).get(Accept="application/openmetrics-text").reply()
    connect(server).get("/").reply()
    rows = {series.labels: value for series, value in server.metrics.blocks()[0].rows}
    assert [labels for labels, count in rows.items() if count] == ['genotel_code="401",genotel_format="openmetrics"']


def test_headers_go_on_every_answer_and_before_our_own(behind, connect, web_file):
    """The landing page's own policy is replaced, other answers get it too."""
    server = behind("http_server_config: {headers: {Content-Security-Policy: sandbox, X-Frame-Options: deny}}")
    client = connect(server)
    for path in ("/", "/metrics", "/nowhere"):
        headers = client.get(path).reply().headers
        assert (headers["content-security-policy"], headers["x-frame-options"]) == ("sandbox", "deny")
    web_file("")
    assert "x-frame-options" not in client.get("/metrics").reply().headers


def test_more_requests_than_the_limit_are_turned_away(behind, connect, web_file):
    """All clients together; a file without the limit lifts it."""
    server = behind("rate_limit: {interval: 1h, burst: 2}")
    assert [connect(server).get().reply().status for _ in range(3)] == [200, 200, 429]
    assert connect(server).get().reply().headers["retry-after"] == "1"
    web_file("")
    assert [connect(server).get().reply().status for _ in range(3)] == [200, 200, 200]
    web_file("rate_limit: {interval: 1h, burst: 1}")
    assert [connect(server).get().reply().status for _ in range(2)] == [200, 429]


def test_forty_one_scrapes_with_passwords_are_forty_answers_and_one_503(behind, connect, page):
    """The limit is the same behind a gate."""
    server = behind(USERS)
    page.gate.clear()
    clients = [connect(server).get(Authorization=basic("alice"))]
    assert page.entered.wait(5)
    clients += [connect(server).get(Authorization=basic("alice")) for _ in range(39)]
    until(lambda: len(server._loop._scrapes) == 40)
    assert connect(server).get(Authorization=basic("alice")).reply().status == 503
    page.gate.set()
    assert [client.reply().status for client in clients] == [200] * 40


def test_more_guesses_than_may_wait_are_turned_away(behind, connect, monkeypatch):
    """With a 503, while who is known is answered; and the others get their 401 in the end."""
    server = behind(USERS, max_concurrent_scrapes=2)
    known = connect(server)
    assert known.get(Authorization=basic("alice")).reply().status == 200
    gate = threading.Event()
    real = bcrypt.checkpw
    monkeypatch.setattr(basic_users.bcrypt, "checkpw", lambda *both: gate.wait(10) and real(*both))
    guesses = [connect(server).get(Authorization=basic("alice", "0"))]
    until(lambda: len(server._loop._examinations) == 1 and not server._loop._examiner._waiting)
    guesses += [connect(server).get(Authorization=basic("alice", str(number))) for number in (1, 2)]
    until(lambda: len(server._loop._examinations) == 3)
    assert connect(server).get(Authorization=basic("alice", "3")).reply().status == 503
    assert known.get(Authorization=basic("alice")).reply().status == 200
    gate.set()
    assert [client.reply().status for client in guesses] == [401] * 3


def test_a_password_that_takes_too_long_is_a_503(behind, connect, monkeypatch):
    """And what it comes to later is for nobody."""
    gate = threading.Event()
    monkeypatch.setattr(basic_users.bcrypt, "checkpw", lambda *_: gate.wait(10))
    server = behind(USERS, limits=Limits(examine_seconds=0.05))
    client = connect(server)
    assert client.get(Authorization=basic("alice")).reply().status == 503
    gone = connect(server).get(Authorization=basic("alice", "other"))
    until(lambda: len(server._loop._examinations) == 1)
    gone.close()
    # Whoever waits behind it has its 503 too, and is forgotten.
    assert connect(server).get(Authorization=basic("alice", "third")).reply().status == 503
    until(lambda: not server._loop._examinations)
    gate.set()
    until(lambda: client.get(Authorization=basic("alice")).reply().status == 200)


def test_the_page_tells_of_passwords_and_the_file(behind, connect, web_file, caplog):
    """How many were hashed, and whether the file in force is what it says now."""
    server = behind(USERS)
    connect(server).get(Authorization=basic("alice")).reply()

    def values():
        return [value for block in server.access.metrics.blocks() for _, value in block.rows]

    assert values()[::2] == [1, 1]
    web_file("nonsense: 1")
    connect(server).get(Authorization=basic("alice")).reply()
    assert values()[::2] == [0, 1]


def test_a_bad_filter_behind_a_password_is_a_bad_request(behind, connect):
    """Known or not yet known."""
    for _ in range(2):
        server = behind(USERS)
        for _ in range(2):
            reply = connect(server).get("/metrics?" + "&" * 1001, Authorization=basic("alice")).reply()
            assert reply.status == 400


def test_without_a_gate_nothing_of_it_is_there(serve):
    """No thread, no examiner, no handshakes."""
    loop = serve()._loop
    assert isinstance(loop, ConnectionLoop)
    assert (loop._gate, loop._examiner, loop._handshakes) == (None, None, None)


def test_a_change_found_by_one_request_asks_the_next_for_a_password(behind, connect, web_file):
    """Users that are added to an open page count at once, for who has none as well."""
    server = behind("# nobody\n")
    client = connect(server)
    assert client.get().reply().status == 200
    web_file(USERS)
    assert client.get().reply().status == 401
    assert client.get(Authorization=basic("alice")).reply().status == 200
