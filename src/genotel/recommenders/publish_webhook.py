"""Tell a webhook about advice that is new or has changed: signed, with patience, beside the watch's own thread.

There is no queue: what was delivered is remembered, and each run offers what differs from that. While one
message is under way nothing else is sent, and what fails now is offered again by the next run.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import parse_url

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.errors import InputError, SettingsError
from genotel.recommenders.publish_memory import ToldKey
from genotel.recommenders.recommendation import Recommendation, plain
from genotel.semconv.attributes import RESULT_DELIVERED, RESULT_FAILED
from genotel.version import __version__

# Form of the message; a receiver may refuse one that it does not know.
VERSION = 1
# More than a person reads at once; the next run brings the rest.
MAX_ENTRIES = 100
ATTEMPTS = 5
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 60.0
_TIMEOUT_SECONDS = 10.0
_CLOSING_SECONDS = 2.0


class Poster(Protocol):
    """Send a message; replaced in tests."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, float | None]:
        """Return the status and the seconds of its Retry-After.

        Raises:
            HTTPError: no answer came.
        """
        ...


@dataclass(slots=True)
class Webhook:
    """Deliver advice to an address.

    Args:
        url: http or https, where messages are posted; a redirection is not followed.
        secret_file: what it holds signs each message; read for each, so that it can be changed.
        told: the priority that was delivered of standing advice, by kind, model and reason.
        on_result: called with ``delivered`` or ``failed``, by the webhook's thread.
        post: sends a message.

    Raises:
        SettingsError: the address is none.
        InputError: the secret cannot be read, or is empty.
    """

    url: str
    secret_file: Path
    told: dict[ToldKey, str]
    on_result: Callable[[str], None] = lambda result: None
    post: Poster | None = None
    clock: Clock = SYSTEM_CLOCK
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        try:
            parts = parse_url(self.url)
        except LocationParseError:
            parts = None
        if parts is None or parts.scheme not in {"http", "https"} or not parts.host:
            raise SettingsError("--webhook needs an address that begins with http:// or https://")
        read_secret(self.secret_file)

    def offer(self, standing: Sequence[Recommendation], source: str) -> bool:
        """Begin to deliver what is new or changed; return whether there was anything to begin with.

        Args:
            standing: all advice that stands; what no longer does is forgotten, so that it is new again.
            source: where the history was read from.
        """
        if self._thread is not None and self._thread.is_alive():
            return False
        with self._lock:
            for key in self.told.keys() - {_key(entry) for entry in standing}:
                del self.told[key]
            known = dict(self.told)
        changed = [entry for entry in standing if known.get(_key(entry)) != entry.priority.value]
        if not changed or self._closing.is_set():
            return False
        changed.sort(key=lambda entry: -entry.priority.rank)
        changed = changed[:MAX_ENTRIES]
        body = _message(changed, known, source)
        self._thread = threading.Thread(target=self._deliver, args=(body, changed), name="genotel-webhook", daemon=True)
        self._thread.start()
        return True

    def copy_told(self) -> dict[ToldKey, str]:
        """Return what was delivered, for the memory."""
        with self._lock:
            return dict(self.told)

    def close(self) -> None:
        """Give a message under way two seconds to get through, and begin no other."""
        self._closing.set()
        self.wait(_CLOSING_SECONDS)

    def wait(self, seconds: float) -> None:
        """Wait for the message under way."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _deliver(self, body: bytes, entries: Sequence[Recommendation]) -> None:
        is_delivered = self._attempts(body)
        if is_delivered:
            with self._lock:
                self.told.update({_key(entry): entry.priority.value for entry in entries})
        self.on_result(RESULT_DELIVERED if is_delivered else RESULT_FAILED)

    def _attempts(self, body: bytes) -> bool:
        delivery = str(uuid4())
        post = self.post or post_by_http
        for attempt in range(ATTEMPTS):
            wait: float | None = None
            try:
                status, wait = post(self.url, body, self._headers(body, delivery))
            except (HTTPError, OSError, InputError):
                status = 0
            if 200 <= status < 300:
                return True
            # A redirection, and what the receiver will not take, is not taken the next time either.
            if status and status < 500 and status not in {408, 425, 429}:
                return False
            if wait is None:
                wait = _FIRST_WAIT_SECONDS * 2.0**attempt * random.uniform(0.5, 1.0)
            if attempt + 1 == ATTEMPTS or self._closing.wait(min(max(wait, 0.0), _LONGEST_WAIT_SECONDS)):
                return False
        return False

    def _headers(self, body: bytes, delivery: str) -> dict[str, str]:
        timestamp = str(int(self.clock.wall()))
        return {
            "Content-Type": "application/json",
            "User-Agent": f"genotel/{__version__}",
            "X-Genotel-Delivery": delivery,
            "X-Genotel-Timestamp": timestamp,
            "X-Genotel-Signature": signature(read_secret(self.secret_file), timestamp, body),
        }


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return what proves who sent a message and when: HMAC-SHA256 of ``timestamp.body``.

    Example:
        >>> signature(b"key", "1700000000", b"{}")[:23]
        'sha256=9d713ed406bb7076'
    """
    return "sha256=" + hmac.new(secret, timestamp.encode("ascii") + b"." + body, hashlib.sha256).hexdigest()


def read_secret(file: Path) -> bytes:
    """Return the secret that a file holds, without the line break at its end.

    Raises:
        InputError: it cannot be read, or is empty.
    """
    try:
        secret = file.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise InputError(f"the webhook's secret cannot be read ({error.strerror})", file=str(file)) from error
    if not secret:
        raise InputError("the webhook's secret is empty", file=str(file))
    return secret


def post_by_http(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, float | None]:
    """Post a message once; return the status and the seconds of its Retry-After.

    Raises:
        HTTPError: no answer came.
    """
    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request(
            "POST",
            url,
            body=body,
            headers=dict(headers),
            redirect=False,
            timeout=urllib3.Timeout(total=_TIMEOUT_SECONDS),
            preload_content=False,
        )
        try:
            said = answer.headers.get("Retry-After", "")
            return answer.status, float(said) if said.isascii() and said.isdigit() else None
        finally:
            answer.close()


def _message(entries: Sequence[Recommendation], known: Mapping[ToldKey, str], source: str) -> bytes:
    content = {
        "version": VERSION,
        "source": source,
        "recommendations": [
            {"status": "changed" if _key(entry) in known else "new", **plain(entry)} for entry in entries
        ],
    }
    return json.dumps(content, allow_nan=False).encode("ascii")


def _key(entry: Recommendation) -> ToldKey:
    # A probability moves with every run: what somebody acts on is the priority of something about a model.
    return entry.kind, entry.model, entry.reason_code.value
