"""The protobuf format of Prometheus: the only one in which native histograms can be told.

A body is a row of ``io.prometheus.client.MetricFamily`` messages, each behind its length
(https://github.com/prometheus/client_model, ``metrics.proto``). Field numbers are constants named after
the fields. An exponential histogram has its classic buckets in the same message: a server takes those it
was told to take.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf
from typing import cast

from genotel.exposition.native_histogram import NativeHistogram, Side
from genotel.exposition.protobuf_wire import delimited, double, integer, message, packed, signed, text, varint
from genotel.exposition.series import Exemplar, Family, HistogramRow, HistogramSeries, NumberRow, NumberSeries

_FAMILY_NAME, _FAMILY_HELP, _FAMILY_TYPE, _FAMILY_METRIC, _FAMILY_UNIT = 1, 2, 3, 4, 5
_TYPES = {"counter": 0, "gauge": 1, "info": 1, "summary": 2, "unknown": 3, "histogram": 4}
_METRIC_LABEL, _METRIC_HISTOGRAM, _METRIC_SUMMARY = 1, 7, 4
# Where the value of a single number is, by kind.
_METRIC_VALUE = {"counter": 3, "gauge": 2, "info": 2, "unknown": 5}
_PAIR_NAME, _PAIR_VALUE = 1, 2
_VALUE, _COUNTER_EXEMPLAR, _COUNTER_CREATED = 1, 2, 3
_COUNT, _SUM, _BUCKET, _QUANTILE, _SUMMARY_CREATED = 1, 2, 3, 3, 4
_BUCKET_COUNT, _BUCKET_BOUND, _BUCKET_EXEMPLAR = 1, 2, 3
_SCHEMA, _ZERO_THRESHOLD, _ZERO_COUNT = 5, 6, 7
_NEGATIVE_SPAN, _NEGATIVE_DELTA, _POSITIVE_SPAN, _POSITIVE_DELTA = 9, 10, 12, 13
_HISTOGRAM_CREATED, _HISTOGRAM_EXEMPLAR = 15, 16
_SPAN_OFFSET, _SPAN_LENGTH = 1, 2
_EXEMPLAR_LABEL, _EXEMPLAR_VALUE, _EXEMPLAR_TIMESTAMP = 1, 2, 3
_SECONDS, _NANOS = 1, 2

# Names as they are in the text format: a counter's family bears `_total` here.
_SUFFIXES = {"counter": "_total", "info": "_info"}
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"', re.ASCII | re.DOTALL)
# Written for every bucket of every scrape.
_BUCKET_TAG, _BUCKET_COUNT_TAG = message(_BUCKET, b"")[:1], integer(_BUCKET_COUNT, 0)[:1]
_pack = struct.Struct("<d").pack
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ProtobufFormat:
    """Write families as messages."""

    content_type: str
    name: str = "protobuf"

    def family(self, family: Family, rows: Sequence[NumberRow] | Sequence[HistogramRow]) -> bytes:
        """Return a family with its length before it."""
        if isinstance(rows[0][0], HistogramSeries):
            body = _metrics(_histogram(*row) for row in cast("Sequence[HistogramRow]", rows))
        elif family.kind in ("histogram", "summary"):
            body = _metrics(made.metric(family.kind) for made in _grouped(cast("Sequence[NumberRow]", rows)))
        else:
            numbers = cast("Sequence[NumberRow]", rows)
            body = _numbers(_METRIC_VALUE[family.kind], [row for row in numbers if row[0].suffix != "_created"])
        head = text(_FAMILY_NAME, family.name + _SUFFIXES.get(family.kind, "")) + text(_FAMILY_HELP, family.help)
        unit = text(_FAMILY_UNIT, family.unit) if family.unit else b""
        return delimited(head + integer(_FAMILY_TYPE, _TYPES[family.kind]) + body + unit)


def _metrics(metrics: Iterable[bytes]) -> bytes:
    return b"".join([message(_FAMILY_METRIC, metric) for metric in metrics])


def _numbers(slot: int, rows: Sequence[NumberRow]) -> bytes:
    out: list[bytes] = []
    for series, value in rows:
        around = series.encoded
        if around is None:
            around = series.encoded = _around_number(slot, series)
        # A double is always eight bytes long, so all that stands around it stays the same.
        out += (around[0], _pack(value), around[1])
    return b"".join(out)


def _around_number(slot: int, series: NumberSeries) -> tuple[bytes, ...]:
    content = double(_VALUE, 0.0)
    after = b""
    if slot == _METRIC_VALUE["counter"]:
        if series.exemplar is not None:
            after += message(_COUNTER_EXEMPLAR, _exemplar(series.exemplar))
        if series.created is not None:
            after += message(_COUNTER_CREATED, _timestamp(series.created))
    whole = message(_FAMILY_METRIC, _encoded(label_pairs(series.labels)) + message(slot, content + after))
    value_at = len(whole) - len(after) - 8
    return whole[:value_at], after


def _histogram(series: HistogramSeries, counts: Sequence[int], total: float) -> bytes:
    cumulative = [*accumulate(counts)]
    known = series.encoded
    if known is None:
        known = series.encoded = _around_counts(series)
    labels, after, *bounds = known
    parts = [integer(_COUNT, cumulative[-1]), double(_SUM, total)]
    for bound, count in zip(bounds, cumulative, strict=True):
        counted = varint(count)
        parts += (_BUCKET_TAG, varint(1 + len(counted) + len(bound)), _BUCKET_COUNT_TAG, counted, bound)
    if series.native is not None:
        parts.append(_native(series.native))
        parts += [message(_HISTOGRAM_EXEMPLAR, _exemplar(found)) for found in list(series.exemplars.values())]
    parts.append(after)
    return labels + message(_METRIC_HISTOGRAM, b"".join(parts))


def _around_counts(series: HistogramSeries) -> tuple[bytes, ...]:
    """Return the labels, the birth, and what follows the count of each bucket."""
    born = b"" if series.created is None else message(_HISTOGRAM_CREATED, _timestamp(series.created))
    bounds = [_after_count(bound, series.exemplars.get(index)) for index, bound in enumerate((*series.bounds, inf))]
    return (_encoded(label_pairs(series.labels)), born, *bounds)


def _after_count(bound: float, exemplar: Exemplar | None) -> bytes:
    content = double(_BUCKET_BOUND, bound)
    return content if exemplar is None else content + message(_BUCKET_EXEMPLAR, _exemplar(exemplar))


def _native(native: NativeHistogram) -> bytes:
    # One without any bucket is told from a classic one by a span of no length.
    positive = native.positive if native.positive.spans or native.negative.spans else Side(((0, 0),), ())
    return (
        signed(_SCHEMA, native.schema)
        + double(_ZERO_THRESHOLD, native.zero_threshold)
        + integer(_ZERO_COUNT, native.zero_count)
        + _side(native.negative, _NEGATIVE_SPAN, _NEGATIVE_DELTA)
        + _side(positive, _POSITIVE_SPAN, _POSITIVE_DELTA)
    )


def _side(side: Side, span: int, delta: int) -> bytes:
    spans = [
        message(span, signed(_SPAN_OFFSET, offset) + integer(_SPAN_LENGTH, length)) for offset, length in side.spans
    ]
    return b"".join(spans) + (packed(delta, side.deltas) if side.deltas else b"")


def _exemplar(exemplar: Exemplar) -> bytes:
    pairs = (("trace_id", exemplar.trace_id), ("span_id", exemplar.span_id))
    labels = b"".join([message(_EXEMPLAR_LABEL, _pair(name, value)) for name, value in pairs if value])
    return (
        labels + double(_EXEMPLAR_VALUE, exemplar.value) + message(_EXEMPLAR_TIMESTAMP, _timestamp(exemplar.timestamp))
    )


def _timestamp(seconds: float) -> bytes:
    whole = max(int(seconds), 0)
    return integer(_SECONDS, whole) + integer(_NANOS, min(max(int((seconds - whole) * 1e9), 0), 999_999_999))


def _pair(name: str, value: str) -> bytes:
    return text(_PAIR_NAME, name) + text(_PAIR_VALUE, value)


def _encoded(labels: Mapping[str, str]) -> bytes:
    return b"".join([message(_METRIC_LABEL, _pair(name, value)) for name, value in labels.items()])


def label_pairs(rendered: str) -> dict[str, str]:
    r"""Return labels as they were before they were rendered between braces.

    Example:
        >>> label_pairs('model="a \\"b\\"\\n",outcome="ok"')
        {'model': 'a "b"\n', 'outcome': 'ok'}
    """
    return {name: _ESCAPED.sub(_unescaped, value) for name, value in _LABEL.findall(rendered)}


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


@dataclass(slots=True)
class _Group:
    """Collect the samples of one histogram or summary of a foreign registry, which come as single numbers."""

    labels: Mapping[str, str]
    count: float = 0
    total: float | None = None
    created: float | None = None
    parts: list[bytes] = field(default_factory=list)

    def metric(self, kind: str) -> bytes:
        """Return it as one message."""
        slot, created = (
            (_METRIC_HISTOGRAM, _HISTOGRAM_CREATED) if kind == "histogram" else (_METRIC_SUMMARY, _SUMMARY_CREATED)
        )
        content = integer(_COUNT, int(self.count)) + b"".join(self.parts)
        if self.total is not None:
            content += double(_SUM, self.total)
        if self.created is not None:
            content += message(created, _timestamp(self.created))
        return _encoded(self.labels) + message(slot, content)


def _grouped(rows: Sequence[NumberRow]) -> Iterable[_Group]:
    groups: dict[tuple[tuple[str, str], ...], _Group] = {}
    for series, value in rows:
        labels = label_pairs(series.labels)
        # A bucket's bound or a quantile is no label here, but a number.
        edge = labels.pop("le", None) if series.suffix == "_bucket" else None
        quantile = labels.pop("quantile", None) if not series.suffix else None
        group = groups.setdefault(tuple(labels.items()), _Group(labels))
        if edge is not None:
            group.parts.append(
                message(_BUCKET, integer(_BUCKET_COUNT, int(value)) + _after_count(float(edge), series.exemplar))
            )
        elif quantile is not None:
            group.parts.append(message(_QUANTILE, double(1, float(quantile)) + double(2, value)))
        elif series.suffix == "_count":
            group.count = value
        elif series.suffix == "_sum":
            group.total = value
        elif series.suffix == "_created":
            group.created = value
    return groups.values()


PROTOBUF = ProtobufFormat(
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores"
)
