"""An address and its credentials: refused early where wrong, never shown."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from genotel.errors import InputError, SettingsError
from genotel.prometheus_api.access import ServerAccess


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://localhost:9090", "http://localhost:9090"),
        ("http://localhost:9090/", "http://localhost:9090"),
        ("https://mimir.example/prometheus/", "https://mimir.example/prometheus"),
        ("https://user:p%40ss@mimir.example", "https://mimir.example"),
        ("http://[::1]:9090/x", "http://[::1]:9090/x"),
    ],
)
def test_an_address_is_shown_without_credentials(url: str, shown: str) -> None:
    """What is shown is also what is asked."""
    assert ServerAccess(url=url).shown == shown


@pytest.mark.parametrize(
    "url", ["", "localhost:9090", "ftp://x", "http://", "http://h:99999999", "http://h/?a=b", "http://[::1"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """One line that shows what an address looks like."""
    with pytest.raises(SettingsError, match="is no address such as http://localhost:9090"):
        ServerAccess(url=url)


def test_a_refusal_does_not_show_the_password() -> None:
    """Messages end in logs."""
    with pytest.raises(SettingsError) as caught:
        ServerAccess(url="ftp://me:secret@host")
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(ServerAccess(url="http://host", username="me", password="secret"))


def test_a_user_is_taken_from_arguments_or_address() -> None:
    """Arguments win; what is escaped in an address is meant unescaped."""
    proof = ServerAccess(url="https://me:p%40ss@host").request_headers()["Authorization"]
    assert base64.b64decode(proof.removeprefix("Basic ")).decode() == "me:p@ss"
    proof = ServerAccess(url="https://me:x@host", username="you", password="y").request_headers()["Authorization"]
    assert base64.b64decode(proof.removeprefix("Basic ")).decode() == "you:y"
    proof = ServerAccess(url="https://me@host").request_headers()["Authorization"]
    assert base64.b64decode(proof.removeprefix("Basic ")).decode() == "me:"


def test_a_token_is_read_anew_for_each_request(tmp_path: Path) -> None:
    """Kubernetes replaces its tokens while a program runs."""
    file = tmp_path / "token"
    access = ServerAccess(url="https://host", bearer_token_file=file)
    with pytest.raises(InputError, match="the bearer token cannot be read"):
        access.request_headers()
    for token in ("first", "second"):
        file.write_text(token + "\n")
        assert access.request_headers()["Authorization"] == f"Bearer {token}"


def test_tenant_and_further_headers_are_sent() -> None:
    """As Mimir wants them, and proxies before it."""
    access = ServerAccess(url="http://host", tenant="team-a", headers={"X-Proxy": "yes"})
    assert access.request_headers() == {"X-Scope-OrgID": "team-a", "X-Proxy": "yes"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"username": "a", "bearer_token_file": Path("t")}, "give a user or a bearer token, not both"),
        ({"key_file": Path("k")}, "a key file needs a certificate file"),
        ({"headers": {"a": "b\r\nc: d"}}, "a header must be one line"),
    ],
)
def test_contradictions_are_refused(settings: dict[str, object], message: str) -> None:
    """At the start, not at the first question."""
    with pytest.raises(SettingsError, match=message):
        ServerAccess(url="http://host", **settings)
