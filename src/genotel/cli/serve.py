"""``genotel serve``: the metrics of this machine on a page, until it is told to stop."""

from __future__ import annotations

import errno
import signal
import sys
from contextlib import closing, suppress
from types import FrameType
from typing import Annotated, NoReturn

import typer

from genotel.errors import SettingsError


def serve(
    host: Annotated[str | None, typer.Option(help="Address to serve on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes any free one.", show_default="9464")] = None,
    collectors: Annotated[
        str | None, typer.Option(help="Names separated by commas, all, or none.", show_default="all")
    ] = None,
) -> None:
    """Serve the metrics of this machine until SIGTERM or Ctrl-C.

    The address is printed on stderr. GENOTEL_COLLECTORS, OTEL_EXPORTER_PROMETHEUS_HOST and _PORT and
    genotel.toml say what the options do not.
    """
    # Imported here, so that the other commands do not pay for them.
    from genotel.collectors.registry import collectors_named
    from genotel.collectors.scrape import Scrape
    from genotel.exposition.page import Page
    from genotel.exposition.scrape_metrics import ScrapeMetrics
    from genotel.exposition.server import PageServer
    from genotel.settings import load_settings

    settings = load_settings({"host": host, "port": port, "collectors": collectors}, defaults={"collectors": "all"})
    # Ctrl-C is a way to end like any other; a second one while it drains ends at once.
    with suppress(KeyboardInterrupt), closing(Scrape(collectors_named(settings.collectors.collectors))) as scrape:
        signal.signal(signal.SIGTERM, _interrupt)
        # Set here too, since a shell starts background jobs with SIGINT ignored.
        signal.signal(signal.SIGINT, _interrupt)
        metrics = ScrapeMetrics()
        page = settings.page
        server = PageServer(Page([scrape, metrics]), host=page.host, port=page.port, metrics=metrics)
        try:
            server.start()
        except OSError as error:
            raise SettingsError(_refusal(error, page.host, page.port)) from error
        with closing(server):
            print(f"genotel: serving {server.url}", file=sys.stderr, flush=True)
            while True:
                signal.pause()


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _refusal(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken; end what serves there, or choose another with --port (0: any)"
    return f"cannot serve on {host} port {port} ({error.strerror or error}); choose others with --host and --port"
