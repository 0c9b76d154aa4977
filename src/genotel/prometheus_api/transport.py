"""Send one question to a server and stream its answer: connections, retries, time limits, TLS."""

from __future__ import annotations

import contextlib
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Protocol
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, SSLError

from genotel.errors import InputError, ServerError
from genotel.prometheus_api.access import ServerAccess
from genotel.prometheus_api.query_times import QUERY_TIMES

# A reader that asks more at once is a load that the server's other users feel (krr's issue 83).
MAX_CONNECTIONS = 4
ATTEMPTS = 4
# Overloaded, restarting, or a proxy that finds no server behind it just now.
RETRIED = frozenset({429, 502, 503, 504})
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
_CHUNK_BYTES = 1 << 20
USER_AGENT = "genotel"


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """Hold the status of an answer and its body, which comes in pieces while it is read."""

    status: int
    content_type: str
    chunks: Iterator[bytes]


class Transport(Protocol):
    """Ask a server; the other end of it is replaced in tests."""

    @property
    def address(self) -> str:
        """Return the address for messages."""
        ...

    def ask(self, path: str, fields: Mapping[str, str]) -> contextlib.AbstractContextManager[Answer]:
        """Send form fields to a path and return the answer as a context manager.

        Raises:
            ServerError: no answer came, or its connection broke while it was read.
        """
        ...


class HttpTransport:
    """Ask a server over HTTP by POST, as long queries do not fit into an address.

    A server that is overloaded or away for a moment is asked again, at most four times in all, with
    growing waits of random length or as long as its ``Retry-After`` says.

    Args:
        access: address and credentials.
        sleep: waits some seconds.
        monotonic: tells the time in seconds.
    """

    def __init__(
        self,
        access: ServerAccess,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._access = access
        self._sleep = sleep
        self._monotonic = monotonic
        self._pool = urllib3.PoolManager(
            maxsize=MAX_CONNECTIONS, block=True, retries=False, ssl_context=_tls_context(access)
        )

    @property
    def address(self) -> str:
        """Return the address without credentials."""
        return self._access.shown

    @contextmanager
    def ask(self, path: str, fields: Mapping[str, str]) -> Iterator[Answer]:
        """Send form fields to a path and yield the answer.

        Raises:
            ServerError: no answer came in time, or its connection broke while it was read.
            InputError: the file of the bearer token cannot be read.
        """
        url = f"{self.address}{path}"
        deadline = self._monotonic() + self._access.timeout_seconds
        with self._translated(url), QUERY_TIMES.measured():
            response = self._send(url, fields, deadline)
            try:
                yield Answer(
                    response.status,
                    response.headers.get("Content-Type", ""),
                    self._chunks(response, url, deadline),
                )
            finally:
                # A body that was not read to its end makes the connection useless for the next.
                response.drain_conn() if response.length_remaining == 0 else response.close()
                response.release_conn()

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    def _send(self, url: str, fields: Mapping[str, str], deadline: float) -> urllib3.BaseHTTPResponse:
        headers = {
            "Accept": "application/json",
            # To pack an answer takes a server several times as long as to find it; a network may be slower.
            "Accept-Encoding": "identity" if self._access.is_local else "gzip",
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": USER_AGENT,
            **self._access.request_headers(),
        }
        body = urlencode(fields).encode("ascii")
        for attempt in range(1, ATTEMPTS + 1):
            left = deadline - self._monotonic()
            fault: HTTPError | None = None
            response: urllib3.BaseHTTPResponse | None = None
            try:
                response = self._pool.request(
                    "POST",
                    url,
                    body=body,
                    headers=headers,
                    preload_content=False,
                    redirect=False,
                    timeout=urllib3.Timeout(total=max(left, 0.001)),
                )
            except SSLError:
                raise
            except HTTPError as error:
                fault = error
            if response is not None and response.status not in RETRIED:
                return response
            wait = _wait(attempt, None if response is None else response.headers.get("Retry-After"))
            if attempt == ATTEMPTS or self._monotonic() + wait >= deadline:
                if response is not None:
                    return response
                assert fault is not None, "there is either a response or a fault"
                raise fault
            if response is not None:
                response.close()
            self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _chunks(self, response: urllib3.BaseHTTPResponse, url: str, deadline: float) -> Iterator[bytes]:
        for chunk in response.stream(_CHUNK_BYTES, decode_content=True):
            if self._monotonic() > deadline:
                # urllib3 limits the wait for each piece only: a server that drips would hold us for ever.
                raise ServerError(f"{url}: no whole answer within {self._access.timeout_seconds:g} seconds")
            yield chunk

    @contextmanager
    def _translated(self, url: str) -> Iterator[None]:
        try:
            yield
        except (HTTPError, OSError) as error:
            cause = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
            raise ServerError(f"{url}: {_reason(cause)}") from error


def _tls_context(access: ServerAccess) -> ssl.SSLContext | None:
    for file in (access.ca_file, access.certificate_file, access.key_file):
        if file is not None and not file.is_file():
            raise InputError("no such file", file=str(file))
    if not access.shown.startswith("https:"):
        return None
    try:
        context = ssl.create_default_context(cafile=access.ca_file)
    except (ssl.SSLError, OSError) as error:
        raise InputError("holds no certificates", file=str(access.ca_file)) from error
    if access.certificate_file is not None:
        try:
            context.load_cert_chain(access.certificate_file, access.key_file)
        except (ssl.SSLError, OSError) as error:
            raise InputError("is no certificate with its key", file=str(access.certificate_file)) from error
    return context


def _wait(attempt: int, retry_after: str | None) -> float:
    """Return the seconds to wait before the next attempt, from the server's word or with growing jitter."""
    if retry_after is not None:
        try:
            said = float(retry_after)
        except ValueError:
            try:
                said = parsedate_to_datetime(retry_after).timestamp() - time.time()
            except ValueError:
                said = -1.0
        if 0 <= said <= _LONGEST_WAIT_SECONDS:
            return said
    # Between half and all of a wait that doubles, so that many readers do not come back at once.
    return _FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.0)


def _reason(error: BaseException) -> str:
    """Say in words why no answer came."""
    if isinstance(error, SSLError | ssl.SSLError):
        return "the secure connection failed; a server with its own authority needs its certificate (ca_file)"
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "no such host; check the address"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "nothing answers there; check the address and whether the server runs"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time; ask for less or raise the time limit"
    return f"the answer broke off ({type(error).__name__})"
