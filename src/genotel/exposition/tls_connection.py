"""A client's connection whose TLS handshake is done."""

from __future__ import annotations

import contextlib
import ssl
from typing import cast

from genotel.exposition.connection import Connection

# What fits into one TLS record together with its head is sent in one.
_RECORD_BYTES = 16 * 1024


class TlsConnection(Connection):
    """Read and write through TLS; everything else is as without it."""

    __slots__ = ()

    def receive(self) -> None:
        """Take what has arrived; one call takes a whole record, so that nothing stays behind in OpenSSL.

        Raises:
            OSError: the connection is lost, or speaks no TLS any more.
        """
        # Wanting to write, of a client that asks for new keys and takes no answer, is a lost one.
        with contextlib.suppress(ssl.SSLWantReadError):
            super().receive()

    def queue(self, head: bytes, body: bytes) -> None:
        """Put an answer behind what is still to be sent."""
        if len(head) + len(body) <= _RECORD_BYTES:
            head, body = head + body, b""
        super().queue(head, body)

    def send(self) -> bool:
        """Send what fits now; return whether nothing is left.

        Raises:
            OSError: the connection is lost.
        """
        while self._pending:
            try:
                sent = self.socket.send(self._pending[0])
            except ssl.SSLWantWriteError:
                return False
            if sent == len(self._pending[0]):
                del self._pending[0]
            else:
                self._pending[0] = self._pending[0][sent:]
        return True

    def linger(self) -> None:
        """Say in TLS too that nothing more comes: without it the client would take the answer for cut off.

        Raises:
            OSError: the connection is lost.
        """
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            # Sends the message, and then wants the client's, which nobody waits for.
            cast(ssl.SSLSocket, self.socket).unwrap()
        super().linger()
