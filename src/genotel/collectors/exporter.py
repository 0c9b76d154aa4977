"""The system exporter: the collectors on a page of their own, until it is told to stop.

``genotel serve`` becomes this program (``python -m genotel.collectors.exporter port=9464``), since the
command line's libraries take more than twice the memory of everything that is needed here.
"""

from __future__ import annotations

import errno
import gc
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from types import FrameType
from typing import NoReturn

from genotel.collectors.registry import collectors_named
from genotel.collectors.scrape import Scrape
from genotel.errors import GenotelError, SettingsError
from genotel.exposition.listening import UNIX_PREFIX
from genotel.exposition.own_metrics import OwnMetrics
from genotel.exposition.page import Page
from genotel.exposition.serving import ServedPage
from genotel.settings import PageSettings, Settings, load_settings

# A page makes thousands of short-lived tuples, none of them in a cycle. At Python's own 700, looking for
# cycles among everything that lives took a third of a page's time.
_COLLECT_EVERY = 50_000
# What this program has instead of the SDK's defaults.
DEFAULTS = {"collectors": "all"}


def serve_page(arguments: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT, finish the answers under way, and return.

    Args:
        arguments: settings by name: ``host``, ``port``, ``collectors``, ``spool``, ``journal``, ``web_config_file``,
            ``web_systemd_socket``.

    Raises:
        SettingsError: a setting is wrong, the address cannot be served on, or the folder not be had.
        JournalError: the journal is refused.
    """
    settings = load_settings(arguments, defaults=DEFAULTS)
    # Ctrl-C is a way to end like any other; a second one while it drains ends at once.
    with (
        suppress(KeyboardInterrupt),
        closing(Scrape(collectors_named(settings.collectors.collectors, settings))) as scrape,
    ):
        signal.signal(signal.SIGTERM, _interrupt)
        # Set here too, since a shell starts background jobs with SIGINT ignored.
        signal.signal(signal.SIGINT, _interrupt)
        page = Page([scrape])
        page.add_source(OwnMetrics(page, internal_errors=True))
        # Before anybody can ask: a page without the others' counts would be one that goes backwards.
        with _spool(settings, page), closing(_served(page, settings.page)) as server:
            if server.exposure:
                print(f"genotel: {server.exposure}", file=sys.stderr)  # noqa: T201  (as below)
            print(f"genotel: serving {server.url}", file=sys.stderr, flush=True)  # noqa: T201  (it says where)
            while True:
                signal.pause()


def main(words: Sequence[str]) -> int:
    """Serve with ``name=value`` words; return the exit code, after one line on stderr for a mistake."""
    try:
        serve_page(dict(word.split("=", 1) for word in words))
    except GenotelError as error:
        print(f"genotel: {error}", file=sys.stderr)  # noqa: T201  (as the command line does)
        return error.exit_code
    return 0


def _served(page: Page, address: PageSettings) -> ServedPage:
    server = ServedPage(page, address)
    try:
        server.start()
    except OSError as error:
        raise SettingsError(refusal(error, address.host, address.port)) from error
    return server


def _spool(settings: Settings, page: Page) -> AbstractContextManager[object]:
    """Join the page to the spool, if there is one, until the end."""
    folder = settings.spool.spool
    if folder is None:
        return nullcontext()
    # Whoever serves no spool need not have it in memory.
    from genotel.spool.spool import Spool

    try:
        # Its own values are asked for only when somebody scrapes: collectors are not for free.
        spool = Spool(folder, page, only_scrapes=True)
    except OSError as error:
        raise SettingsError(
            f"no spool can be kept in {folder} ({error.strerror or error}); name another folder with --spool"
        ) from error
    page.join(spool.join)
    spool.start()
    return closing(spool)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def refusal(error: OSError, host: str, port: int) -> str:
    """Return why an address cannot be served on, and what to do."""
    if host.startswith(UNIX_PREFIX):
        return f"cannot serve on {host} ({error.strerror or error}); choose another path"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken; end what serves there, or choose another with --port (0: any)"
    return f"cannot serve on {host} port {port} ({error.strerror or error}); choose others with --host and --port"


if __name__ == "__main__":
    gc.set_threshold(_COLLECT_EVERY)
    sys.exit(main(sys.argv[1:]))
