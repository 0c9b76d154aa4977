"""Our metric reader: what the OpenTelemetry SDK collected becomes blocks of the page.

It exists because the stock reader drops exemplars, turns one exponential histogram into a 500,
mixes up the labels of two scopes and pays 25 times the rendering (``docs/decisions``). It uses the
SDK's public data points only. Per label set it keeps one series object, found again by the identity
of the attribute dict that the SDK keeps for it; so a scrape does no label work at all.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterable, Sequence
from math import inf
from numbers import Integral
from typing import Any

from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogram,
    HistogramDataPoint,
    Metric,
    MetricReader,
    MetricsData,
    NumberDataPoint,
    Sum,
)
from opentelemetry.sdk.metrics.export import Histogram as HistogramData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from genotel import guard
from genotel.exposition.native_histogram import NativeHistogram, native_histogram
from genotel.exposition.series import (
    Block,
    Exemplar,
    Family,
    HistogramRow,
    HistogramSeries,
    NumberRow,
    NumberSeries,
)
from genotel.semconv import attributes
from genotel.semconv.spec import Merge, family_name, label_name, unit_suffix
from genotel.telemetry.exponential import classic_buckets
from genotel.telemetry.labels import attribute_labels, scope_labels

_TARGET = Family("target", "info", "Target metadata")

# A page answers when all callbacks are done. The SDK would throw everything away after this time,
# so it is longer than any scrape; a scraper's own limit is the server's matter.
_COLLECT_TIMEOUT_MILLISECONDS = 600_000

# The accumulators hold 2,000 label sets with five outcomes each, and users have instruments, too.
OBSERVED_LABEL_SETS = 20_000

OBSERVABLE = (ObservableCounter, ObservableUpDownCounter, ObservableGauge)
# An SDK before 1.45.2 has no limits, and takes no argument that sets them.
HAS_LIMITS = "cardinality_limits" in inspect.signature(MetricReader.__init__).parameters
_CUMULATIVE: dict[type, AggregationTemporality] = dict.fromkeys(
    (Counter, UpDownCounter, Histogram, *OBSERVABLE),
    AggregationTemporality.CUMULATIVE,
)


class PageReader(MetricReader):
    """Collect the SDK's metrics for a :class:`~genotel.exposition.page.Page`.

    Args:
        cardinality_limit: label sets an instrument may have; by default the SDK's 2,000, and
            :data:`OBSERVED_LABEL_SETS` for observable ones. The rest is summed up by the SDK as
            ``otel_metric_overflow="true"``. (An SDK before 1.45.2 has no limits.)

    Example:
        >>> from opentelemetry.sdk.metrics import MeterProvider
        >>> from genotel.exposition.page import Page
        >>> from genotel.exposition.text_format import TEXT_0_0_4
        >>> reader = PageReader()
        >>> MeterProvider([reader]).get_meter("app").create_counter("jobs").add(2)
        >>> b'jobs_total{otel_scope_name="app"} 2' in Page([reader]).render(TEXT_0_0_4)
        True
    """

    def __init__(self, *, cardinality_limit: int | None = None) -> None:
        limits: dict[type, int] = dict.fromkeys(OBSERVABLE, OBSERVED_LABEL_SETS)
        if cardinality_limit is not None:
            limits = dict.fromkeys(_CUMULATIVE, cardinality_limit)
        known: dict[str, Any] = {"cardinality_limits": limits} if HAS_LIMITS else {}
        super().__init__(preferred_temporality=_CUMULATIVE, **known)
        self._page_lock = threading.RLock()
        self._collecting = False
        self._blocks: list[Block] = []
        self._streams: dict[tuple[object, ...], _Stream] = {}
        self._target: tuple[Resource, Block] | None = None

    def blocks(self) -> Iterable[Block]:
        """Collect and return the current values.

        A callback of the user that asks for the page while it is collected gets no values of ours: the
        SDK would wait for itself.
        """
        with self._page_lock:
            if self._collecting:
                return []
            self._collecting, self._blocks = True, []
            try:
                self.collect(timeout_millis=_COLLECT_TIMEOUT_MILLISECONDS)
            finally:
                self._collecting = False
            return self._blocks

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Forget all series; called by the provider."""
        with self._page_lock:
            self._blocks = []
            self._streams.clear()

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        blocks: list[Block] = []
        for resource_metrics in metrics_data.resource_metrics:
            blocks.append(self._target_info(resource_metrics.resource))
            for scope_metrics in resource_metrics.scope_metrics:
                scope = scope_metrics.scope
                for metric in scope_metrics.metrics:
                    data = metric.data
                    kind = (type(data), isinstance(data, Sum) and data.is_monotonic)
                    key = (scope, metric.name, metric.unit, metric.description, kind)
                    stream = self._streams.get(key)
                    if stream is None:
                        stream = self._streams[key] = _Stream(scope, metric)
                    try:
                        blocks.append(stream.block(metric))
                    except Exception as error:
                        guard.report("telemetry.reader", error)
        with self._page_lock:
            self._blocks = blocks

    def _target_info(self, resource: Resource) -> Block:
        if self._target is None or self._target[0] is not resource:
            series = NumberSeries(attribute_labels(resource.attributes))
            self._target = (resource, Block(_TARGET, [(series, 1)]))
        return self._target[1]


class _Stream:
    """Keep the family and the series of one metric of one scope."""

    def __init__(self, scope: InstrumentationScope, metric: Metric) -> None:
        data = metric.data
        if isinstance(data, HistogramData | ExponentialHistogram):
            kind = "histogram"
        else:
            kind = "counter" if isinstance(data, Sum) and data.is_monotonic else "gauge"
        name = family_name(metric.name, metric.unit or "", counter=kind == "counter")
        # Up-down counters of several processes add up, other gauges need not.
        merge = Merge.SUM if kind == "gauge" and isinstance(data, Sum) else None
        self._family = Family(name, kind, metric.description or "", unit_suffix(metric.unit or ""), merge)  # type: ignore[arg-type]  # one of the three above
        self._scope = scope_labels(scope)
        # id of the SDK's attribute dict -> (that dict, kept alive so that its id stays its own; series).
        self._series: dict[int, tuple[object, Any]] = {}
        # Attribute sets that become one label set (keys a.b and a_b) share one series.
        self._by_labels: dict[str, Any] = {}
        self._shared = False
        # Of exponential histograms, by the series that was born first: the one with the bounds of now.
        self._grown: dict[HistogramSeries, HistogramSeries] = {}

    def block(self, metric: Metric) -> Block:
        data = metric.data
        points = data.data_points
        if isinstance(data, HistogramData):
            rows: Any = self._histograms(points)  # type: ignore[arg-type]  # HistogramData has only these
        elif isinstance(data, ExponentialHistogram):
            rows = self._exponentials(data)
        else:
            rows = self._numbers(points)  # type: ignore[arg-type]  # Sum and Gauge have only these
        if self._shared and not isinstance(data, ExponentialHistogram):
            rows = _merged(rows, add=self._family.kind != "gauge" or isinstance(data, Sum))
        if len(self._series) > 2 * len(points) + 16:
            alive = {id(point.attributes) for point in points}
            self._series = {key: entry for key, entry in self._series.items() if key in alive}
            self._by_labels = {series.labels: series for _, series in self._series.values()}
            self._grown = {born: grown for born, grown in self._grown.items() if born.labels in self._by_labels}
        return Block(self._family, rows)

    def _numbers(self, points: Sequence[NumberDataPoint]) -> list[NumberRow]:
        rows: list[NumberRow] = []
        known = self._series
        # A counter below 0 is a mistake in an observable's callback; OpenMetrics has no such thing.
        is_counter = self._family.kind == "counter"
        for point in points:
            attributes = point.attributes
            entry = known.get(id(attributes))
            if entry is None or entry[0] is not attributes:
                entry = self._born(point, None)
            value = point.value
            kind = type(value)
            if kind is not float and kind is not int:
                value = _plain(value)
            if value < 0 and is_counter:
                continue
            rows.append((entry[1], value))
            if point.exemplars:
                _keep_exemplars(entry[1], point.exemplars)
        return rows

    def _histograms(self, points: Sequence[HistogramDataPoint]) -> list[HistogramRow]:
        rows: list[HistogramRow] = []
        known = self._series
        for point in points:
            attributes = point.attributes
            entry = known.get(id(attributes))
            if entry is None or entry[0] is not attributes:
                entry = self._born(point, point.explicit_bounds)
            total = point.sum
            kind = type(total)
            if kind is not float and kind is not int:
                total = _plain(total)
            rows.append((entry[1], point.bucket_counts, total))
            if point.exemplars:
                _keep_exemplars(entry[1], point.exemplars)
        return rows

    def _exponentials(self, data: ExponentialHistogram) -> list[HistogramRow]:
        counted: dict[HistogramSeries, tuple[dict[float, int], list[float], list[Any]]] = {}
        natives: dict[HistogramSeries, NativeHistogram | None] = {}
        for point in data.data_points:
            buckets = (
                point.scale,
                point.zero_count,
                (point.positive.offset, point.positive.bucket_counts),
                (point.negative.offset, point.negative.bucket_counts),
            )
            bounds, counts = classic_buckets(*buckets)
            entry = self._series.get(id(point.attributes))
            if entry is None or entry[0] is not point.attributes:
                entry = self._born(point, bounds)
            # Several attribute sets may become one label set, each with bounds of its own.
            natives[entry[1]] = None if entry[1] in natives else native_histogram(*buckets)
            by_bound, sums, exemplars = counted.setdefault(entry[1], ({}, [], []))
            for bound, count in zip((*bounds, inf), counts, strict=True):
                by_bound[bound] = by_bound.get(bound, 0) + count
            sums.append(point.sum)
            exemplars += point.exemplars
        rows: list[HistogramRow] = []
        for born, (by_bound, sums, exemplars) in counted.items():
            *finite, last = sorted(by_bound)
            series = self._with_bounds(born, tuple(finite))
            # Several attribute sets of one label set have scales of their own: there it has classic buckets only.
            series.native = natives[born]
            rows.append((series, [by_bound[bound] for bound in (*finite, last)], sum(sums)))
            _keep_exemplars(series, exemplars)
        return rows

    def _with_bounds(self, born: HistogramSeries, bounds: tuple[float, ...]) -> HistogramSeries:
        series = self._grown.get(born, born)
        if series.bounds == bounds:
            return series
        # A new power of two was reached.
        grown = self._grown[born] = HistogramSeries({}, bounds, born.created)
        grown.labels = born.labels
        for exemplar in series.exemplars.values():
            grown.keep(exemplar)
        return grown

    def _born(self, point: Any, bounds: Sequence[float] | None) -> tuple[object, Any]:
        labels = {**attribute_labels(point.attributes or {}), **self._scope}
        if attributes.OVERFLOW in (point.attributes or {}):
            guard.warn_once(
                f"telemetry.overflow.{self._family.name}",
                "genotel: %s has more label sets than the SDK keeps; the rest is one series with %s",
                self._family.name,
                label_name(attributes.OVERFLOW),
            )
        created = point.start_time_unix_nano / 1e9 if point.start_time_unix_nano else None
        series: NumberSeries | HistogramSeries
        if bounds is None:
            series = NumberSeries(labels, created)
        else:
            if "le" in labels:
                # A bucket's own label; Prometheus renames a clash with `exported_` too.
                clashing = [labels.pop(name) for name in ("exported_le", "le") if name in labels]
                labels["exported_le"] = ";".join(clashing)
            series = HistogramSeries(labels, bounds, created)
        known = self._by_labels.setdefault(series.labels, series)
        self._shared = self._shared or known is not series
        entry = self._series[id(point.attributes)] = (point.attributes, known)
        return entry


def _plain(value: Any) -> float:
    """Return True, a Fraction or a number of numpy as a number whose text parsers take."""
    return int(value) if isinstance(value, Integral) else float(value)


def _merged(rows: list[Any], *, add: bool) -> list[Any]:
    """Return one row per series where attribute sets share one: sums added, of gauges the last."""
    merged: dict[int, Any] = {}
    for row in rows:
        key = id(row[0])
        before = merged.get(key)
        if before is None or not add:
            merged[key] = row
        elif len(row) == 2:
            merged[key] = (row[0], before[1] + row[1])
        else:
            merged[key] = (row[0], [a + b for a, b in zip(before[1], row[1], strict=True)], before[2] + row[2])
    return [*merged.values()]


def _keep_exemplars(series: NumberSeries | HistogramSeries, exemplars: Iterable[Any]) -> None:
    # Attributes that a view filtered out are left out on purpose: they are unbounded and may be private.
    for found in exemplars:
        if found.trace_id and found.span_id:
            series.keep(
                Exemplar(
                    f"{found.trace_id:032x}", f"{found.span_id:016x}", float(found.value), found.time_unix_nano / 1e9
                )
            )
