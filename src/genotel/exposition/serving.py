"""Make the server that the settings ask for; in a user's program where that is possible, and say once where not."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from genotel import guard
from genotel.errors import SettingsError
from genotel.exposition.listening import UNIX_PREFIX, handed_over
from genotel.exposition.page import Page
from genotel.exposition.series import Source
from genotel.exposition.server import PageServer
from genotel.exposition.targets import ProcessPages
from genotel.settings import PageSettings

# Loaded only where somebody has a web configuration file: it needs PyYAML, bcrypt and OpenSSL.
if TYPE_CHECKING:
    from genotel.exposition.web_access import WebAccess

logger = logging.getLogger("genotel")


class ServedPage(PageServer):
    """Serve a page as the settings say, its own numbers included.

    Args:
        page: what is served.
        where: the address, or that systemd has opened it, and the web configuration file.
        ready: whether there is data yet, for ``/-/ready``; it must not block.
        processes: the single processes behind the page, where they have pages of their own.

    Raises:
        SettingsError: systemd has handed over nothing.
    """

    def __init__(
        self,
        page: Page,
        where: PageSettings,
        *,
        ready: Callable[[], bool] = lambda: True,
        processes: ProcessPages | None = None,
    ) -> None:
        self._where = where
        self._access: WebAccess | None = None
        self._own_page = page
        self._told: tuple[Source, ...] = ()
        super().__init__(
            page,
            host=where.host,
            port=where.port,
            ready=ready,
            processes=processes,
            listeners=handed_over(os.environ) if where.web_systemd_socket else (),
        )

    def start(self) -> None:
        """Bind and serve, and tell of it on the page.

        Raises:
            OSError: the address is taken or not ours.
            SettingsError: the web configuration file is wrong.
        """
        # First, since a worker whose page is served by another one asks for the address again and again.
        self.bind()
        if self._where.web_config_file is not None:
            try:
                self._access = self._gate = open_access(self._where.web_config_file)
            except BaseException:
                self.close()
                raise
        super().start()
        for source in self._told:
            # It has served before.
            self._own_page.remove_source(source)
        self._told = (self.metrics,) if self._access is None else (self.metrics, self._access.metrics)
        for source in self._told:
            self._own_page.add_source(source)

    @property
    def exposure(self) -> str | None:
        """Return what an operator should know of who can read the page; None where all is well.

        It is allowed, as it is with every exporter of Prometheus.
        """
        if not self.is_on_a_network or (self._access is not None and self._access.is_tls):
            return None
        if self._access is not None and self._access.has_users:
            return f"passwords go to {self.address} in the clear: the web configuration file has no tls_server_config"
        return f"whoever reaches {self.address} may read the page: a web configuration file names users and TLS"


def open_access(web_config_file: Path) -> WebAccess:
    """Return the gate of a web configuration file.

    Raises:
        SettingsError: the file is wrong, or what reads it is not installed.
    """
    try:
        from genotel.exposition.web_access import WebAccess
    except ImportError as error:
        raise SettingsError(
            f"{web_config_file} cannot be read without {error.name}: pip install 'genotel[serve]'"
        ) from None
    return WebAccess(web_config_file)


def serve_if_free(page: Page, where: PageSettings, *, quiet: bool = False) -> ServedPage | None:
    """Return a server of the page, its own numbers included; None where the page cannot be served.

    Args:
        page: what is served.
        where: the address, and the web configuration file.
        quiet: whether a taken port is nothing to speak of.
    """
    try:
        server = ServedPage(page, where)
        server.start()
    except SettingsError as error:
        # These name the user's own file, on the user's own terminal.
        guard.warn_once("exposition.serving", "genotel: the metrics page is not served: %s; the program goes on", error)
        return None
    except (OSError, UnicodeError) as error:  # the latter of a host that is no name at all
        if not quiet:
            logger.warning(
                "genotel: the metrics page is not served: %s: %s; the program goes on. "
                "Set OTEL_EXPORTER_PROMETHEUS_PORT to another port, or 0 for any free one",
                where.host if where.host.startswith(UNIX_PREFIX) else f"{where.host}:{where.port}",
                getattr(error, "strerror", None) or type(error).__name__,
            )
        return None
    if server.exposure:
        logger.warning("genotel: %s", server.exposure)
    return server
