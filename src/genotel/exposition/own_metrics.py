"""What a page tells of itself beside its scrapes: versions, its number of series, swallowed faults."""

from __future__ import annotations

import platform
from typing import Protocol

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.exposition.series import Block, Family, NumberSeries
from genotel.semconv.self_metrics import BUILD_INFO, INTERNAL_ERRORS, PAGE_SERIES
from genotel.version import __version__

_BUILD = Family(BUILD_INFO.family, "gauge", BUILD_INFO.help)
_SERIES = Family(PAGE_SERIES.family, "gauge", PAGE_SERIES.help)
_ERRORS = Family(INTERNAL_ERRORS.family, "counter", INTERNAL_ERRORS.help)


class CountedPage(Protocol):
    """Know how many label sets a page had."""

    @property
    def series_count(self) -> int:
        """Return the label sets of the scrape before."""
        ...


class OwnMetrics:
    """Be a source of a page's own numbers.

    Args:
        page: the page that this source is put on.
        internal_errors: whether faults are told here; a program with our instruments tells them there.

    Example:
        >>> from genotel.exposition.page import Page
        >>> page = Page()
        >>> page.add_source(OwnMetrics(page))
        >>> from genotel.exposition.text_format import TEXT_0_0_4
        >>> b"genotel_build_info{" in page.render(TEXT_0_0_4)
        True
    """

    def __init__(self, page: CountedPage, *, internal_errors: bool = False, clock: Clock = SYSTEM_CLOCK) -> None:
        self._page = page
        self._internal_errors = internal_errors
        self._clock = clock
        version, python = BUILD_INFO.prometheus_labels
        self._build = NumberSeries({version: __version__, python: platform.python_version()})
        self._series = NumberSeries()
        self._places: dict[str, NumberSeries] = {}

    def blocks(self) -> list[Block]:
        """Return the numbers; the number of series is that of the scrape before."""
        blocks = [Block(_BUILD, [(self._build, 1)]), Block(_SERIES, [(self._series, self._page.series_count)])]
        if self._internal_errors:
            blocks.append(
                Block(_ERRORS, [(self._place(name), count) for name, count in guard.internal_errors().items()])
            )
        return blocks

    def _place(self, name: str) -> NumberSeries:
        found = self._places.get(name)
        if found is None:
            label = INTERNAL_ERRORS.prometheus_labels[0]
            found = self._places[name] = NumberSeries({label: name}, self._clock.wall())
        return found
