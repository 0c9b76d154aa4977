"""Render pages in one thread of their own, away from the thread that talks to clients.

A page renders one scrape at a time, so more threads would only wait for each other. Scrapes that
wait for the same page share the next one: its values are younger than each of their requests. A
page that came too late for everybody is kept for the next scrape, so that a source slower than the
scraper's limit still gets through every other time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.exposition.compression import MIN_BYTES, Compressor
from genotel.exposition.scrape_request import RenderedPage as RenderedPage
from genotel.exposition.scrape_request import Scrape

# A page that nobody waited for is not served when it is older than this.
MAX_LATE_SECONDS = 60.0

_Key = tuple[str, frozenset[str] | None, str | None]


class Rendering(NamedTuple):
    """Hold what a scrape gets; ``page_bytes`` is the size before compression."""

    body: bytes
    compressed: bool
    page_bytes: int


class _LatePage(NamedTuple):
    key: _Key
    page: bytes
    finished: float


class RenderThread:
    """Answer scrapes in the order of their arrival.

    Args:
        page: what is rendered.
        deliver: called in the render thread with each scrape and its page, or None after a fault.
        max_scrapes: how many scrapes may wait or be under way.
        clock: tells how old a late page is.

    The thread starts with the first scrape and is a daemon: a source that hangs never holds up the
    end of the program.
    """

    def __init__(
        self,
        page: RenderedPage,
        deliver: Callable[[Scrape, Rendering | None], None],
        *,
        max_scrapes: int,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._page = page
        self._deliver = deliver
        self._max_scrapes = max_scrapes
        self._clock = clock
        self._changed = threading.Condition(threading.Lock())
        self._waiting: list[Scrape] = []
        self._current: list[Scrape] = []
        self._current_key: _Key | None = None
        self._late: _LatePage | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None

    def submit(self, scrape: Scrape) -> bool:
        """Take a scrape, or return False where too many wait already."""
        with self._changed:
            if len(self._waiting) + len(self._current) >= self._max_scrapes or not self._is_running():
                return False
            if self._current_key == scrape.key and not self._current:
                # The page under way has lost its scrapes: it is nearly done, and this one may have it.
                self._current.append(scrape)
            else:
                self._waiting.append(scrape)
                self._changed.notify()
            return True

    def withdraw(self, scrape: Scrape) -> None:
        """Forget a scrape whose client waits no longer; a page under way is still finished."""
        with self._changed:
            for scrapes in (self._waiting, self._current):
                if scrape in scrapes:
                    scrapes.remove(scrape)

    def stop(self, timeout_seconds: float) -> None:
        """End the thread after the page under way; wait for it no longer than this."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    def _is_running(self) -> bool:
        """Start the thread where there is none yet, or none any more in a forked child."""
        if self._stopped or (self._thread is not None and self._thread.is_alive()):
            return not self._stopped
        self._current, self._current_key = [], None
        self._thread = threading.Thread(target=self._run, name="genotel-page-render", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            # The process may have no more threads, or is ending.
            self._thread = None
        return self._thread is not None

    def _run(self) -> None:
        compressor = Compressor()
        while (scrape := self._next()) is not None:
            try:
                page = self._late_page(scrape.key) or (scrape.page or self._page).render(scrape.format, scrape.names)
            except Exception as error:
                for failed in self._finish(None):
                    self._deliver(failed, None)
                guard.report("exposition.page", error)
                continue
            small = len(page) < MIN_BYTES
            for finished in self._finish(page):
                compressed = finished.gzip and not small
                body = compressor.gzip(page) if compressed else page
                self._deliver(finished, Rendering(body, compressed, len(page)))

    def _next(self) -> Scrape | None:
        """Wait for a scrape and take those with it that want the same page; None at the end."""
        with self._changed:
            while not self._waiting and not self._stopped:
                self._changed.wait()
            if self._stopped:
                return None
            first = self._waiting[0]
            self._current = [scrape for scrape in self._waiting if scrape.key == first.key]
            self._waiting = [scrape for scrape in self._waiting if scrape.key != first.key]
            self._current_key = first.key
            return first

    def _finish(self, page: bytes | None) -> list[Scrape]:
        """Return the scrapes that still want the page; keep it where there are none."""
        with self._changed:
            finished, self._current = self._current, []
            key, self._current_key = self._current_key, None
            if not finished and page is not None and key is not None:
                self._late = _LatePage(key, page, self._clock.monotonic())
            return finished

    def _late_page(self, key: _Key) -> bytes | None:
        late = self._late
        if late is None or late.key != key:
            return None
        self._late = None
        return late.page if self._clock.monotonic() - late.finished <= MAX_LATE_SECONDS else None
