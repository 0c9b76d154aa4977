"""Public ``configure()`` and ``shutdown()``: the only place that starts threads in a user's program.

It joins the SDK's providers, the page, the collectors and the journal. Whatever of ours fails here
is one warning; the program goes on.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from genotel import guard
from genotel.exposition.own_metrics import OwnMetrics
from genotel.exposition.page import Page
from genotel.exposition.registry_source import Registry, RegistrySource
from genotel.exposition.series import Source
from genotel.exposition.server import PageServer
from genotel.exposition.serving import serve_if_free
from genotel.instrumentation import accumulators, instruments
from genotel.instrumentation.content import CAPTURE
from genotel.instrumentation.exact_counts import keep_counts
from genotel.instrumentation.late_ends import settle_all
from genotel.instrumentation.models import declare_models
from genotel.instrumentation.restoring import restore_uses
from genotel.instrumentation.sink import set_sink
from genotel.semconv.generation_metrics import NEWER, NEWER_OPT_IN, OLDER
from genotel.settings import JournalSettings, Settings, load_settings
from genotel.telemetry import endings
from genotel.telemetry import pipeline as pipelines
from genotel.telemetry.pipeline import Pipeline

# Collectors (psutil), the journal (sqlite3) and the spool are imported where they are asked for: a
# program that uses none of them starts faster.
if TYPE_CHECKING:
    from genotel.collectors.scrape import Scrape
    from genotel.journal.writer import JournalWriter
    from genotel.spool.spool import Spool


@dataclass(slots=True, eq=False)
class Handle:
    """Hold what ``configure()`` started; a context manager that shuts it down.

    ``url`` is the page's address, or None where no page is served. ``page`` renders it without a
    server, to mount it in an application (see ``genotel.exposition.wsgi`` and ``asgi``); with a spool
    both show the values of all its processes.
    """

    url: str | None = None
    page: Page = field(default_factory=Page)
    _settings: Settings = field(default_factory=Settings)
    _pipeline: Pipeline | None = None
    _server: PageServer | None = None
    _scrape: Scrape | None = None
    _journal: JournalWriter | None = None
    _spool: Spool | None = None
    _pid: int = field(default_factory=os.getpid)

    def shutdown(self) -> None:
        """Write and push what is buffered and stop every thread; may be called more than once."""
        shutdown(self)

    def __enter__(self) -> Handle:
        return self

    def __exit__(
        self, exception_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        shutdown(self)


_lock = threading.RLock()
_handle: Handle | None = None
_added: list[Source] = []


def configure(
    *,
    page: bool | None = None,
    host: str | None = None,
    port: int | None = None,
    web_config_file: Path | str | None = None,
    collectors: str | Iterable[str] | None = None,
    journal: Path | str | bool | None = None,
    spool: Path | str | None = None,
    spool_exact: bool | None = None,
    models: Iterable[str] | None = None,
    spans: bool | None = None,
    disabled: bool | None = None,
    handle_signals: bool | None = None,
    registry: Registry | None = None,
    config: Path | str | None = None,
) -> Handle:
    """Start telemetry in this program: providers, and a page of this process on 127.0.0.1:9464.

    A second call returns what the first one started. Where the port is taken there is one warning,
    ``url`` is None and the program goes on. Arguments go before the environment, ``genotel.toml``
    and the defaults.

    Args:
        page: whether to serve the page.
        host: address to bind to.
        port: 0 takes any free one.
        web_config_file: TLS, users, headers and a rate limit of the page, as Prometheus' exporters have them.
        collectors: collectors of the host to put on the page: names, ``all``; by default none,
            since N workers must not publish N copies of the host.
        journal: file for call records; True takes ``$XDG_STATE_HOME/genotel/journal.db``.
        spool: folder that the processes of one service share, so that any page shows all of them.
        spool_exact: count calls in shared memory, so that a killed process loses none of them.
        models: names of models whose counters are to be born at 0 now, before their first use.
        spans: whether calls make spans.
        disabled: measure nothing.
        handle_signals: flush on SIGTERM, then do what would have been done.
        registry: a ``prometheus_client`` registry of the program's own, to be on the same page.
        config: a ``genotel.toml``.

    Raises:
        SettingsError: a setting is wrong; nothing was started.

    Example:
        >>> import genotel
        >>> with genotel.configure(port=0) as handle:
        ...     handle.url.startswith("http://127.0.0.1:")
        True
    """
    global _handle
    settings = load_settings(
        {
            "page": page,
            "host": host,
            "port": port,
            "web_config_file": web_config_file,
            "collectors": collectors if collectors is None or isinstance(collectors, str) else tuple(collectors),
            "journal": journal,
            "spool": spool,
            "spool_exact": spool_exact,
            "models": None if models is None else tuple(models),
            "spans": spans,
            "disabled": disabled,
            "handle_signals": handle_signals,
        },
        config=None if config is None else Path(config),
    )
    # A wrong collector name is the user's mistake and is refused before anything starts.
    scrape = _make_scrape(settings)
    with _lock:
        if _handle is not None:
            if scrape is not None:
                scrape.close()
            if _handle._settings != settings:
                guard.warn_once(
                    "startup.configured_twice",
                    "genotel: configure() was called again with other settings; the first ones stay in force",
                )
            # A forked child starts at its first call, or when it asks for it.
            instruments.instruments()
            return _handle
        if settings.sdk.disabled:
            instruments.disable()
            _handle = Handle(_settings=settings)
            return _handle
        _handle = Handle(_settings=settings, _scrape=scrape)
        with guard.guarded("startup.start"):
            _start(_handle)
        if registry is not None:
            _handle.page.add_source(RegistrySource(registry))
        atexit.register(_shutdown_at_exit)
        endings.before_multiprocessing_ends(_shutdown_at_exit)
        if settings.sdk.handle_signals:
            endings.before_sigterm(_shutdown_at_exit)
        return _handle


def _start(handle: Handle) -> None:
    settings = handle._settings
    if settings.journal.journal is not None:
        from genotel.journal.opening import open_journal

        handle._journal = open_journal(settings.journal.journal, settings.export.retention_days)
    handle._pipeline = pipelines.build(settings)
    _bind(handle)
    handle.page.add_source(handle._pipeline.reader)
    handle.page.add_source(OwnMetrics(handle.page))
    for source in _added:
        handle.page.add_source(source)
    if handle._scrape is not None:
        handle.page.add_source(handle._scrape)
    declare_models(*settings.sdk.models)
    if settings.journal.journal is not None and handle._journal is not None:
        restore_uses(settings.journal.journal, settings.export.retention_days)
        # From now on somebody is watching, even if no call comes.
        handle._journal.watch()
    _open_spool(handle)
    if settings.page.page:
        # With a spool, whoever has the port shows this process too.
        _serve(handle, quiet=handle._spool is not None)


def _make_scrape(settings: Settings) -> Scrape | None:
    if not settings.collectors.collectors:
        return None
    from genotel.collectors.registry import collectors_named
    from genotel.collectors.scrape import Scrape

    # The program's own journal is told of by its instruments; the collector is for the exporter's.
    return Scrape(collectors_named(settings.collectors.collectors, replace(settings, journal=JournalSettings())))


def _bind(handle: Handle) -> None:
    assert handle._pipeline is not None
    vintage = NEWER if NEWER_OPT_IN in handle._settings.sdk.semconv_opt_in else OLDER
    CAPTURE.is_on = handle._settings.sdk.capture_message_content
    instruments.bind(handle._pipeline.tracer_provider, handle._pipeline.meter_provider, vintage)
    if handle._journal is not None:
        from genotel.telemetry.self_metrics import observe_journal

        observe_journal(handle._pipeline.meter_provider, handle._journal)
    set_sink(handle._journal)


def add_source(source: Source) -> None:
    """Put a source on the page of this program, now and whenever it is configured."""
    with _lock:
        _added.append(source)
        if _handle is not None:
            _handle.page.add_source(source)


def _open_spool(handle: Handle) -> None:
    folder = handle._settings.spool.spool
    if folder is not None:
        from genotel.spool.spool import open_spool

        handle._spool = open_spool(folder, handle.page, on_tick=lambda: _take_over(handle))
        if handle._spool is not None and handle._settings.spool.spool_exact:
            keep_counts(handle._spool.give_counts)


def _serve(handle: Handle, *, quiet: bool) -> None:
    handle._server = serve_if_free(handle.page, handle._settings.page, quiet=quiet)
    handle.url = None if handle._server is None else handle._server.url


def _take_over(handle: Handle) -> None:
    """Serve the page of the spool where the process that served it has ended."""
    page = handle._settings.page
    if handle._server is None and page.page and page.port and _lock.acquire(blocking=False):
        try:
            if handle is _handle:
                _serve(handle, quiet=True)
        finally:
            _lock.release()


def shutdown(handle: Handle | None = None) -> None:
    """Write and push what is buffered, stop every thread that ``configure()`` started.

    Args:
        handle: what to shut down; by default what the last ``configure()`` started.

    Example:
        >>> shutdown()
    """
    global _handle
    with _lock:
        handle = handle or _handle
        if handle is None or handle is not _handle or handle._pid != os.getpid():
            return
        _handle = None
        with guard.guarded("startup.settle"):
            settle_all()
        if handle._pipeline is not None and handle._pipeline.owns_meter_provider:
            instruments.rest()
        else:
            instruments.unbind()
        set_sink(None)
        endings.leave_sigterm()
        atexit.unregister(_shutdown_at_exit)
        parts = {"journal": handle._journal, "server": handle._server, "spool": handle._spool, "scrape": handle._scrape}
        for name, part in parts.items():
            if part is not None:
                with guard.guarded(f"startup.{name}_close"):
                    part.close()
        if handle._spool is not None:
            # The spool has it for good; what begins after this must not be counted with it again.
            accumulators.reset()
            guard.reset()
        if handle._pipeline is not None:
            pipelines.retire(handle._pipeline)


def _shutdown_at_exit() -> None:
    with guard.guarded("startup.exit"):
        shutdown()


def _after_fork_in_child() -> None:
    """Start the child from zero: what was counted so far is its parent's to report.

    The parent's page, collectors and threads did not come along. Providers of ours are made anew at
    the child's first call, so that a child that only executes another program pays nothing.
    """
    global _lock, _handle
    _lock = threading.RLock()
    accumulators.reset()
    instruments.renew_lock()
    guard.reset()
    handle, _handle = _handle, None
    if handle is None:
        return
    with guard.guarded("startup.fork"):
        if handle._server is not None:
            handle._server.after_fork()
        if handle._journal is not None:
            handle._journal.after_fork()
        child = Handle(_settings=handle._settings, _journal=handle._journal)
        _handle = child
        if handle._settings.sdk.disabled:
            return
        if handle._pipeline is not None and not handle._pipeline.owns_meter_provider and handle._spool is None:
            # The program's own provider: what it holds after a fork is the program's matter.
            child._pipeline = handle._pipeline
            return
        instruments.bind_later(lambda: _start_child(child, handle._pipeline))


def _start_child(child: Handle, parents: Pipeline | None) -> None:
    child._pipeline = pipelines.build(child._settings, set_global=False, respect=False)
    if parents is not None and not parents.owns_tracer_provider:
        # The program's spans go on where they went; only what the spool adds up begins anew.
        child._pipeline = replace(child._pipeline, tracer_provider=parents.tracer_provider, owns_tracer_provider=False)
    child.page.add_source(child._pipeline.reader)
    _bind(child)
    declare_models(*child._settings.sdk.models)
    _open_spool(child)
    endings.before_multiprocessing_ends(_shutdown_at_exit)


with contextlib.suppress(AttributeError):  # not on every platform
    os.register_at_fork(after_in_child=_after_fork_in_child)
