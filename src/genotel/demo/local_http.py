"""Ask a server on this machine: no proxy of the environment, no redirects, a short patience."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from genotel.errors import ServerError

TIMEOUT_SECONDS = 2.0


def get(url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> bytes:
    """Return the body that an address answers with.

    Raises:
        ServerError: nobody answers, or not with 200.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_seconds)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise ServerError(f"{url}: no answer ({type(error).__name__})") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise ServerError(f"{url}: status {answer.status}")
    return body
