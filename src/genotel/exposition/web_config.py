"""The web configuration file of Prometheus' exporters: TLS, users, headers and a rate limit.

Its format is exporter-toolkit's (https://github.com/prometheus/exporter-toolkit, docs/web-configuration.md),
so that one file serves every exporter of a machine. How it is kept up to date is in ``web_file.py``.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from genotel.exposition.basic_users import read_users
from genotel.exposition.rate_limit import RateLimit, read_rate_limit
from genotel.exposition.tls_context import make_context
from genotel.exposition.tls_settings import read_tls
from genotel.exposition.yaml_tables import Mistakes, Table, read_table, shown

# The headers that may be set, with the values that may be where those are known.
_HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": (),
    "Strict-Transport-Security": (),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WebConfig:
    """Hold what a file says.

    Attributes:
        context: of TLS; None where connections are plain.
        expires_at: Unix seconds at which the certificate expires, where that is known.
        allowed_sans: names of which a client's certificate has to carry one; any will do where there are none.
        headers: added to every answer.
        users: names and bcrypt hashes; everybody is let in where there are none.
        rate_limit: of all requests together.
        files: what the file refers to, and what therefore counts as a part of it.
    """

    context: ssl.SSLContext | None = None
    expires_at: float | None = None
    allowed_sans: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    rate_limit: RateLimit | None = None
    files: tuple[Path, ...] = ()


def load_web_config(path: Path) -> WebConfig:
    """Return what a file says.

    Raises:
        SettingsError: something in it is wrong or cannot be done: every mistake, with file, line and key.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "web.yml")
        ...     _ = file.write_text("http_server_config:\\n  headers:\\n    X-Frame-Options: deny\\n")
        ...     load_web_config(file).headers
        (('X-Frame-Options', 'deny'),)
    """
    mistakes = Mistakes(str(path))
    top = read_table(path, mistakes)
    tls_table = top.table("tls_server_config")
    tls = read_tls(tls_table, path.parent)
    server_tls = None if tls is None else make_context(tls, tls_table)
    headers = _read_http(top.table("http_server_config"))
    users = read_users(top.table("basic_auth_users"))
    rate_limit = read_rate_limit(top.table("rate_limit"))
    top.refuse_the_rest()
    mistakes.refuse()
    return WebConfig(
        context=None if server_tls is None else server_tls.context,
        expires_at=None if server_tls is None else server_tls.expires_at,
        allowed_sans=() if tls is None else tls.allowed_sans,
        headers=headers,
        users=users,
        rate_limit=rate_limit,
        files=() if tls is None else tls.files,
    )


def _read_http(table: Table) -> tuple[tuple[str, str], ...]:
    if table.boolean("http2"):
        table.wrong("http2", "is true: pages are served by HTTP/1.1, so leave the key out or set it to false")
    headers = table.table("headers")
    table.refuse_the_rest()
    return tuple((name, value) for name in headers.keys if (value := _read_header(headers, name)) is not None)


def _read_header(table: Table, name: str) -> str | None:
    value = table.text(name)
    allowed = _HEADERS.get(name)
    if allowed is None:
        table.wrong(name, f"cannot be set, only {', '.join(_HEADERS)}")
    elif value is not None and allowed and value not in allowed:
        table.wrong(name, f"is {shown(value)}: expected {' or '.join(allowed)}")
    elif value is not None and not (value.isascii() and value.isprintable()):
        table.wrong(name, "has signs that no header can have")
    elif allowed != ("nosniff",):
        # Every answer has that one, asked for or not.
        return value
    return None
