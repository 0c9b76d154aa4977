"""Real servers on loopback around a page that does as it is told."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from genotel.exposition.format import Format
from genotel.exposition.server import PageServer
from tests.certificates import Authority

PATIENCE_SECONDS = 10.0


class FakePage:
    """Render the same bytes each time; block while ``gate`` is shut; raise ``fault`` if there is one."""

    def __init__(self, body: bytes = b"calls_total 1\n") -> None:
        self.body = body
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.fault: Exception | None = None
        self.asked: list[tuple[str, frozenset[str] | None]] = []

    def render(self, format: Format, names: frozenset[str] | None = None) -> bytes:
        """Return the bytes once the gate is open."""
        self.asked.append((format.name, names))
        self.entered.set()
        assert self.gate.wait(PATIENCE_SECONDS)
        if self.fault is not None:
            raise self.fault
        return self.body


class Reply(NamedTuple):
    """One answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """Speak to a server byte by byte."""

    def __init__(self, port: int, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection((host, port), timeout=PATIENCE_SECONDS)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname=host)
        self._file = self.socket.makefile("rb")

    def send(self, raw: bytes) -> Client:
        """Send bytes as they are."""
        self.socket.sendall(raw)
        return self

    def get(self, path: str = "/metrics", method: str = "GET", **headers: str) -> Client:
        """Send one request; underscores in header names stand for dashes."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def reply(self, *, has_body: bool = True) -> Reply:
        """Read one answer."""
        line = self._file.readline()
        version, status, _ = line.split(b" ", 2)
        assert version == b"HTTP/1.1"
        headers: dict[str, str] = {}
        while (field := self._file.readline().strip()) != b"":
            name, value = field.decode("latin-1").split(": ", 1)
            assert name.lower() not in headers, name
            headers[name.lower()] = value
        body = self._file.read(int(headers["content-length"])) if has_body else b""
        return Reply(int(status), headers, body)

    def is_closed(self) -> bool:
        """Wait for the server's end of the connection; return whether nothing more came."""
        try:
            return self._file.read() == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self.socket.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does; fail where it never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Sign certificates that the clients of a test may trust."""
    return Authority()


@pytest.fixture
def web_file(tmp_path: Path, authority: Authority) -> Callable[[str], Path]:
    """Write a web configuration file; where it names TLS there is ``server.crt`` with its key beside it."""

    def write(text: str) -> Path:
        path = tmp_path / "web.yml"
        if "server.crt" in text and not (tmp_path / "server.crt").exists():
            authority.issue("127.0.0.1", "localhost").write(tmp_path)
        # Beside it and renamed, as a careful operator does.
        beside = tmp_path / "web.yml.new"
        beside.write_text(text, encoding="utf-8")
        beside.rename(path)
        return path

    return write


@pytest.fixture
def page() -> Iterator[FakePage]:
    """Give a page whose gate is open at the end, whatever happens."""
    fake = FakePage()
    yield fake
    fake.gate.set()


@pytest.fixture
def serve(page: FakePage) -> Iterator[Callable[..., PageServer]]:
    """Start servers of the page on free ports."""
    with ExitStack() as stack:

        def start(**settings: object) -> PageServer:
            server = PageServer(settings.pop("page", page), **{"port": 0, **settings})  # type: ignore[arg-type]
            stack.callback(page.gate.set)
            return stack.enter_context(server)

        yield start


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    """Open connections to a server and close them at the end."""
    with ExitStack() as stack:

        def open_connection(server: PageServer, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Client:
            client = Client(server.port, host, tls)
            stack.callback(client.close)
            return client

        yield open_connection
