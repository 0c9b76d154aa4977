"""What a format of the page has to supply: of lines, headers and templates; otherwise whole families.

A template is a ``%`` format string with every constant part of a series' lines already in it; a
scrape fills in the numbers. This is what makes the page cheap (the reason and the measurement stand
in ``docs/performance.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from genotel.exposition.series import Family, HistogramRow, HistogramSeries, NumberRow, NumberSeries


class Format(Protocol):
    """Be one way to write a page: a :class:`LineFormat` or a :class:`FamilyFormat`."""

    @property
    def name(self) -> str:
        """Return the short name for the label of ``genotel.scrapes``."""
        ...

    @property
    def content_type(self) -> str:
        """Return the value of the Content-Type header."""
        ...


@runtime_checkable
class FamilyFormat(Format, Protocol):
    """Turn whole families into bytes."""

    def family(self, family: Family, rows: Sequence[NumberRow] | Sequence[HistogramRow]) -> bytes:
        """Return a family with at least one row."""
        ...


class LineFormat(Format, Protocol):
    """Turn families and series into text."""

    @property
    def index(self) -> int:
        """Return the slot of this format in ``series.templates``."""
        ...

    @property
    def ending(self) -> str:
        """Return the text after the last family."""
        ...

    def header(self, family: Family) -> str:
        """Return the HELP, TYPE and UNIT lines."""
        ...

    def number(self, family: Family, series: NumberSeries) -> str:
        """Return the lines of a series with one ``%s`` for its value."""
        ...

    def histogram(self, family: Family, series: HistogramSeries) -> str:
        """Return the lines of a histogram.

        They hold, in this order, one ``%s`` for each cumulative bucket count, shape ``(b + 1,)``,
        one for the sum and one for the count.
        """
        ...


def constant(text: str) -> str:
    """Return text that stands unchanged in a ``%`` template.

    Example:
        >>> constant('disk="100%"') % ()
        'disk="100%"'
    """
    return text.replace("%", "%%")


def braces(*parts: str) -> str:
    """Return the label texts in braces, or nothing where all are empty.

    Example:
        >>> braces('a="b"', 'le="1.0"'), braces("")
        ('{a="b",le="1.0"}', '')
    """
    inside = ",".join(part for part in parts if part)
    return f"{{{inside}}}" if inside else ""


def bucket_labels(series: HistogramSeries) -> list[str]:
    """Return the ``le`` label of each bucket, +Inf included.

    Bounds are printed as floats (``1.0``, not ``1``), so that a query on ``le`` never has to know
    whether the program gave an integer.
    """
    return [*(f'le="{bound!r}"' for bound in series.bounds), 'le="+Inf"']


def help_text(text: str, *, quotes: bool) -> str:
    """Return a help text on one line; ``quotes`` are escaped by OpenMetrics only."""
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quotes else text
