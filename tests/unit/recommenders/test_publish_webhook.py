"""Whom the watch tells: what is new or changed, signed, with patience, and never in its way."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from urllib3.exceptions import HTTPError, ProtocolError

from genotel.clock import Clock
from genotel.errors import InputError, SettingsError
from genotel.recommenders import publish_webhook
from genotel.recommenders.publish_webhook import ATTEMPTS, MAX_ENTRIES, Webhook, post_by_http
from genotel.recommenders.recommendation import Priority, Reason, Recommendation

SECONDS = 10.0


def advice(model: str, priority: Priority = Priority.HIGH, confidence: float = 0.96) -> Recommendation:
    """Return advice to delete a model."""
    return Recommendation(
        model=model,
        kind="cleanup",
        priority=priority,
        confidence=confidence,
        reason_code=Reason.UNUSED,
        reason="Not used.",
        evidence={"idle_days": 40.0},
    )


class Receiver:
    """Answer with the given statuses, the last one from then on, and keep what came."""

    def __init__(self, *answers: int | Exception | tuple[int, float]) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.headers: list[Mapping[str, str]] = []

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, float | None]:
        """Take one message."""
        self.bodies.append(body)
        self.headers.append(headers)
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, tuple) else (answer, None)

    def told(self) -> list[list[tuple[str, str]]]:
        """Return status and model of each message's entries."""
        return [
            [(entry["status"], entry["model"]) for entry in json.loads(body)["recommendations"]] for body in self.bodies
        ]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Return a file with a secret."""
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    return file


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the waits between attempts short; their growth is tested by itself."""
    monkeypatch.setattr(publish_webhook, "_FIRST_WAIT_SECONDS", 0.0001)


def hook(receiver: Receiver, secret: Path, results: list[str] | None = None) -> Webhook:
    """Return a webhook that posts to a receiver."""
    clock = Clock(wall=lambda: 1_700_000_000.9)
    on_result = (lambda result: None) if results is None else results.append
    return Webhook("https://hooks.example/x", secret, {}, on_result, receiver, clock)


def test_only_what_is_new_or_changed_is_told(secret: Path) -> None:
    """A probability moves with every run; priority and reason are what somebody acts on."""
    receiver, results = Receiver(200), list[str]()
    webhook = hook(receiver, secret, results)
    for standing in (
        [advice("a"), advice("b")],
        [advice("a", confidence=0.97), advice("b")],
        [advice("a", Priority.MEDIUM), advice("b")],
        [advice("b")],
        [advice("a", Priority.MEDIUM), advice("b")],
        [],
    ):
        webhook.offer(standing, "a store")
        webhook.wait(SECONDS)
    assert receiver.told() == [[("new", "a"), ("new", "b")], [("changed", "a")], [("new", "a")]]
    assert results == ["delivered"] * 3
    assert webhook.copy_told() == {}


def test_a_message_proves_who_sent_it_and_when(secret: Path) -> None:
    """HMAC-SHA256 of timestamp and body, as docs/recommender.md tells receivers to check it."""
    receiver = Receiver(204)
    webhook = hook(receiver, secret)
    webhook.offer([advice("a")], "a store")
    webhook.wait(SECONDS)
    (headers,), (body,) = receiver.headers, receiver.bodies
    assert headers["X-Genotel-Timestamp"] == "1700000000"
    expected = hmac.new(b"s3cret", b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers["X-Genotel-Signature"] == f"sha256={expected}"
    content = json.loads(body)
    assert (content["version"], content["source"]) == (1, "a store")
    assert content["recommendations"][0]["would_change"] == Reason.UNUSED.would_change


def test_the_secret_may_change_while_it_runs(secret: Path) -> None:
    """It is read for every message."""
    receiver = Receiver(200)
    webhook = hook(receiver, secret)
    webhook.offer([advice("a")], "a store")
    webhook.wait(SECONDS)
    secret.write_text("other")
    webhook.offer([advice("b")], "a store")
    webhook.wait(SECONDS)
    expected = hmac.new(b"other", b"1700000000." + receiver.bodies[1], hashlib.sha256).hexdigest()
    assert receiver.headers[1]["X-Genotel-Signature"] == f"sha256={expected}"


@pytest.mark.parametrize("fault", [503, 429, 500, 408, ProtocolError("gone"), OSError("down")])
def test_what_may_pass_is_tried_again(secret: Path, fault: int | Exception) -> None:
    """With the same number of delivery, so that the receiver can tell."""
    receiver, results = Receiver(fault, fault, 200), list[str]()
    webhook = hook(receiver, secret, results)
    webhook.offer([advice("a")], "a store")
    webhook.wait(SECONDS)
    assert len(receiver.bodies) == 3
    assert len({headers["X-Genotel-Delivery"] for headers in receiver.headers}) == 1
    assert results == ["delivered"]


@pytest.mark.parametrize(("answer", "attempts"), [(404, 1), (301, 1), (401, 1), (503, ATTEMPTS)])
def test_what_was_not_delivered_is_offered_again_by_the_next_run(secret: Path, answer: int, attempts: int) -> None:
    """Nothing is lost, whether it was refused or given up."""
    receiver, results = Receiver(*[answer] * attempts, 200), list[str]()
    webhook = hook(receiver, secret, results)
    webhook.offer([advice("a")], "a store")
    webhook.wait(SECONDS)
    assert len(receiver.bodies) == attempts
    webhook.offer([advice("a")], "a store")
    webhook.wait(SECONDS)
    assert results == ["failed", "delivered"]


def test_waits_double_and_the_receiver_s_word_counts(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry-After is obeyed up to a minute."""
    waits: list[float] = []

    class Never(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return False

    monkeypatch.setattr(publish_webhook, "_FIRST_WAIT_SECONDS", 1.0)
    webhook = hook(Receiver(500, 500, (503, 7.0), (503, 1e6), 200), secret)
    webhook._closing = Never()
    webhook.offer([advice("a")], "a store")
    webhook.wait(SECONDS)
    assert 0.5 <= waits[0] <= 1.0 <= waits[1] <= 2.0
    assert waits[2:] == [7.0, 60.0]


def test_a_slow_receiver_holds_nobody_up(secret: Path) -> None:
    """While one message is under way nothing is sent, and the next run brings what is missing."""
    begun, go_on = threading.Event(), threading.Event()
    receiver = Receiver(200)

    def slow(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, float | None]:
        begun.set()
        go_on.wait(SECONDS)
        return receiver(url, body, headers)

    webhook = replace(hook(receiver, secret), post=slow)
    assert webhook.offer([advice("a")], "a store")
    assert begun.wait(SECONDS)
    assert not webhook.offer([advice("a"), advice("b")], "a store")
    go_on.set()
    webhook.wait(SECONDS)
    assert webhook.offer([advice("a"), advice("b")], "a store")
    webhook.wait(SECONDS)
    assert receiver.told() == [[("new", "a")], [("new", "b")]]


def test_the_end_does_not_wait_for_a_receiver_that_is_away(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait between two attempts ends at once, and nothing new begins."""
    monkeypatch.setattr(publish_webhook, "_FIRST_WAIT_SECONDS", 60.0)
    results: list[str] = []
    webhook = hook(Receiver(503), secret, results)
    webhook.offer([advice("a")], "a store")
    webhook.close()
    webhook.wait(SECONDS)
    assert results == ["failed"]
    assert not webhook.offer([advice("b")], "a store")


def test_a_message_is_bounded_and_the_next_run_brings_the_rest(secret: Path) -> None:
    """The most urgent first."""
    receiver = Receiver(200)
    webhook = hook(receiver, secret)
    standing = [advice(f"m{k}", Priority.LOW) for k in range(MAX_ENTRIES)] + [advice("urgent")]
    for _ in range(3):
        webhook.offer(standing, "a store")
        webhook.wait(SECONDS)
    assert [len(entries) for entries in receiver.told()] == [MAX_ENTRIES, 1]
    assert receiver.told()[0][0] == ("new", "urgent")


@pytest.mark.parametrize(
    "url", ["ftp://x/y", "hooks.example", "https://", "file:///etc/passwd", "http://[", "http://x:port/", ""]
)
def test_an_address_that_is_none_is_refused(secret: Path, url: str) -> None:
    """At once, not at the first message."""
    with pytest.raises(SettingsError, match="--webhook needs an address"):
        Webhook(url, secret, {})


def test_a_secret_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    """Unsigned messages are not sent."""
    with pytest.raises(InputError, match="the webhook's secret cannot be read"):
        Webhook("http://x/", tmp_path / "none", {})
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(InputError, match="the webhook's secret is empty"):
        Webhook("http://x/", tmp_path / "empty", {})


def test_a_secret_that_vanishes_fails_the_delivery_only(secret: Path) -> None:
    """The watch goes on."""
    results: list[str] = []
    webhook = hook(Receiver(200), secret, results)
    secret.unlink()
    webhook.offer([advice("a")], "a store")
    webhook.wait(SECONDS)
    assert results == ["failed"]


class _Handler(BaseHTTPRequestHandler):
    received: bytes = b""

    def do_POST(self) -> None:
        type(self).received = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(307 if self.path == "/moved" else 503)
        self.send_header("Location", "/elsewhere")
        self.send_header("Retry-After", "3" if self.path == "/busy" else "Sat, 01 Jan 2000 00:00:00 GMT")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_message_goes_over_the_wire() -> None:
    """Posted once; a redirection is an answer, not a way to go; Retry-After is read where it is a number."""
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        assert post_by_http(f"{address}/moved", b"{}", {"X-A": "b"}) == (307, None)
        assert post_by_http(f"{address}/busy", b'{"a": 1}', {}) == (503, 3.0)
        assert _Handler.received == b'{"a": 1}'
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    with pytest.raises(HTTPError):
        post_by_http(address, b"{}", {})
