"""The protobuf page, read by Google's own library."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Summary

from genotel.exposition.native_histogram import native_histogram
from genotel.exposition.page import Page
from genotel.exposition.protobuf import PROTOBUF, label_pairs
from genotel.exposition.registry_source import RegistrySource
from genotel.exposition.series import (
    Block,
    Exemplar,
    Family,
    HistogramSeries,
    NumberSeries,
    render_labels,
)
from tests.metric_families import TYPES, buckets_of, families_of, labels_of

EXEMPLAR = Exemplar("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", 0.3, 1700000000.25)


def read(*blocks: Block):
    """Return the families of a page that has these blocks."""

    class Source:
        def blocks(self):
            return blocks

    return families_of(Page([Source()]).render(PROTOBUF))


def test_numbers_have_their_kind_and_name():
    """A counter and an info bear their suffix here, as in the text format."""
    labels = {"model": 'a "b"\\\n', "empty": ""}
    found = read(
        *(
            Block(Family(f"of_{kind}", kind, "Help.", "bytes"), [(NumberSeries(labels), 1.5)])
            for kind in ("counter", "gauge", "info", "unknown")
        )
    )
    assert {name: TYPES[family.type] for name, family in found.items()} == {
        "of_counter_total": "counter",
        "of_gauge": "gauge",
        "of_info_info": "gauge",
        "of_unknown": "untyped",
    }
    for family in found.values():
        assert (family.help, family.unit) == ("Help.", "bytes")
        (metric,) = family.metric
        assert labels_of(metric) == {"model": 'a "b"\\\n'}
        assert getattr(metric, TYPES[family.type]).value == 1.5


def test_a_counter_has_its_birth_and_its_exemplar():
    """Both only where they are known."""
    series = NumberSeries(created=1700000000.5)
    series.keep(EXEMPLAR)
    found = read(Block(Family("calls", "counter"), [(series, 3), (NumberSeries({"a": "b"}), 4)]))
    full, bare = found["calls_total"].metric
    assert (full.counter.created_timestamp.seconds, full.counter.created_timestamp.nanos) == (1700000000, 500000000)
    assert labels_of(full.counter.exemplar) == {"trace_id": EXEMPLAR.trace_id, "span_id": EXEMPLAR.span_id}
    assert full.counter.exemplar.value == 0.3
    assert full.counter.exemplar.timestamp.nanos == 250000000
    assert not bare.counter.HasField("exemplar")
    assert not bare.counter.HasField("created_timestamp")


def test_values_that_are_no_numbers_are_written_as_they_are():
    """A gauge of a foreign registry may be infinite."""
    found = read(
        Block(Family("g", "gauge"), [(NumberSeries(), float("inf")), (NumberSeries({"a": "b"}), float("nan"))])
    )
    one, other = (metric.gauge.value for metric in found["g"].metric)
    assert one == float("inf")
    assert other != other


def test_a_classic_histogram_has_buckets_and_exemplars():
    """Cumulative, with +Inf; nothing of a native one."""
    series = HistogramSeries({"model": "sdxl"}, (0.1, 0.5), created=1700000000)
    series.keep(EXEMPLAR)
    found = read(Block(Family("seconds", "histogram", "Time."), [(series, (1, 2, 3), 4.5)]))
    (metric,) = found["seconds"].metric
    histogram = metric.histogram
    assert (histogram.sample_count, histogram.sample_sum) == (6, 4.5)
    assert [(bucket.upper_bound, bucket.cumulative_count) for bucket in histogram.bucket] == [
        (0.1, 1),
        (0.5, 3),
        (float("inf"), 6),
    ]
    assert [bucket.HasField("exemplar") for bucket in histogram.bucket] == [False, True, False]
    assert histogram.created_timestamp.seconds == 1700000000
    assert not histogram.HasField("schema")
    assert not histogram.exemplars


def test_an_exponential_histogram_has_both_kinds_of_buckets():
    """A server takes those that it was told to take."""
    series = HistogramSeries({}, (0.0, 1.0, 2.0))
    series.keep(EXEMPLAR)
    series.native = native_histogram(1, 2, (0, [1, 3]), (4, [5]))
    found = read(Block(Family("seconds", "histogram"), [(series, (7, 0, 4, 0), 4.5)]))
    histogram = found["seconds"].metric[0].histogram
    assert (histogram.schema, histogram.zero_count, histogram.zero_threshold) == (1, 2, 2.0**-128)
    assert buckets_of(histogram.positive_span, histogram.positive_delta) == {1: 1, 2: 3}
    assert buckets_of(histogram.negative_span, histogram.negative_delta) == {5: 5}
    assert len(histogram.bucket) == 4
    assert [exemplar.value for exemplar in histogram.exemplars] == [0.3]


def test_a_native_histogram_without_a_bucket_can_be_told_from_a_classic_one():
    """By a span of no length."""
    series = HistogramSeries({}, ())
    series.native = native_histogram(0, 0, (0, []), (0, []))
    found = read(Block(Family("seconds", "histogram"), [(series, (0,), 0.0)]))
    (span,) = found["seconds"].metric[0].histogram.positive_span
    assert (span.offset, span.length) == (0, 0)


def test_a_foreign_registry_keeps_its_kinds():
    """Its histograms and summaries come as single numbers and are put together again."""
    registry = CollectorRegistry()
    Counter("jobs", "Jobs.", ["queue"], registry=registry).labels("a").inc(
        2, exemplar={"trace_id": "1", "span_id": "2"}
    )
    Gauge("load", "Load.", registry=registry).set(0.5)
    Info("build", "Build.", registry=registry).info({"version": "1"})
    histogram = Histogram("wait_seconds", "Wait.", ["queue"], buckets=(0.1, 1), registry=registry)
    for queue, value in (("a", 0.05), ("a", 0.5), ("b", 7)):
        histogram.labels(queue).observe(value)
    Summary("size", "Size.", registry=registry).observe(3)
    found = families_of(Page([RegistrySource(registry)]).render(PROTOBUF))
    assert {name: TYPES[family.type] for name, family in found.items()} == {
        "jobs_total": "counter",
        "load": "gauge",
        "build_info": "gauge",
        "wait_seconds": "histogram",
        "size": "summary",
    }
    a, b = found["wait_seconds"].metric
    assert labels_of(a) == {"queue": "a"}
    assert (a.histogram.sample_count, a.histogram.sample_sum) == (2, 0.55)
    assert [(bucket.upper_bound, bucket.cumulative_count) for bucket in b.histogram.bucket] == [
        (0.1, 0),
        (1.0, 0),
        (float("inf"), 1),
    ]
    assert b.histogram.HasField("created_timestamp")
    (size,) = found["size"].metric
    assert (size.summary.sample_count, size.summary.sample_sum) == (1, 3)
    (jobs,) = found["jobs_total"].metric
    assert labels_of(jobs.counter.exemplar) == {"trace_id": "1", "span_id": "2"}


def test_quantiles_of_a_foreign_summary_are_kept():
    """Such as other clients make."""
    rows = [
        (NumberSeries({"quantile": "0.5", "a": "b"}, suffix=""), 1.0),
        (NumberSeries({"a": "b"}, suffix="_count"), 2),
        (NumberSeries({"a": "b"}, suffix="_sum"), 3.0),
        (NumberSeries({"a": "b"}, suffix="_other"), 3.0),
    ]
    (metric,) = read(Block(Family("s", "summary"), rows))["s"].metric
    assert labels_of(metric) == {"a": "b"}
    assert [(each.quantile, each.value) for each in metric.summary.quantile] == [(0.5, 1.0)]
    assert metric.summary.sample_count == 2


def test_a_row_that_cannot_be_written_costs_itself_only(monkeypatch):
    """As in the other formats."""
    from tests.observed import lenient

    rows = [(NumberSeries({"a": "1"}), 1.0), (NumberSeries({"a": "2"}), "two"), (NumberSeries({"a": "3"}), 3.0)]
    with lenient():
        found = read(Block(Family("g", "gauge"), rows))  # type: ignore[arg-type]
    assert [labels_of(metric)["a"] for metric in found["g"].metric] == ["1", "3"]


@given(st.dictionaries(st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True), st.text(min_size=1, max_size=20)))
def test_labels_are_what_they_were(labels):
    """Rendered for the text formats and read back."""
    labels = {name: value.encode("utf-8", "replace").decode() for name, value in labels.items()}
    assert label_pairs(render_labels(labels)) == labels


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 1.9999999999999, 1e12])
def test_any_time_can_be_written(seconds):
    """A clock may be wrong."""
    found = read(Block(Family("c", "counter"), [(NumberSeries(created=seconds), 1)]))
    born = found["c_total"].metric[0].counter.created_timestamp
    assert born.seconds >= 0
    assert 0 <= born.nanos < 10**9
