"""Count the scrapes of this page, for the page itself."""

from __future__ import annotations

import threading
from http import HTTPStatus

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.exposition.negotiation import FORMATS
from genotel.exposition.series import Block, Family, NumberSeries
from genotel.semconv.self_metrics import PAGE_SIZE, SCRAPES
from genotel.semconv.spec import unit_suffix

_SCRAPES = Family(SCRAPES.family, "counter", SCRAPES.help)
_PAGE_SIZE = Family(PAGE_SIZE.family, "gauge", PAGE_SIZE.help, unit_suffix(PAGE_SIZE.unit))
_FORMAT, _CODE = SCRAPES.prometheus_labels


class ScrapeMetrics:
    """Be a source of ``genotel.scrapes`` and ``genotel.page.size``.

    Example:
        >>> metrics = ScrapeMetrics()
        >>> metrics.count("text", 200, page_bytes=1024)
        >>> [(series.labels, value) for series, value in metrics.blocks()[1].rows]
        [('', 1024)]
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, int], tuple[NumberSeries, int]] = {}
        self._page_size = NumberSeries()
        self._page_bytes: int | None = None
        # Born at 0: the first 503 of a series born at 1 would be no increase.
        for offered in FORMATS:
            for code in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE):
                self._add(offered.name, code.value, 0)

    def count(self, format_name: str, code: int, *, page_bytes: int | None = None) -> None:
        """Count one answer; ``page_bytes`` is the size of its page before compression."""
        with self._lock:
            self._add(format_name, code, 1)
            if page_bytes is not None:
                self._page_bytes = page_bytes

    def blocks(self) -> list[Block]:
        """Return the counts so far and the size of the last page."""
        with self._lock:
            blocks = [Block(_SCRAPES, [*self._counts.values()])]
            if self._page_bytes is not None:
                blocks.append(Block(_PAGE_SIZE, [(self._page_size, self._page_bytes)]))
            return blocks

    def _add(self, format_name: str, code: int, increment: int) -> None:
        series, count = self._counts.get((format_name, code)) or (
            NumberSeries({_FORMAT: format_name, _CODE: str(code)}, created=self._clock.wall()),
            0,
        )
        self._counts[format_name, code] = series, count + increment
