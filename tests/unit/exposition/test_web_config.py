"""The web configuration file as a whole."""

from __future__ import annotations

import bcrypt
import pytest

from genotel.errors import SettingsError
from genotel.exposition.rate_limit import RateLimit
from genotel.exposition.web_config import load_web_config

# The same in every process, since the names of tests have it.
HASH = bcrypt.hashpw(b"secret", b"$2b$04$abcdefghijklmnopqrstuu").decode()


def test_a_file_of_the_documented_shape_loads(web_file):
    """TLS and users, as exporter-toolkit's own sample has them, and everything else its document lists."""
    config = load_web_config(
        web_file(
            "# Certificates lie beside this file.\n"
            "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n\n"
            "  client_auth_type: NoClientCert\n  min_version: TLS12\n  max_version: TLS13\n"
            "http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: deny\n"
            "    X-Content-Type-Options: nosniff\n    X-XSS-Protection: 1; mode=block\n"
            "    Strict-Transport-Security: max-age=31536000; includeSubDomains\n    Content-Security-Policy:\n"
            f"basic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n"
            "rate_limit:\n  interval: 100ms\n  burst: 20\n"
        )
    )
    assert config.context is not None
    assert set(config.users) == {"alice", "bob"}
    assert config.rate_limit == RateLimit(0.1, 20)
    assert dict(config.headers) == {
        "X-Frame-Options": "deny",
        "X-XSS-Protection": "1; mode=block",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    }
    assert [path.name for path in config.files] == ["server.crt", "server.key"]
    assert HASH not in repr(config)


@pytest.mark.parametrize("text", ["", "basic_auth_users:\n", "tls_server_config: {}\nhttp_server_config: ~\n"])
def test_an_empty_file_asks_for_nothing(web_file, text):
    """Plain HTTP for everybody."""
    config = load_web_config(web_file(text))
    assert (config.context, dict(config.users), config.rate_limit, config.headers) == (None, {}, None, ())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "http_server_config: {http2: true}",
            "web.yml:1: http_server_config.http2: is true: pages are served by HTTP/1",
        ),
        ("http_server_config: {http3: true}", "http_server_config.http3: unknown key"),
        (
            "http_server_config: {headers: {Server: x}}",
            "http_server_config.headers.Server: cannot be set, only Content-",
        ),
        (
            "http_server_config: {headers: {X-Frame-Options: ALLOW}}",
            "X-Frame-Options: is 'ALLOW': expected deny or same",
        ),
        ('http_server_config: {headers: {X-XSS-Protection: "a\\r\\nSet-Cookie: b"}}', "has signs that no header can"),
        ("http_server_config: {headers: {X-XSS-Protection: é}}", "has signs that no header can"),
        ("basic_auth_user: {}", "basic_auth_user: unknown key"),
    ],
)
def test_a_mistake_is_refused_by_its_key(web_file, text, says):
    """With the file and the line."""
    with pytest.raises(SettingsError) as refused:
        load_web_config(web_file(text))
    assert says in str(refused.value)


def test_all_mistakes_are_told_at_once(web_file):
    """In one line, from every section."""
    text = (
        "tls_server_config:\n  key_file: a\nhttp_server_config:\n  http2: true\n"
        "basic_auth_users:\n  alice: plain\nrate_limit:\n  burst: 1\nmore: 1\n"
    )
    with pytest.raises(SettingsError) as refused:
        load_web_config(web_file(text))
    said = str(refused.value)
    assert "\n" not in said
    for line in (2, 4, 6, 8, 9):
        assert f"web.yml:{line}: " in said
