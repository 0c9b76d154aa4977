"""Look again and again, and serve the page of it, until a signal: the life of ``genotel recommend --watch``."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

from genotel.clock import SYSTEM_CLOCK
from genotel.errors import InputError, SettingsError
from genotel.exposition.own_metrics import OwnMetrics
from genotel.exposition.page import Page
from genotel.exposition.serving import ServedPage
from genotel.history.source import HistorySource
from genotel.recommenders.publish import AdvicePage
from genotel.recommenders.publish_memory import read_memory
from genotel.recommenders.publish_watch import Watcher
from genotel.recommenders.publish_webhook import Webhook
from genotel.settings import Settings, default_journal_path

MEMORY_NAME = "advice.json"
_LOOKING = "genotel-looking"


def watch(
    source: HistorySource,
    kinds: tuple[str, ...],
    settings: Settings,
    webhook: Webhook | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Look every ``watch_interval_seconds`` and serve the page, until the thread is interrupted.

    Args:
        source: where the history is read from.
        kinds: the kinds of advice to ask.
        settings: all of them.
        webhook: who is told.
        say: tells people where the page is, and what goes wrong.

    Raises:
        SettingsError: the address cannot be served on, or a setting is wrong.
        InputError: the memory's file cannot be used, or another watch uses it.
        KeyboardInterrupt: the watch was ended.
    """
    chosen = settings.watch
    memory_file = chosen.watch_memory or default_journal_path().with_name(MEMORY_NAME)
    shown = AdvicePage(
        most=chosen.watch_series, keep_seconds=chosen.watch_keep_seconds, has_webhook=webhook is not None
    )
    page = Page([shown])
    page.add_source(OwnMetrics(page, internal_errors=True))
    if webhook is not None:
        webhook.on_result = shown.count_delivery
    with _locked(memory_file):
        # A damaged one is said before anything is served, and not after the first long look.
        read_memory(memory_file)
        # Whoever may not read the page of the measurements may not read the advice either.
        where = replace(settings.page, host=chosen.watch_host, port=chosen.watch_port, web_systemd_socket=False)
        server = ServedPage(page, where, ready=lambda: shown.is_ready)
        try:
            server.start()
        except OSError as error:
            raise SettingsError(
                f"cannot serve on {chosen.watch_host} port {chosen.watch_port} ({error.strerror or error}); "
                "choose others with --host and --port (0: any)"
            ) from error
        watcher = Watcher(source, kinds, settings, shown, memory_file, webhook, say)
        with closing(server), closing(watcher):
            if server.exposure:
                say(server.exposure)
            say(f"advice on {server.url}")
            pause = Event()
            while True:
                begin = SYSTEM_CLOCK.monotonic()
                _beside(watcher.run)
                pause.wait(max(chosen.watch_interval_seconds - (SYSTEM_CLOCK.monotonic() - begin), 0.0))


def is_looking() -> bool:
    """Return whether a look is still under way: one that waits for a server outlives the interrupt of its watch."""
    return any(thread.name == _LOOKING for thread in threading.enumerate())


def _beside(look: Callable[[], object]) -> None:
    """Look in a thread of its own: a signal ends the wait for it, whatever it waits for itself."""
    faults: list[BaseException] = []
    done = Event()

    def run() -> None:
        try:
            look()
        except BaseException as error:
            faults.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=run, name=_LOOKING, daemon=True)
    thread.start()
    done.wait()
    thread.join()
    if faults:
        raise faults[0]


@contextmanager
def _locked(memory_file: Path) -> Iterator[None]:
    """Keep a second watch away from the same memory until the end of the block."""
    try:
        memory_file.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(memory_file.with_name(f".{memory_file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError(
            f"the memory of advice cannot be kept here ({error.strerror}); name another file with --memory",
            file=str(memory_file),
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                "another genotel recommend --watch uses this memory; name another file with --memory",
                file=str(memory_file),
            ) from error
        yield
    finally:
        os.close(lock)
