"""Our reader as a metrics exporter by name: ``OTEL_METRICS_EXPORTER=genotel`` under any distro."""

from __future__ import annotations

from typing import Any

from genotel.exposition.page import Page
from genotel.exposition.serving import serve_if_free
from genotel.settings import load_settings
from genotel.telemetry.reader import PageReader


class ServedPageReader(PageReader):
    """Be a reader that serves its own page, where OpenTelemetry makes it by name without arguments.

    The address comes from ``OTEL_EXPORTER_PROMETHEUS_HOST`` and ``_PORT``, TLS and users from
    ``GENOTEL_WEB_CONFIG_FILE``. Where it is taken there is
    one warning and the program goes on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.server = serve_if_free(Page([self]), load_settings().page)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """End the server; called by the provider."""
        if self.server is not None:
            self.server.close()
        super().shutdown(timeout_millis, **kwargs)
