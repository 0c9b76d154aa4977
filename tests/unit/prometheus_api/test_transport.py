"""Questions go over HTTP to a server on this machine that behaves as badly as servers do."""

from __future__ import annotations

import base64
import gzip
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from conftest import require
from genotel.errors import InputError, ServerError
from genotel.prometheus_api.access import ServerAccess
from genotel.prometheus_api.transport import ATTEMPTS, HttpTransport

Handler = Callable[[BaseHTTPRequestHandler], None]


class FakeServer:
    """Serve on a free port; ``handle`` answers each request, which is remembered."""

    def __init__(self, handle: Handler, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []
        outer = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Read the form and answer."""
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.requests.append((self.path, parse_qs(form), dict(self.headers)))
                handle(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://localhost:{self._server.server_port}"

    def __enter__(self) -> FakeServer:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"{}", **headers: str) -> None:
    """Send a whole answer."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def transport(url: str, waits: list[float] | None = None, **access: object) -> HttpTransport:
    """Return a transport that notes its waits instead of waiting."""
    return HttpTransport(ServerAccess(url=url, **access), sleep=[].append if waits is None else waits.append)


def ask(asked: HttpTransport) -> tuple[int, bytes]:
    """Return status and body of an answer."""
    with asked.ask("/api/v1/query", {"query": 'up{job="é"}', "time": "1"}) as got:
        return got.status, b"".join(got.chunks)


@pytest.fixture
def close_all() -> Iterator[list[HttpTransport]]:
    """Close the transports of a test."""
    opened: list[HttpTransport] = []
    yield opened
    for one in opened:
        one.close()


def test_a_question_is_a_form_below_the_path_prefix(close_all: list[HttpTransport]) -> None:
    """With credentials, tenant and our name; gzip is undone."""
    body = gzip.compress(b"x" * 100_000)
    with FakeServer(lambda handler: answer(handler, 200, body, Content_Encoding="gzip", Content_Type="a/b")) as server:
        asked = transport(server.url.replace("//", "//me:secret@") + "/prefix/", tenant="t", headers={"X-More": "1"})
        close_all.append(asked)
        assert asked.address == f"{server.url}/prefix"
        assert ask(asked) == (200, b"x" * 100_000)
        ((path, form, headers),) = server.requests
    assert path == "/prefix/api/v1/query"
    assert form == {"query": ['up{job="é"}'], "time": ["1"]}
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"me:secret"
    assert (headers["X-Scope-OrgID"], headers["X-More"], headers["User-Agent"]) == ("t", "1", "genotel")


def test_one_connection_serves_many_questions(close_all: list[HttpTransport]) -> None:
    """As long as answers are read to their end."""
    ports = set()

    def handle(handler: BaseHTTPRequestHandler) -> None:
        ports.add(handler.client_address[1])
        answer(handler, 200)

    with FakeServer(handle) as server:
        asked = transport(server.url)
        close_all.append(asked)
        for _ in range(5):
            ask(asked)
        assert len(ports) == 1
        with asked.ask("/x", {}) as got:
            assert got.status == 200
        assert ask(asked) == (200, b"{}")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_is_busy_is_asked_again(close_all: list[HttpTransport], status: int) -> None:
    """With waits that grow and are never the same."""
    left = [status] * (ATTEMPTS - 1)
    waits: list[float] = []
    with FakeServer(lambda handler: answer(handler, left.pop() if left else 200)) as server:
        asked = transport(server.url, waits)
        close_all.append(asked)
        assert ask(asked) == (200, b"{}")
        assert len(server.requests) == ATTEMPTS
    for attempt, wait in enumerate(waits):
        assert 0.25 * 2**attempt <= wait <= 0.5 * 2**attempt


def test_a_server_that_stays_busy_is_believed(close_all: list[HttpTransport]) -> None:
    """The last answer is handed on with what it says."""
    with FakeServer(lambda handler: answer(handler, 503, b"busy")) as server:
        asked = transport(server.url)
        close_all.append(asked)
        assert ask(asked) == (503, b"busy")
        assert len(server.requests) == ATTEMPTS


@pytest.mark.parametrize(("said", "low", "high"), [("7", 7, 7), ("999999", 0, 0.5), ("soon", 0, 0.5), ("-3", 0, 0.5)])
def test_retry_after_is_heeded_within_reason(
    close_all: list[HttpTransport], said: str, low: float, high: float
) -> None:
    """Seconds up to half a minute; what is longer or unreadable counts as nothing said."""
    left = [429]
    waits: list[float] = []
    with FakeServer(lambda h: answer(h, left.pop(), Retry_After=said) if left else answer(h, 200)) as server:
        asked = transport(server.url, waits)
        close_all.append(asked)
        assert ask(asked)[0] == 200
    assert low <= waits[0] <= high


def test_retry_after_may_be_a_date(close_all: list[HttpTransport]) -> None:
    """As HTTP allows."""
    left = [503]
    waits: list[float] = []
    date = formatdate(time.time() + 10, usegmt=True)
    with FakeServer(lambda h: answer(h, left.pop(), Retry_After=date) if left else answer(h, 200)) as server:
        asked = transport(server.url, waits)
        close_all.append(asked)
        assert ask(asked)[0] == 200
    assert 5 < waits[0] <= 10


def test_a_connection_that_breaks_is_tried_again(close_all: list[HttpTransport]) -> None:
    """Before an answer began."""
    left = [1, 2]

    def handle(handler: BaseHTTPRequestHandler) -> None:
        if left:
            left.pop()
            handler.close_connection = True
            handler.connection.close()
        else:
            answer(handler, 200)

    with FakeServer(handle) as server:
        asked = transport(server.url)
        close_all.append(asked)
        assert ask(asked) == (200, b"{}")


def test_no_time_is_spent_on_waits_that_cannot_help(close_all: list[HttpTransport]) -> None:
    """The time limit holds over all attempts together."""
    waits: list[float] = []
    with FakeServer(lambda handler: answer(handler, 503, Retry_After="20")) as server:
        asked = transport(server.url, waits, timeout_seconds=5.0)
        close_all.append(asked)
        assert ask(asked)[0] == 503
        assert waits == []


def test_an_answer_that_breaks_off_is_an_error(close_all: list[HttpTransport]) -> None:
    """Half an answer is none."""

    def handle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    with FakeServer(handle) as server:
        asked = transport(server.url)
        close_all.append(asked)
        with pytest.raises(ServerError, match=r"/api/v1/query: the answer broke off \(ProtocolError\)"):
            ask(asked)


def test_a_server_that_drips_does_not_hold_us(close_all: list[HttpTransport]) -> None:
    """Each piece comes in time, the whole does not."""
    ended = threading.Event()

    def handle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while not ended.wait(0.02):
            try:
                handler.wfile.write(b"1\r\nx\r\n")
            except OSError:
                return

    with FakeServer(handle) as server:
        asked = transport(server.url, timeout_seconds=0.3)
        close_all.append(asked)
        with pytest.raises(ServerError, match=r"no whole answer within 0\.3 seconds"):
            ask(asked)
        ended.set()


def test_a_server_that_is_silent_does_not_hold_us(close_all: list[HttpTransport]) -> None:
    """Not a byte in time."""
    ended = threading.Event()
    with FakeServer(lambda handler: ended.wait(5) and None) as server:
        asked = transport(server.url, timeout_seconds=0.2)
        close_all.append(asked)
        with pytest.raises(ServerError, match="no answer in time; ask for less or raise the time limit"):
            ask(asked)
        ended.set()


def test_where_nothing_answers_the_message_says_so(close_all: list[HttpTransport]) -> None:
    """A closed port, a host that does not exist."""
    with FakeServer(lambda handler: answer(handler, 200)) as server:
        url = server.url
    for address, message in ((url, "nothing answers there"), ("http://nowhere.invalid", "no such host")):
        asked = transport(address)
        close_all.append(asked)
        with pytest.raises(ServerError, match=f"{address}/api/v1/query: {message}"):
            ask(asked)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return certificate and key of a server that only itself vouches for."""
    openssl = require(shutil.which("openssl"), "openssl")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    request = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(
        [*request, "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    return certificate, key


def test_a_secure_server_must_be_vouched_for(authority: tuple[Path, Path], close_all: list[HttpTransport]) -> None:
    """With its authority it is asked, without it is not, and no second time."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*authority)
    with FakeServer(lambda handler: answer(handler, 200), tls) as server:
        good, bad = transport(server.url, ca_file=authority[0]), transport(server.url)
        close_all += [good, bad]
        assert ask(good) == (200, b"{}")
        with pytest.raises(ServerError, match=r"the secure connection failed; .* \(ca_file\)"):
            ask(bad)


def test_a_server_may_want_a_certificate(authority: tuple[Path, Path], close_all: list[HttpTransport]) -> None:
    """Ours is shown where it is given."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority[0])
    tls.load_cert_chain(*authority)
    tls.verify_mode = ssl.CERT_REQUIRED
    with FakeServer(lambda handler: answer(handler, 200), tls) as server:
        asked = transport(server.url, ca_file=authority[0], certificate_file=authority[0], key_file=authority[1])
        close_all.append(asked)
        assert ask(asked) == (200, b"{}")


def test_files_that_are_no_certificates_are_refused(authority: tuple[Path, Path], tmp_path: Path) -> None:
    """Before anything is asked."""
    with pytest.raises(InputError, match=r"absent\.pem: no such file"):
        transport("https://host", ca_file=tmp_path / "absent.pem")
    (tmp_path / "odd.pem").write_text("odd")
    with pytest.raises(InputError, match=r"odd\.pem: is no certificate with its key"):
        transport("https://host", certificate_file=tmp_path / "odd.pem")
    with pytest.raises(InputError, match=r"odd\.pem: holds no certificates"):
        transport("https://host", ca_file=tmp_path / "odd.pem")
