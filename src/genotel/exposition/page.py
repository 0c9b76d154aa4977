"""The metrics page: every source's series under one TYPE block a name, each series once.

Rendering is the cost of a page, not collecting; so every series keeps a template per format and a
scrape only fills in values. What one source does wrong never costs the others their lines.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import accumulate, chain
from typing import TypeVar, cast

from genotel import guard
from genotel.exposition.format import FamilyFormat, Format, LineFormat
from genotel.exposition.series import Block, Family, HistogramRow, HistogramSeries, NumberRow, NumberSeries, Source

T = TypeVar("T")

# Names that the samples of a kind take beside or instead of the family's own; a second family may
# not use them. `_created` is what OpenMetrics adds.
_SAMPLE_SUFFIXES: dict[str, tuple[str, ...]] = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "summary": ("", "_sum", "_count", "_created"),
    "info": ("_info",),
}


class Page:
    """Render the blocks of several sources as one page.

    Args:
        sources: asked in this order at every scrape; the first one to use a name decides its type
            and help.

    Example:
        >>> from genotel.exposition.series import NumberSeries
        >>> from genotel.exposition.text_format import TEXT_0_0_4
        >>> class One:
        ...     series = NumberSeries({"model": "sdxl"})
        ...     def blocks(self):
        ...         return [Block(Family("calls", "counter", "Calls."), [(self.series, 3)])]
        >>> print(Page([One()]).render(TEXT_0_0_4).decode(), end="")
        # HELP calls_total Calls.
        # TYPE calls_total counter
        calls_total{model="sdxl"} 3
    """

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self._sources: tuple[Source, ...] = tuple(sources)
        # Re-entrant: a signal handler that flushes may interrupt a scrape in its own thread.
        self._lock = threading.RLock()
        self._names = _Names()
        self._join: Callable[[list[Block]], list[Block]] | None = None
        self.series_count = 0

    def add_source(self, source: Source) -> None:
        """Ask one more source from the next scrape on."""
        self._sources = (*self._sources, source)

    def remove_source(self, source: Source) -> None:
        """Ask a source no more."""
        self._sources = tuple(other for other in self._sources if other is not source)

    def join(self, with_others: Callable[[list[Block]], list[Block]] | None) -> None:
        """Show what ``with_others`` makes of this process's blocks: those of all processes of a spool."""
        self._join = with_others

    def take(self, use: Callable[[list[Block]], T]) -> T:
        """Call ``use`` with the blocks of this process alone, while nobody else asks the sources."""
        with self._lock:
            return use(self._blocks())

    def render(self, format: Format, names: frozenset[str] | None = None) -> bytes:
        """Return the page in a format.

        Args:
            format: how it is written.
            names: only the families that have one of these names, or a sample of such a name; None
                for all.

        A source that raises is left out, counted and logged once.
        """
        with self._lock:
            blocks = self._blocks()
            if self._join is not None:
                try:
                    blocks = self._placed(self._join(blocks))
                except Exception as error:
                    guard.report("exposition.join", error)
            out: list[str | bytes] = []
            count = 0
            for family, rows in blocks:
                if names is not None and names.isdisjoint(_sample_names(family)):
                    continue
                try:
                    lines = _written(format, family, rows)
                except Exception as error:
                    guard.report("exposition.render", error)
                    rows = _shown(format, family, rows)
                    lines = _written(format, family, rows) if rows else []
                count += len(rows)
                out += lines
            self.series_count = count
        if isinstance(format, FamilyFormat):
            return b"".join(cast("list[bytes]", out))
        out.append(cast(LineFormat, format).ending)
        # A lone surrogate in a help text must not cost the page.
        return "".join(cast("list[str]", out)).encode("utf-8", "replace")

    def _blocks(self) -> list[Block]:
        found: list[Block] = []
        for source in self._sources:
            try:
                found += [*source.blocks()]
            except Exception as error:
                guard.report("exposition.source", error)
        return self._placed(found)

    def _placed(self, blocks: Iterable[Block]) -> list[Block]:
        """Return one block a family, each with the name that it has on this page."""
        families: dict[Family, list[Block]] = {}
        for block in blocks:
            if block.rows:
                families.setdefault(self._names.resolve(block.family), []).append(block)
        return [
            Block(family, parts[0].rows if len(parts) == 1 else _unique(parts)) for family, parts in families.items()
        ]


def _written(
    format: Format, family: Family, rows: Sequence[NumberRow] | Sequence[HistogramRow]
) -> Sequence[str | bytes]:
    """Return one family: as a whole, or its header and its templates filled in."""
    if isinstance(format, FamilyFormat):
        return [format.family(family, rows)]
    format = cast(LineFormat, format)
    if isinstance(rows[0][0], HistogramSeries):
        lines = _histogram_lines(format, family, cast("Sequence[HistogramRow]", rows))
    else:
        lines = _number_lines(format, family, cast("Sequence[NumberRow]", rows))
    return [format.header(family), *lines]


def _shown(
    format: Format, family: Family, rows: Sequence[NumberRow] | Sequence[HistogramRow]
) -> Sequence[NumberRow] | Sequence[HistogramRow]:
    """Return the rows that can be written: a value that is none costs its own line only."""
    good = []
    for row in rows:
        # The fault is counted already.
        with suppress(Exception):
            _written(format, family, cast("Sequence[NumberRow]", [row]))
            good.append(row)
    return cast("Sequence[NumberRow]", good)


def _number_lines(format: LineFormat, family: Family, rows: Sequence[NumberRow]) -> list[str]:
    out = []
    slot = format.index
    for series, value in rows:
        template = series.templates[slot]
        if template is None:
            template = series.templates[slot] = format.number(family, series)
        # `x - x` is 0 but for infinities and NaN, whose Python names no parser takes.
        out.append(template % (value if not value - value else _non_finite(value)))
    return out


def _histogram_lines(format: LineFormat, family: Family, rows: Sequence[HistogramRow]) -> list[str]:
    out = []
    slot = format.index
    for series, counts, total in rows:
        template = series.templates[slot]
        if template is None:
            template = series.templates[slot] = format.histogram(family, series)
        cumulative = (*accumulate(counts),)
        out.append(template % (*cumulative, total if not total - total else _non_finite(total), cumulative[-1]))
    return out


def _non_finite(value: float) -> str:
    return "+Inf" if value > 0 else "-Inf" if value < 0 else "NaN"


def _unique(parts: list[Block]) -> list[NumberRow] | list[HistogramRow]:
    """Return the rows of several blocks of one name, each label set once, first come first served.

    Rows of another shape than the first block's (a foreign registry's raw histogram lines beside
    ours) are left out too.
    """
    seen: set[tuple[str, str | None]] = set()
    rows: list[NumberRow | HistogramRow] = []
    shape = type(parts[0].rows[0][0])
    dropped = 0
    for row in chain.from_iterable(cast("Sequence[NumberRow | HistogramRow]", part.rows) for part in parts):
        series = row[0]
        key = (series.labels, series.suffix if isinstance(series, NumberSeries) else None)
        if key in seen or type(series) is not shape:
            dropped += 1
            continue
        seen.add(key)
        rows.append(row)
    if dropped:
        guard.warn_once(
            f"exposition.duplicate.{parts[0].family.name}",
            "genotel: two sources export the same series of %s; only the first is on the page",
            parts[0].family.name,
        )
    return cast("list[NumberRow] | list[HistogramRow]", rows)


def _sample_names(family: Family) -> list[str]:
    return [family.name, *(family.name + suffix for suffix in _SAMPLE_SUFFIXES.get(family.kind, ("",)))]


class _Names:
    """Give each (name, kind) its place on the page, and keep it from scrape to scrape.

    Two families of one name and kind share a block, whatever their help. A family whose name, or a
    sample name, belongs to another kind is renamed by appending its kind: both stay readable, and
    no parser sees two TYPE lines or two series of one name.
    """

    def __init__(self) -> None:
        self._resolved: dict[Family, Family] = {}
        self._families: dict[tuple[str, str], Family] = {}
        self._owners: dict[str, tuple[str, str]] = {}

    def resolve(self, family: Family) -> Family:
        found = self._resolved.get(family)
        if found is None:
            found = self._resolved[family] = self._place(family)
        return found

    def _place(self, family: Family) -> Family:
        candidate = family
        while True:
            key = (candidate.name, candidate.kind)
            if key in self._families:
                return self._families[key]
            samples = _sample_names(candidate)
            if all(self._owners.get(sample, key) == key for sample in samples):
                break
            candidate = Family(f"{candidate.name}_{family.kind}", family.kind, family.help)
        if candidate is not family:
            guard.warn_once(
                f"exposition.name.{family.name}.{family.kind}",
                "genotel: %s %s clashes with another metric of that name; it is on the page as %s",
                family.kind,
                family.name,
                candidate.name,
            )
        self._owners.update(dict.fromkeys(samples, key))
        self._families[key] = candidate
        return candidate
