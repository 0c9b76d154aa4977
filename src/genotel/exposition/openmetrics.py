"""OpenMetrics 1.0.0: the format with units, creation times and exemplars."""

from __future__ import annotations

from dataclasses import dataclass

from genotel.exposition.format import braces, bucket_labels, constant, help_text
from genotel.exposition.series import Exemplar, Family, HistogramSeries, NumberSeries, render_labels

_SUFFIXES = {"counter": "_total", "info": "_info"}


@dataclass(frozen=True, slots=True)
class OpenMetricsFormat:
    """Write OpenMetrics; the exemplars stand inside the templates."""

    content_type: str
    name: str = "openmetrics"
    index: int = 1
    ending: str = "# EOF\n"

    def header(self, family: Family) -> str:
        """Return the HELP, TYPE and UNIT lines."""
        name = family.name
        # OpenMetrics wants the unit as a suffix of the name, and none for info.
        unit = f"# UNIT {name} {family.unit}\n" if family.unit and name.endswith("_" + family.unit) else ""
        return f"# HELP {name} {help_text(family.help, quotes=True)}\n# TYPE {name} {family.kind}\n{unit}"

    def number(self, family: Family, series: NumberSeries) -> str:
        """Return the value of a number, and the time of birth of a counter."""
        suffix = _SUFFIXES.get(family.kind, "") if series.suffix is None else series.suffix
        labels = braces(series.labels)
        # OpenMetrics allows exemplars on counters and on the buckets of a foreign histogram.
        takes_exemplar = suffix in ("_total", "_bucket")
        exemplar = exemplar_text(series.exemplar) if series.exemplar and takes_exemplar else ""
        created = ""
        if series.created is not None and family.kind == "counter" and series.suffix is None:
            created = f"{family.name}_created{labels} {series.created!r}\n"
        return constant(f"{family.name}{suffix}{labels} ") + "%s" + constant(exemplar + "\n" + created)

    def histogram(self, family: Family, series: HistogramSeries) -> str:
        """Return the lines of a histogram with the last exemplar of each bucket."""
        lines = []
        for index, label in enumerate(bucket_labels(series)):
            exemplar = series.exemplars.get(index)
            lines.append(constant(f"{family.name}_bucket{braces(series.labels, label)} ") + "%s")
            lines.append(constant(exemplar_text(exemplar) if exemplar else "") + "\n")
        labels = constant(braces(series.labels))
        if series.bounds and series.bounds[0] < 0:
            # Such a histogram has no sum here, since a sum that may fall is no counter, and so no
            # count either (OpenMetrics 1.0, "Histogram"). The two numbers are filled in as nothing.
            lines.append("%.0s%.0s")
        else:
            lines.append(f"{family.name}_sum{labels} %s\n{family.name}_count{labels} %s\n")
        if series.created is not None:
            lines.append(f"{family.name}_created{labels} {series.created!r}\n")
        return "".join(lines)


def exemplar_text(exemplar: Exemplar) -> str:
    """Return an exemplar as it stands behind a sample.

    The label names and both ids take 63 of the 128 characters that OpenMetrics 1.0 allows.

    Example:
        >>> exemplar_text(Exemplar("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", 0.5, 17.25))
        ' # {span_id="b7ad6b7169203331",trace_id="0af7651916cd43dd8448eb211c80319c"} 0.5 17.25'
    """
    # Without a span id render_labels leaves its label out.
    labels = render_labels({"trace_id": exemplar.trace_id, "span_id": exemplar.span_id})
    return f" # {{{labels}}} {exemplar.value} {exemplar.timestamp}"


OPENMETRICS_1_0_0 = OpenMetricsFormat(
    "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
)
