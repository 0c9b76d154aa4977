"""Who may pass: what the server asks before a request is answered, and before a connection is trusted.

The server knows this protocol only, so that programs without a web configuration file load nothing for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from genotel.exposition.answer import Answer
from genotel.exposition.request import Request

# Not loaded: programs without TLS need not have OpenSSL in memory.
if TYPE_CHECKING:
    import ssl


class Examination:
    """Hold a request whose answer takes longer than a look: a password to hash, a file to read again.

    ``urgent`` ones go before the others, which may be guesses.
    """

    __slots__ = ("request", "urgent")

    def __init__(self, request: Request, *, urgent: bool = False) -> None:
        self.request = request
        self.urgent = urgent


class TlsTerms(NamedTuple):
    """Hold the terms of a new TLS connection; any verified name will do where ``allowed_sans`` is empty."""

    context: ssl.SSLContext
    allowed_sans: tuple[str, ...]


class Gate(Protocol):
    """Be asked by the server: :class:`genotel.exposition.web_access.WebAccess`, or a fake in tests."""

    @property
    def is_tls(self) -> bool:
        """Return whether connections speak TLS; it never changes."""
        ...

    def examine(self, request: Request) -> Answer | Examination | None:
        """Return a refusal, or None for a request that may pass, or what has to be settled first; at once."""
        ...

    def settle(self, examination: Examination) -> Answer | None:
        """Return a refusal, or None; may take its time."""
        ...

    def dress(self, answer: Answer) -> Answer:
        """Return the answer with the headers that every answer has."""
        ...

    def tls_terms(self) -> TlsTerms:
        """Return the terms of a connection that begins now; may take its time."""
        ...

    def count_handshake(self, outcome: str) -> None:
        """Count a TLS handshake by how it ended."""
        ...
