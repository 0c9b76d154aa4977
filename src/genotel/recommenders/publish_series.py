"""Readings of the catalogue become the blocks of a page, by way of series that live from scrape to scrape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

from genotel.exposition.series import Block, Family, FamilyKind, HistogramRow, HistogramSeries, NumberRow, NumberSeries
from genotel.semconv import attributes as a
from genotel.semconv.spec import Kind, MetricSpec, label_name, unit_suffix

# A metric, the values of its labels in their order, and its value.
Reading = tuple[MetricSpec, tuple[str, ...], float]
# A metric, the values of its labels, the counts of its buckets (not cumulative) and the sum.
HistogramReading = tuple[MetricSpec, tuple[str, ...], Sequence[int], float]

_KINDS: dict[Kind, FamilyKind] = {Kind.COUNTER: "counter", Kind.GAUGE: "gauge", Kind.HISTOGRAM: "histogram"}
_SCOPE = {label_name(a.SCOPE_NAME): a.SCOPE}


class SeriesTable:
    """Keep the series of a page, so that their rendered lines are kept too.

    Args:
        created: Unix time at which the counters were born.

    Example:
        >>> from genotel.semconv.advice_metrics import LAST_RUN
        >>> [block] = SeriesTable(0.0).blocks([(LAST_RUN, (), 5.0)], [])
        >>> block.family.name, block.rows[0][0].labels
        ('genotel_recommender_last_run_timestamp_seconds', 'otel_scope_name="genotel"')
    """

    def __init__(self, created: float) -> None:
        self._created = created
        self._numbers: dict[tuple[str, tuple[str, ...]], NumberSeries] = {}
        self._histograms: dict[tuple[str, tuple[str, ...]], HistogramSeries] = {}
        self._families: dict[str, Family] = {}

    def blocks(self, readings: Iterable[Reading], histograms: Iterable[HistogramReading]) -> list[Block]:
        """Return one block a metric; series that were not read this time are forgotten."""
        numbers: dict[tuple[str, tuple[str, ...]], NumberSeries] = {}
        rows: dict[str, list[NumberRow]] = {}
        for spec, labels, value in readings:
            key = (spec.name, labels)
            if key in numbers or not isfinite(value):
                continue
            series = numbers[key] = self._numbers.get(key) or self._born(spec, labels)
            rows.setdefault(spec.name, []).append((series, value))
            self._family(spec)
        self._numbers = numbers
        found = [Block(self._families[name], entries) for name, entries in rows.items()]
        counted: dict[str, list[HistogramRow]] = {}
        for spec, labels, counts, total in histograms:
            key = (spec.name, labels)
            known = self._histograms.get(key)
            if known is None:
                known = self._histograms[key] = HistogramSeries(_labels(spec, labels), spec.buckets, self._created)
            counted.setdefault(spec.name, []).append((known, counts, total))
            self._family(spec)
        return found + [Block(self._families[name], entries) for name, entries in counted.items()]

    def _born(self, spec: MetricSpec, labels: tuple[str, ...]) -> NumberSeries:
        return NumberSeries(_labels(spec, labels), self._created if spec.kind is Kind.COUNTER else None)

    def _family(self, spec: MetricSpec) -> None:
        if spec.name not in self._families:
            self._families[spec.name] = Family(spec.family, _KINDS[spec.kind], spec.help, unit_suffix(spec.unit))


def _labels(spec: MetricSpec, values: tuple[str, ...]) -> dict[str, str]:
    return _SCOPE | dict(zip(spec.prometheus_labels, values, strict=True))
