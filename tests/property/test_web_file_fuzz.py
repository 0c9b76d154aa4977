"""Whatever a web configuration file holds: it is in force, or refused in one line; nobody gets a 500, nothing hangs."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import bcrypt
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from genotel.errors import SettingsError
from genotel.exposition.page import Page
from genotel.exposition.server import PageServer
from genotel.exposition.web_access import WebAccess
from genotel.exposition.web_config import WebConfig, load_web_config
from tests.certificates import Authority

SECRET = "hunter2-is-a-secret"
HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    TEXTS,
    st.sampled_from(
        [HASH, "server.crt", "server.key", "TLS12", "TLS13", "1s", "0", "deny", "RequireAndVerifyClientCert"]
    ),
)
SECTIONS = {
    "tls_server_config": [
        "cert",
        "key",
        "client_ca",
        "cert_file",
        "key_file",
        "client_ca_file",
        "client_auth_type",
        "client_allowed_sans",
        "min_version",
        "max_version",
        "cipher_suites",
        "prefer_server_cipher_suites",
        "curve_preferences",
    ],
    "http_server_config": ["http2", "headers"],
    "basic_auth_users": ["alice", "bob"],
    "rate_limit": ["interval", "burst"],
}
SECRET_PLACES = [
    ("tls_server_config", "cert"),
    ("tls_server_config", "key"),
    ("tls_server_config", "client_ca"),
    ("basic_auth_users", "alice"),
]
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        name: st.dictionaries(st.sampled_from(keys) | TEXTS, VALUES, max_size=5) | VALUES
        for name, keys in SECTIONS.items()
    }
    | {"more": VALUES},
)
# Pieces that YAML gives a meaning to, in any order: aliases, tags, blocks, broken quotes.
PIECES = st.lists(
    st.sampled_from([*":-{}[]&*!|>'\"%@#,?~\n", "<<", "&a", "*a", "!!binary", "!!timestamp", "2001-99-99", "---"])
    | st.sampled_from([*SECTIONS, *(key for keys in SECTIONS.values() for key in keys), SECRET])
    | TEXTS,
    max_size=30,
).map(" ".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a certificate and its key."""
    made = tmp_path_factory.mktemp("web")
    Authority().issue("localhost").write(made)
    return made


def loaded(path: Path, content: bytes) -> WebConfig | str:
    """Return what a file says, or the line of its refusal."""
    path.write_bytes(content)
    try:
        return load_web_config(path)
    except SettingsError as error:
        said = str(error)
        assert said.isprintable(), said
        assert said.startswith(str(path))
        assert len(said) < 20_000
        return said


@given(document=DOCUMENTS, as_json=st.booleans())
def test_any_document_is_in_force_or_refused(folder: Path, document: object, as_json: bool) -> None:
    """By the names of what is wrong, and never with a secret of it."""
    text = json.dumps(document) if as_json else yaml.safe_dump(document, allow_unicode=True)
    loaded(folder / "web.yml", text.encode("utf-8", "surrogatepass"))


@given(document=DOCUMENTS, place=st.sampled_from(SECRET_PLACES), wrapped=st.booleans(), cut=st.integers(0, 400))
def test_a_secret_is_never_repeated(
    folder: Path, document: dict[str, object], place: tuple[str, str], wrapped: bool, cut: int
) -> None:
    """Whatever else is wrong, and wherever the file ends."""
    section, key = place
    others = document.get(section)
    document[section] = {**(others if isinstance(others, dict) else {}), key: [SECRET] if wrapped else SECRET}
    text = yaml.safe_dump(document, allow_unicode=True)
    for content in (
        text,
        text[: len(text) - cut],
        text.replace(f"{key}: ", f"{key} "),
        text.replace(SECRET, f"*{SECRET}"),
    ):
        found = loaded(folder / "web.yml", content.encode("utf-8", "surrogatepass"))
        assert isinstance(found, WebConfig) or SECRET not in found


@given(text=PIECES | st.text(max_size=200))
def test_any_text_is_in_force_or_refused(folder: Path, text: str) -> None:
    """Broken YAML as well."""
    loaded(folder / "web.yml", text.encode("utf-8", "surrogatepass"))


@given(content=st.binary(max_size=300))
def test_any_bytes_are_in_force_or_refused(folder: Path, content: bytes) -> None:
    """Of any encoding."""
    loaded(folder / "web.yml", content)


@pytest.fixture(scope="module")
def ask(folder: Path) -> Iterator[Callable[[bytes], int]]:
    """Serve behind a file; return a client that changes the file and asks for the page."""
    path = folder / "live.yml"
    path.write_text(f"basic_auth_users: {{alice: {HASH}}}", encoding="utf-8")
    with PageServer(Page(), port=0, gate=WebAccess(path)) as server:

        def status(content: bytes) -> int:
            path.write_bytes(content)
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
                client.sendall(b"GET /metrics HTTP/1.0\r\nAuthorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n")
                with client.makefile("rb") as answer:
                    return int(answer.readline().split(b" ")[1])

        yield status


@given(content=DOCUMENTS.map(lambda document: json.dumps(document).encode()) | PIECES.map(str.encode))
@settings(max_examples=60)
def test_any_change_of_a_live_file_is_answered(ask: Callable[[bytes], int], content: bytes) -> None:
    """By the file before or by the new one: with the page, or with the refusal that the file asks for."""
    assert ask(content) in {200, 401, 429}
