"""The Prometheus text format: 0.0.4, and 1.0.0, which has the same body under another type.

It has no exemplars, no units and no creation times.
"""

from __future__ import annotations

from dataclasses import dataclass

from genotel.exposition.format import braces, bucket_labels, constant, help_text
from genotel.exposition.series import Family, HistogramSeries, NumberSeries

_TYPES = {"unknown": "untyped", "info": "gauge"}
_SUFFIXES = {"counter": "_total", "info": "_info"}


@dataclass(frozen=True, slots=True)
class TextFormat:
    """Write the text format; both versions share their templates."""

    content_type: str
    name: str = "text"
    index: int = 0
    ending: str = ""

    def header(self, family: Family) -> str:
        """Return the HELP and TYPE lines; here a counter's family bears ``_total``."""
        name = family.name + _SUFFIXES.get(family.kind, "")
        kind = _TYPES.get(family.kind, family.kind)
        return f"# HELP {name} {help_text(family.help, quotes=False)}\n# TYPE {name} {kind}\n"

    def number(self, family: Family, series: NumberSeries) -> str:
        """Return the one line of a number."""
        suffix = _SUFFIXES.get(family.kind, "") if series.suffix is None else series.suffix
        if suffix == "_created":
            # The birth of a foreign series: OpenMetrics' matter. Of the value nothing is printed.
            return "%.0s"
        return constant(f"{family.name}{suffix}{braces(series.labels)} ") + "%s\n"

    def histogram(self, family: Family, series: HistogramSeries) -> str:
        """Return the lines of a histogram."""
        buckets = (
            constant(f"{family.name}_bucket{braces(series.labels, label)} ") + "%s\n" for label in bucket_labels(series)
        )
        labels = constant(braces(series.labels))
        return "".join(buckets) + f"{family.name}_sum{labels} %s\n{family.name}_count{labels} %s\n"


TEXT_0_0_4 = TextFormat("text/plain; version=0.0.4; charset=utf-8")
TEXT_1_0_0 = TextFormat("text/plain; version=1.0.0; charset=utf-8; escaping=underscores", name="text_1.0.0")
