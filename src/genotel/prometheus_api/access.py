"""Where a server is, who asks, and how it is proven: an address and its credentials."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from genotel.errors import InputError, SettingsError

# Grafana Mimir, Cortex and Loki tell tenants apart by this header.
TENANT_HEADER = "X-Scope-OrgID"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAccess:
    """Say how a server is reached.

    Attributes:
        url: address of the server with its path prefix, without ``/api/v1``; may hold user and
            password.
        tenant: sent as ``X-Scope-OrgID``.
        bearer_token_file: read anew for each request, since such tokens are replaced while one works.
        headers: sent with each request.
        ca_file: certificates of the authorities to trust instead of the system's.
        certificate_file, key_file: what proves who asks, for servers that want it.
        timeout_seconds: for one answer, from the first byte sent to the last one received.

    Raises:
        SettingsError: the address is none, or two ways to prove who asks contradict each other.

    Example:
        >>> ServerAccess(url="https://me:secret@prometheus.example/prefix/").shown
        'https://prometheus.example/prefix'
    """

    url: str
    tenant: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    bearer_token_file: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    timeout_seconds: float = 60.0

    def __post_init__(self) -> None:
        mistakes = []
        if not self.shown:
            mistakes.append(f"{_without_credentials(self.url)!r} is no address such as http://localhost:9090")
        if self.bearer_token_file is not None and self._user()[0] is not None:
            mistakes.append("give a user or a bearer token, not both")
        if self.key_file is not None and self.certificate_file is None:
            mistakes.append("a key file needs a certificate file")
        if any("\n" in text or "\r" in text for pair in self.headers.items() for text in (*pair, self.tenant or "")):
            mistakes.append("a header must be one line")
        if mistakes:
            raise SettingsError("; ".join(mistakes))

    @property
    def shown(self) -> str:
        """Return the address without credentials, to be shown and to be asked; empty where it is none."""
        try:
            parts = urlsplit(self.url)
            port = f":{parts.port}" if parts.port is not None else ""
        except ValueError:
            return ""
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            return ""
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"

    @property
    def is_local(self) -> bool:
        """Return whether the server is on this machine.

        Example:
            >>> ServerAccess(url="http://127.0.0.1:9090").is_local, ServerAccess(url="http://lab:9090").is_local
            (True, False)
        """
        host = urlsplit(self.url).hostname or ""
        return host in {"localhost", "::1"} or host.startswith("127.")

    def request_headers(self) -> dict[str, str]:
        """Return the headers of a request.

        Raises:
            InputError: the file of the bearer token cannot be read.
        """
        headers = dict(self.headers)
        if self.tenant is not None:
            headers[TENANT_HEADER] = self.tenant
        username, password = self._user()
        if username is not None:
            proof = base64.b64encode(f"{username}:{password or ''}".encode()).decode("ascii")
            headers["Authorization"] = f"Basic {proof}"
        elif self.bearer_token_file is not None:
            headers["Authorization"] = f"Bearer {_read_token(self.bearer_token_file)}"
        return headers

    def _user(self) -> tuple[str | None, str | None]:
        if self.username is not None:
            return self.username, self.password
        parts = urlsplit(self.url)
        if parts.username is None:
            return None, None
        return unquote(parts.username), unquote(parts.password or "")


def _read_token(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the bearer token cannot be read ({type(error).__name__})", file=str(path)) from error


def _without_credentials(url: str) -> str:
    return url.rpartition("@")[2]
