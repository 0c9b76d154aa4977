"""Serve a page of a user's program where that is possible, and say so once where it is not."""

from __future__ import annotations

import logging

from genotel.exposition.page import Page
from genotel.exposition.server import PageServer

logger = logging.getLogger("genotel")


def serve_if_free(page: Page, host: str, port: int, *, quiet: bool = False) -> PageServer | None:
    """Return a server of the page, its own numbers included; None where the address cannot be had.

    Args:
        page: what is served.
        host: address to bind to.
        port: 0 takes any free one.
        quiet: whether a taken port is nothing to speak of.
    """
    server = PageServer(page, host=host, port=port)
    try:
        server.start()
    except (OSError, UnicodeError) as error:  # the latter of a host that is no name at all
        if not quiet:
            logger.warning(
                "genotel: the metrics page is not served: %s:%d: %s; the program goes on. "
                "Set OTEL_EXPORTER_PROMETHEUS_PORT to another port, or 0 for any free one",
                host,
                port,
                getattr(error, "strerror", None) or type(error).__name__,
            )
        return None
    page.add_source(server.metrics)
    return server
