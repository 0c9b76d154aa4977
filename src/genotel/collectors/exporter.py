"""The system exporter: the collectors on a page of their own, until it is told to stop.

``genotel serve`` becomes this program (``python -m genotel.collectors.exporter port=9464``), since the
command line's libraries take more than twice the memory of everything that is needed here.
"""

from __future__ import annotations

import errno
import gc
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from genotel.collectors.registry import collectors_named
from genotel.collectors.scrape import Scrape
from genotel.errors import GenotelError, SettingsError
from genotel.exposition.listening import UNIX_PREFIX
from genotel.exposition.own_metrics import OwnMetrics
from genotel.exposition.page import Page
from genotel.exposition.serving import ServedPage
from genotel.exposition.targets import ProcessPages, targets, write_targets
from genotel.settings import PageSettings, Settings, load_settings

# A machine without a spool does not load it.
if TYPE_CHECKING:
    from genotel.spool.process_pages import SpoolProcesses

# A page makes thousands of short-lived tuples, none of them in a cycle. At Python's own 700, looking for
# cycles among everything that lives took a third of a page's time.
_COLLECT_EVERY = 50_000
# What this program has instead of the SDK's defaults.
DEFAULTS = {"collectors": "all"}
# Of these nobody can ask for a page.
_WILDCARDS = ("0.0.0.0", "[::]")  # noqa: S104  (compared with, not bound to)


def serve_page(arguments: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT, finish the answers under way, and return.

    Args:
        arguments: settings by name: ``host``, ``port``, ``collectors``, ``spool``, ``spool_targets_file``, ``journal``,
            ``web_config_file``, ``web_systemd_socket``.

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
        # By habit, and by units of systemd, it asks a server to read its configuration again, which every request
        # does. On a terminal it says that the terminal is gone.
        if sys.stdin is None or not sys.stdin.isatty():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        page = Page([scrape])
        page.add_source(OwnMetrics(page, internal_errors=True))
        with ExitStack() as stack:
            # Before anybody can ask: a page without the others' counts would be one that goes backwards.
            processes = _spool(settings, page, stack)
            server = stack.enter_context(closing(_served(page, settings.page, processes)))
            if processes is not None:
                file = settings.spool.spool_targets_file
                processes.start(None if file is None else partial(_list, file, server))
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


def _served(page: Page, address: PageSettings, processes: ProcessPages | None) -> ServedPage:
    server = ServedPage(page, address, processes=processes)
    try:
        server.start()
    except (OSError, UnicodeError) as error:  # the latter of a host that is no name at all
        raise SettingsError(refusal(error, address.host, address.port)) from error
    return server


def _spool(settings: Settings, page: Page, stack: ExitStack) -> SpoolProcesses | None:
    """Join the page to the spool, if there is one, until the stack ends; return its processes."""
    folder = settings.spool.spool
    if folder is None:
        return None
    # Whoever serves no spool need not have it in memory.
    from genotel.spool.process_pages import SpoolProcesses
    from genotel.spool.spool import Spool

    try:
        # Its own values are asked for only when somebody scrapes: collectors are not for free.
        spool = Spool(folder, page, only_scrapes=True)
    except OSError as error:
        raise SettingsError(
            f"no spool can be kept in {folder} ({error.strerror or error}); name another folder with --spool"
        ) from error
    page.join(spool.join)
    stack.enter_context(closing(spool))
    spool.start()
    return stack.enter_context(closing(SpoolProcesses(folder, spool.file_name)))


def _list(file: Path, server: ServedPage, names: Sequence[str]) -> None:
    """Write where the processes' pages are, as somebody on another machine would ask for them."""
    host, _, port = server.address.rpartition(":")
    address = f"{socket.gethostname()}:{port}" if host in _WILDCARDS else server.address
    write_targets(file, targets(names, address))


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def refusal(error: OSError | UnicodeError, host: str, port: int) -> str:
    """Return why an address cannot be served on, and what to do."""
    if isinstance(error, UnicodeError):
        return f"cannot serve on {host!r}, which is no name of a machine; choose another with --host"
    if host.startswith(UNIX_PREFIX):
        return f"cannot serve on {host} ({error.strerror or error}); choose another path"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken; end what serves there, or choose another with --port (0: any)"
    return f"cannot serve on {host} port {port} ({error.strerror or error}); choose others with --host and --port"


if __name__ == "__main__":
    gc.set_threshold(_COLLECT_EVERY)
    sys.exit(main(sys.argv[1:]))
