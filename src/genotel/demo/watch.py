"""Follow the workload until its time is over: on a live screen, or line by line where there is none."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.demo.live_workload import LiveWorkload
from genotel.demo.page_figures import PageFigures, read_page
from genotel.demo.prometheus_figures import PrometheusFigures, read_prometheus
from genotel.demo.prometheus_process import PrometheusProcess
from genotel.demo.screen import View, live_view, plain_line
from genotel.errors import ServerError

_FRAME_SECONDS = 0.25
_READ_SECONDS = 1.0
_LINE_SECONDS = 3.0
# Prometheus looks at its list of targets for the first time after five seconds; a slow disk takes longer.
_FIRST_SCRAPE_SECONDS = 15.0
# How long the end waits for the scrape that has seen the last call.
_LAST_SCRAPE_SECONDS = 4.0


@dataclass(slots=True)
class Watch:
    """Look at one run.

    Args:
        workload: what is looked at.
        page_url: where its page is.
        prometheus: what scrapes it; None where nothing does.
        seconds: how long to look, from the first scrape of ``prometheus`` on, since its rates know
            nothing of what was before; None until stopped.
        is_stopped: whether the user wants it to end.
    """

    workload: LiveWorkload
    page_url: str
    prometheus: PrometheusProcess | None
    seconds: float | None
    is_stopped: Callable[[], bool]
    clock: Clock = SYSTEM_CLOCK
    sleep: Callable[[float], None] = time.sleep
    _begins_by: float = 0.0
    _begun: float | None = None
    _read_at: float = 0.0
    _page: PageFigures | None = None
    _figures: PrometheusFigures | None = None

    def follow(self, console: Console) -> None:
        """Run the workload and show it until its time is over, its end included."""
        self._begins_by = self.clock.monotonic() + (0.0 if self.prometheus is None else _FIRST_SCRAPE_SECONDS)
        self.workload.start()
        try:
            if console.is_terminal and not console.is_dumb_terminal:
                self._follow_live(console)
            else:
                self._follow_in_lines(console)
        finally:
            self.workload.stop()

    def view(self) -> View:
        """Return what is to be seen now; page and Prometheus are asked once a second."""
        now = self.clock.monotonic()
        if now >= self._read_at:
            self._read_at = now + _READ_SECONDS
            self._read_page()
            self._read_prometheus()
        if self._begun is None and (now >= self._begins_by or self._is_scraped() or self._has_failed()):
            self._begun = now
        elapsed = None if self._begun is None else min(now - self._begun, self.seconds or math.inf)
        return View(
            elapsed, self.seconds, self.page_url, self.workload, self._prometheus_text(), self._page, self._figures
        )

    def _follow_live(self, console: Console) -> None:
        has_unicode = console.encoding.startswith("utf")

        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:

            def show() -> None:
                live.update(live_view(self.view(), console.width, has_unicode=has_unicode), refresh=True)

            while not self._is_over():
                show()
                self.sleep(_FRAME_SECONDS)
            self._settle()
            show()

    def _follow_in_lines(self, console: Console) -> None:
        next_line = _LINE_SECONDS
        while not self._is_over():
            self.sleep(_FRAME_SECONDS)
            view = self.view()
            if view.elapsed is not None and view.elapsed >= next_line:
                next_line += _LINE_SECONDS
                console.print(plain_line(view), soft_wrap=True)
                # A pipe is a block-buffered file to Python; people watch it all the same.
                console.file.flush()
        self._settle()
        console.print(live_view(self.view(), console.width, has_unicode=console.encoding.startswith("utf")))

    def _settle(self) -> None:
        """End the workload and wait until Prometheus has seen its last call, unless people want to go."""
        self.workload.stop()
        deadline = self.clock.monotonic() + _LAST_SCRAPE_SECONDS
        while not self.is_stopped() and self.clock.monotonic() < deadline:
            self._read_prometheus()
            if self._figures is None or self._figures.calls == self.workload.tally.calls:
                return
            self.sleep(_FRAME_SECONDS)

    def _is_over(self) -> bool:
        if self.is_stopped():
            return True
        if self._begun is None or self.seconds is None:
            return False
        return self.clock.monotonic() - self._begun >= self.seconds

    def _is_scraped(self) -> bool:
        return self._figures is not None and self._figures.calls is not None

    def _has_failed(self) -> bool:
        return self.prometheus is not None and self.prometheus.failure is not None

    def _read_page(self) -> None:
        try:
            self._page = read_page(self.page_url)
        except ServerError:
            self._page = None

    def _read_prometheus(self) -> None:
        try:
            self._figures = None if self.prometheus is None else read_prometheus(self.prometheus)
        except ServerError:
            self._figures = None

    def _prometheus_text(self) -> str:
        if self.prometheus is None:
            return "none runs beside this demo: no PromQL figures"
        failure = self.prometheus.failure
        if failure is not None:
            return f"has ended: {failure}"
        if self._figures is None:
            return f"{self.prometheus.url} does not answer yet"
        return (
            f"{self.prometheus.url} {'scrapes the page every second' if self._is_scraped() else 'has not scraped yet'}"
        )
