"""Our reader as a metrics exporter by name: ``OTEL_METRICS_EXPORTER=genotel`` under any distro."""

from __future__ import annotations

import logging
from typing import Any

from genotel.exposition.page import Page
from genotel.exposition.server import PageServer
from genotel.settings import load_settings
from genotel.telemetry.reader import PageReader

logger = logging.getLogger("genotel")


class ServedPageReader(PageReader):
    """Be a reader that serves its own page, where OpenTelemetry makes it by name without arguments.

    The address comes from ``OTEL_EXPORTER_PROMETHEUS_HOST`` and ``_PORT``. Where it is taken there is
    one warning and the program goes on.
    """

    def __init__(self) -> None:
        super().__init__()
        settings = load_settings().page
        page = Page([self])
        self.server = PageServer(page, host=settings.host, port=settings.port)
        page.add_source(self.server.metrics)
        try:
            self.server.start()
        except OSError as error:
            logger.warning(
                "genotel: the metrics page is not served: %s:%d: %s; the program goes on",
                settings.host,
                settings.port,
                error.strerror or type(error).__name__,
            )

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """End the server; called by the provider."""
        self.server.close()
        super().shutdown(timeout_millis, **kwargs)
