"""The gate that a web configuration file makes: who may pass, by which terms, dressed in which headers."""

from __future__ import annotations

import threading
from http import HTTPStatus
from pathlib import Path

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.exposition.answer import RETRY_AFTER_SECONDS, Answer, plain
from genotel.exposition.basic_users import Credentials, PasswordChecks, read_credentials
from genotel.exposition.gate import Examination, TlsTerms
from genotel.exposition.rate_limit import TokenBucket
from genotel.exposition.request import Request
from genotel.exposition.web_config import WebConfig
from genotel.exposition.web_file import WebFile
from genotel.exposition.web_metrics import FileState, WebMetrics


class WebAccess:
    """Be the gate of a web configuration file, by what the file says at each moment.

    Args:
        path: the file.
        clock: tells when tokens of the rate limit are there again.

    Raises:
        SettingsError: the file is wrong.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "web.yml")
        ...     _ = file.write_text("basic_auth_users: {alice: $2y$10$" + 53 * "a" + "}")
        ...     access = WebAccess(file)
        ...     access.examine(Request("GET", "/metrics", "", {}, True)).status
        <HTTPStatus.UNAUTHORIZED: 401>
    """

    def __init__(self, path: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._file = WebFile(path, clock=clock)
        self._clock = clock
        self._checks = PasswordChecks()
        self._lock = threading.Lock()
        self._bucket: TokenBucket | None = None
        self.is_tls = self._file.config.context is not None
        self.metrics = WebMetrics(self._state, is_tls=self.is_tls, clock=clock)

    @property
    def has_users(self) -> bool:
        """Return whether anybody has to say who it is."""
        return bool(self._file.config.users)

    def examine(self, request: Request) -> Answer | Examination | None:
        """Return a refusal, or None for a request that may pass, or what has to be settled first.

        Reading the file again and comparing passwords take time and are not done here.
        """
        if not self._file.is_current:
            return Examination(request, urgent=True)
        config = self._file.config
        if not self._has_token(config):
            return _too_many()
        if not config.users:
            return None
        credentials = read_credentials(request.headers.get("authorization", ""))
        known = False if credentials is None else self._checks.known(config.users, credentials)
        return Examination(request) if known is None else _verdict(known)

    def settle(self, examination: Examination) -> Answer | None:
        """Return a refusal, or None for a request that may pass, by what the file says now."""
        config = self._file.refresh()
        # The others have had their token before they came here.
        if examination.urgent and not self._has_token(config):
            return _too_many()
        if not config.users:
            return None
        credentials = read_credentials(examination.request.headers.get("authorization", ""))
        return _verdict(credentials is not None and self._is_right(config, credentials))

    def dress(self, answer: Answer) -> Answer:
        """Return the answer with the file's headers, which go before its own."""
        headers = self._file.config.headers
        if not headers:
            return answer
        replaced = {name.lower() for name, _ in headers}
        kept = tuple(header for header in answer.headers if header[0].lower() not in replaced)
        return answer._replace(headers=(*kept, *headers))

    def tls_terms(self) -> TlsTerms:
        """Return the certificate and the names of this moment."""
        config = self._file.refresh()
        assert config.context is not None
        return TlsTerms(config.context, config.allowed_sans)

    def count_handshake(self, outcome: str) -> None:
        """Count a TLS handshake by how it ended."""
        self.metrics.count_handshake(outcome)

    def _state(self) -> FileState:
        return FileState(self._file.is_good, self._file.loaded_at, self._file.config.expires_at)

    def _is_right(self, config: WebConfig, credentials: Credentials) -> bool:
        known = self._checks.known(config.users, credentials)
        if known is None:
            self.metrics.count_password()
            known = self._checks.is_right(config.users, credentials)
        return known

    def _has_token(self, config: WebConfig) -> bool:
        with self._lock:
            if config.rate_limit is None:
                self._bucket = None
                return True
            if self._bucket is None or self._bucket.limit != config.rate_limit:
                self._bucket = TokenBucket(config.rate_limit, self._clock)
            return self._bucket.take()


def _too_many() -> Answer:
    return plain(HTTPStatus.TOO_MANY_REQUESTS, ("Retry-After", str(RETRY_AFTER_SECONDS)))


def _verdict(right: bool) -> Answer | None:
    return (
        None
        if right
        else plain(HTTPStatus.UNAUTHORIZED, ("WWW-Authenticate", 'Basic realm="genotel", charset="UTF-8"'))
    )
