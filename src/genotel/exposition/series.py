"""What a page is made of: families, their series, and the values of one scrape.

A source (our OTel reader, the collectors, a user's registry) owns its :class:`NumberSeries` and
:class:`HistogramSeries` objects and hands over the same ones at every scrape; each keeps its
rendered line templates, so that a scrape only fills in values. When a source drops a series, its
templates go with it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from genotel.exposition.native_histogram import NativeHistogram
from genotel.semconv.spec import Merge

FamilyKind = Literal["counter", "gauge", "histogram", "summary", "info", "unknown"]


@dataclass(frozen=True, slots=True)
class Family:
    """Name one metric family, without ``_total`` (counters) and ``_info``.

    ``unit`` is the suffix that the name already ends in, or empty. ``merge`` says how workers are
    merged where neither the catalogue nor the kind does; it does not tell two families apart.
    """

    name: str
    kind: FamilyKind
    help: str = ""
    unit: str = ""
    merge: Merge | None = field(default=None, compare=False)


class Exemplar(NamedTuple):
    """Point from a bucket or counter to a trace: hex ids, the value, Unix seconds."""

    trace_id: str
    span_id: str
    value: float
    timestamp: float


class NumberSeries:
    """Keep what does not change from scrape to scrape of one counter or gauge.

    Args:
        labels: sanitized label names to values.
        created: Unix seconds at which a counter was born, if known.
        suffix: text appended to the family name (``_count`` of a foreign summary, say); None lets
            the format decide (``_total`` for a counter).
    """

    __slots__ = ("created", "encoded", "exemplar", "labels", "suffix", "templates")

    def __init__(
        self, labels: Mapping[str, str] | None = None, created: float | None = None, suffix: str | None = None
    ) -> None:
        self.labels = render_labels(labels or {})
        self.created = created
        self.suffix = suffix
        self.exemplar: Exemplar | None = None
        # One slot per format of lines (LineFormat.index); what protobuf has around the value.
        self.templates: list[str | None] = [None, None]
        self.encoded: tuple[bytes, ...] | None = None

    def keep(self, exemplar: Exemplar) -> None:
        """Show this exemplar from now on; for counters."""
        self.exemplar = exemplar
        self.templates = [None, None]
        self.encoded = None


class HistogramSeries:
    """Keep what does not change of one histogram, and the last exemplar of each bucket.

    Args:
        labels: sanitized label names to values.
        bounds: upper bounds of the buckets, strictly increasing, without +Inf, shape ``(b,)``.
        created: Unix seconds at which the series was born, if known.
    """

    __slots__ = ("bounds", "created", "encoded", "exemplars", "labels", "native", "templates")

    def __init__(self, labels: Mapping[str, str] | None, bounds: Sequence[float], created: float | None = None) -> None:
        self.labels = render_labels(labels or {})
        self.bounds = tuple(float(bound) for bound in bounds)
        self.created = created
        # Bucket index -> exemplar; buckets without one are absent.
        self.exemplars: dict[int, Exemplar] = {}
        self.templates: list[str | None] = [None, None]
        self.encoded: tuple[bytes, ...] | None = None
        # Of an exponential histogram: its own buckets, at the last scrape.
        self.native: NativeHistogram | None = None

    def keep(self, exemplar: Exemplar) -> None:
        """Show this exemplar on its bucket from now on, at every scrape and to every scraper."""
        self.exemplars[bisect_left(self.bounds, exemplar.value)] = exemplar
        # The text format prints no exemplars, so its template stays.
        self.templates[1] = None
        self.encoded = None


NumberRow = tuple[NumberSeries, float]
# Counts of each bucket (not cumulative), shape (b + 1,), and the sum of all values.
HistogramRow = tuple[HistogramSeries, Sequence[int], float]


class Block(NamedTuple):
    """Hold the rows of one family at one scrape.

    ``rows`` are :data:`NumberRow` unless the family is a histogram, then :data:`HistogramRow`.
    """

    family: Family
    rows: Sequence[NumberRow] | Sequence[HistogramRow]


class Source(Protocol):
    """Give the blocks of one scrape; called for every scrape, never by two threads at once."""

    def blocks(self) -> Iterable[Block]:
        """Return the current values; absent values are left out, never 0 or NaN."""
        ...


_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def escape_label_value(value: str) -> str:
    r"""Return a label value as both text formats want it, without the quotes.

    Lone surrogates (undecodable file names) become ``?``, since a page is UTF-8.

    Example:
        >>> escape_label_value('a "b"\n')
        'a \\"b\\"\\n'
    """
    value = value.translate(_ESCAPES)
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def render_labels(labels: Mapping[str, str]) -> str:
    """Return ``name="value",…`` without the braces, sorted by name.

    Sorted, equal label sets have equal texts, which is how the page finds duplicate series. A label
    without a value is left out: to Prometheus the two are the same series.

    Example:
        >>> render_labels({"outcome": "ok", "model": "sdxl", "phase": ""})
        'model="sdxl",outcome="ok"'
    """
    return ",".join(f'{name}="{escape_label_value(labels[name])}"' for name in sorted(labels) if labels[name])
