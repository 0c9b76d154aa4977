"""Everything that a program may do with OpenTelemetry's metrics becomes a page that parsers read."""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from genotel import guard
from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.page import Page
from genotel.exposition.protobuf import PROTOBUF
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.telemetry.reader import PageReader
from tests.conftest import require
from tests.metric_families import buckets_of, families_of, labels_of
from tests.observed import lenient
from tests.pages import labelled, read_page, refused_by_promtool, series_of


class Program:
    """Hold a provider with our reader, and its page."""

    def __init__(self, views: tuple[View, ...] = (), **reader: Any) -> None:
        self.reader = PageReader(**reader)
        self.provider = MeterProvider(
            [self.reader], resource=Resource({"service.name": "p"}), views=views, shutdown_on_exit=False
        )
        self.page = Page([self.reader])

    def meter(self, name: str = "app", version: str = "") -> Meter:
        """Return a meter."""
        return self.provider.get_meter(name, version)

    def read(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Return the page's series, but for the one that says who speaks; no scope labels."""
        return {
            (name, frozenset(label for label in labels if not label[0].startswith("otel_scope"))): value
            for (name, labels), value in read_page(self.page).items()
            if name != "target_info"
        }


@pytest.fixture
def program() -> Iterator[Program]:
    """Be a program with our reader."""
    program = Program()
    yield program
    program.provider.shutdown()


@pytest.fixture
def exponential() -> Iterator[Program]:
    """Be a program whose histograms are exponential."""
    program = Program((View(instrument_type=Histogram, aggregation=ExponentialBucketHistogramAggregation()),))
    yield program
    program.provider.shutdown()


def observing(*values: Any) -> list[Callable[[CallbackOptions], Iterable[Observation]]]:
    """Return the callback of an observable instrument."""
    return [lambda _: [value if isinstance(value, Observation) else Observation(value) for value in values]]


def test_every_instrument_becomes_a_family(program: Program) -> None:
    """With the names that Prometheus knows."""
    meter = program.meter()
    meter.create_counter("jobs", "{job}").add(2, {"a": "x"})
    meter.create_up_down_counter("running").add(-3)
    meter.create_gauge("load", "1").set(0.5)
    meter.create_histogram("wait", "s", explicit_bucket_boundaries_advisory=[1, 2.5]).record(2)
    meter.create_observable_counter("seen", observing(7), "By")
    meter.create_observable_up_down_counter("open", observing(-7))
    meter.create_observable_gauge("temperature", observing(Observation(20, {"b": "y"})), "Cel")
    assert program.read() == {
        labelled("jobs_total", a="x"): 2,
        labelled("running"): -3,
        labelled("load"): 0.5,
        labelled("wait_seconds_bucket", le="1.0"): 0,
        labelled("wait_seconds_bucket", le="2.5"): 1,
        labelled("wait_seconds_bucket", le="+Inf"): 1,
        labelled("wait_seconds_sum"): 2,
        labelled("wait_seconds_count"): 1,
        labelled("seen_bytes_total"): 7,
        labelled("open"): -7,
        labelled("temperature_celsius", b="y"): 20,
    }


def test_the_page_says_who_speaks(program: Program) -> None:
    """``target_info`` carries the resource; an empty program has an empty page."""
    assert program.page.render(TEXT_0_0_4) == b""
    program.meter().create_counter("jobs").add(1)
    page = program.page.render(OPENMETRICS_1_0_0).decode()
    assert '# TYPE target info\ntarget_info{service_name="p"} 1\n' in page
    assert 'jobs_total{otel_scope_name="app"} 1\n' in page
    assert 'jobs_created{otel_scope_name="app"} ' in page


def test_values_follow_from_scrape_to_scrape(program: Program) -> None:
    """Also of label sets that come later."""
    counter = program.meter().create_counter("jobs")
    for number in range(1, 4):
        counter.add(1, {"a": "x"})
        counter.add(1, {"a": f"new {number}"})
        assert program.read()[labelled("jobs_total", a="x")] == number
        assert len(program.read()) == number + 1


# --- What breaks the stock reader ---------------------------------------------------------------


def two_scopes(program: Program) -> dict[Any, float]:
    """Give two scopes one name and other keys."""
    program.meter("one").create_counter("hits").add(1, {"alpha": "a"})
    program.meter("two").create_counter("hits").add(7, {"beta": "b", "zeta": "z"})
    return {labelled("hits_total", alpha="a"): 1, labelled("hits_total", beta="b", zeta="z"): 7}


def two_versions(program: Program) -> dict[Any, float]:
    """Give two versions of a scope one series; they are told apart by their labels."""
    program.meter("one", "1").create_gauge("load").set(1)
    program.meter("one", "2").create_gauge("load").set(2)
    return {labelled("load"): 2}


def colliding_keys(program: Program) -> dict[Any, float]:
    """Use keys that become one label, alone and together."""
    counter = program.meter().create_counter("hits")
    counter.add(1, {"a.b": "x"})
    counter.add(2, {"a_b": "x"})
    counter.add(4, {"a.b": "x", "a_b": "y"})
    gauge = program.meter().create_gauge("load")
    gauge.set(1, {"a.b": "x"})
    gauge.set(2, {"a_b": "x"})
    histogram = program.meter().create_histogram("wait", explicit_bucket_boundaries_advisory=[1])
    histogram.record(0.5, {"a.b": "x"})
    histogram.record(2, {"a_b": "x"})
    return {
        labelled("hits_total", a_b="x"): 3,
        labelled("hits_total", a_b="x;y"): 4,
        labelled("load", a_b="x"): 2,
        labelled("wait_bucket", a_b="x", le="1.0"): 1,
        labelled("wait_bucket", a_b="x", le="+Inf"): 2,
        labelled("wait_sum", a_b="x"): 2.5,
        labelled("wait_count", a_b="x"): 2,
    }


def leading_digits(program: Program) -> dict[Any, float]:
    """Use keys whose first characters are digits."""
    program.meter().create_counter("hits").add(1, {"5xx": "a", "7xx": "b"})
    return {labelled("hits_total", key_5xx="a", key_7xx="b"): 1}


def two_helps(program: Program) -> dict[Any, float]:
    """Describe one name in two ways."""
    program.meter("one").create_counter("hits", description="These.").add(1, {"a": "x"})
    program.meter("two").create_counter("hits", description="Those.").add(2, {"b": "y"})
    return {labelled("hits_total", a="x"): 1, labelled("hits_total", b="y"): 2}


def two_types(program: Program) -> dict[Any, float]:
    """Use one name for two kinds, in two scopes and in one."""
    program.meter("one").create_counter("hits").add(1)
    program.meter("two").create_gauge("hits").set(2)
    program.meter("one").create_up_down_counter("hits").add(3, {"c": "z"})
    program.meter("one").create_histogram("hits", explicit_bucket_boundaries_advisory=[]).record(4)
    return {
        labelled("hits_total"): 1,
        labelled("hits_gauge"): 2,
        labelled("hits_gauge", c="z"): 3,
        labelled("hits_histogram_bucket", le="+Inf"): 1,
        labelled("hits_histogram_sum"): 4,
        labelled("hits_histogram_count"): 1,
    }


def names_of_samples(program: Program) -> dict[Any, float]:
    """Use the names that a histogram's and a counter's samples have."""
    meter = program.meter()
    meter.create_histogram("wait", explicit_bucket_boundaries_advisory=[]).record(1)
    meter.create_gauge("wait.count").set(2)
    meter.create_counter("jobs").add(3)
    meter.create_gauge("jobs.created").set(4)
    meter.create_gauge("jobs.total").set(5)
    return {
        labelled("wait_bucket", le="+Inf"): 1,
        labelled("wait_sum"): 1,
        labelled("wait_count"): 1,
        labelled("wait_count_gauge"): 2,
        labelled("jobs_total"): 3,
        labelled("jobs_created_gauge"): 4,
        labelled("jobs_total_gauge"): 5,
    }


def two_units(program: Program) -> dict[Any, float]:
    """Use one name with two units, one of them in the name."""
    program.meter("one").create_gauge("wait", "s").set(1, {"a": "x"})
    program.meter("two").create_gauge("wait.seconds").set(2, {"b": "y"})
    return {labelled("wait_seconds", a="x"): 1, labelled("wait_seconds", b="y"): 2}


def our_names(program: Program) -> dict[Any, float]:
    """Name a metric as ours is named."""
    program.meter().create_gauge("genotel.generation.requests").set(5)
    return {labelled("genotel_generation_requests"): 5}


def label_le(program: Program) -> dict[Any, float]:
    """Use a bucket's own label, and the name that it is moved to."""
    histogram = program.meter().create_histogram("wait", explicit_bucket_boundaries_advisory=[])
    histogram.record(1, {"le": "x"})
    histogram.record(1, {"le": "x", "exported.le": "y"})
    return {
        labelled(name, exported_le=value, **le): 1
        for value in ("x", "y;x")
        for name, le in (("wait_bucket", {"le": "+Inf"}), ("wait_sum", {}), ("wait_count", {}))
    }


def negative_bounds(program: Program) -> dict[Any, float]:
    """Use bounds below zero: OpenMetrics has no sum then."""
    program.meter().create_histogram("drift", explicit_bucket_boundaries_advisory=[-1, 0, 1]).record(0.5)
    return {
        labelled("drift_bucket", le="-1.0"): 0,
        labelled("drift_bucket", le="0.0"): 0,
        labelled("drift_bucket", le="1.0"): 1,
        labelled("drift_bucket", le="+Inf"): 1,
        labelled("drift_sum"): 0.5,
        labelled("drift_count"): 1,
    }


def odd_numbers(program: Program) -> dict[Any, float]:
    """Give numbers that are not Python's own, or not numbers at all."""
    meter = program.meter()
    gauge = meter.create_gauge("value")
    for name, value in {
        "true": True,
        "np_true": np.bool_(True),
        "int64": np.int64(5),
        "float32": np.float32(0.5),
        "fraction": Fraction(1, 4),
        "decimal": Decimal("1E+3"),
        "big": 2**70,
    }.items():
        gauge.set(value, {"kind": name})  # type: ignore[arg-type]  # what a user may do
    meter.create_observable_gauge("observed", observing(True, np.bool_(False)))
    meter.create_counter("added").add(np.int64(7))  # type: ignore[arg-type]  # what a user may do
    meter.create_histogram("taken", explicit_bucket_boundaries_advisory=[1]).record(Fraction(1, 2))  # type: ignore[arg-type]  # as above
    return {
        labelled("value", kind="true"): 1,
        labelled("value", kind="np_true"): 1,
        labelled("value", kind="int64"): 5,
        labelled("value", kind="float32"): 0.5,
        labelled("value", kind="fraction"): 0.25,
        labelled("value", kind="decimal"): 1000,
        labelled("value", kind="big"): 2.0**70,
        labelled("observed"): 0,
        labelled("added_total"): 7,
        labelled("taken_bucket", le="1.0"): 1,
        labelled("taken_bucket", le="+Inf"): 1,
        labelled("taken_sum"): 0.5,
        labelled("taken_count"): 1,
    }


def beyond_numbers(program: Program) -> dict[Any, float]:
    """Give infinities and NaN, which the SDK refuses; sums may still run over."""
    meter = program.meter()
    counter = meter.create_counter("much")
    for value in (math.inf, math.nan, 1e308, 1e308):
        counter.add(value)
    meter.create_gauge("none").set(math.nan)
    meter.create_observable_gauge("nowhere", observing(math.inf, math.nan))
    meter.create_observable_counter("below", observing(-5))
    return {labelled("much_total"): math.inf}


def texts(program: Program) -> dict[Any, float]:
    """Use texts that formats have to escape."""
    value = 'a "b" \\ \n% {} # \u2028 é'
    program.meter().create_counter("hits", description=value).add(1, {"a": value})
    return {labelled("hits_total", a=value): 1}


HOSTILE = [
    two_scopes,
    colliding_keys,
    leading_digits,
    two_helps,
    two_types,
    names_of_samples,
    two_units,
    our_names,
    label_le,
    negative_bounds,
    odd_numbers,
    beyond_numbers,
    texts,
]


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_pages_that_break_the_stock_reader_are_right(
    program: Program, make: Callable[[Program], dict[Any, float]]
) -> None:
    """Every series once, every label value where it belongs, read by both parsers and promtool; twice."""
    promtool = require(shutil.which("promtool"), "promtool (Debian package prometheus)")
    expected = make(program)
    assert program.read() == expected
    assert program.read() == expected
    assert refused_by_promtool(promtool, program.page) == []


def test_versions_of_a_scope_are_told_apart(program: Program) -> None:
    """By the label that says so."""
    two_versions(program)
    values = {
        dict(labels)["otel_scope_version"]: value
        for (name, labels), value in read_page(program.page).items()
        if name == "load"
    }
    assert values == {"1": 1, "2": 2}


def test_an_exponential_histogram_is_on_the_page(exponential: Program) -> None:
    """As classic buckets; it grows, and others share its page."""
    histogram = exponential.meter().create_histogram("wait", "s")
    exponential.meter().create_counter("jobs").add(1)
    histogram.record(3)
    assert exponential.read() == {
        labelled("wait_seconds_bucket", le="4.0"): 1,
        labelled("wait_seconds_bucket", le="+Inf"): 1,
        labelled("wait_seconds_sum"): 3,
        labelled("wait_seconds_count"): 1,
        labelled("jobs_total"): 1,
    }
    histogram.record(0)
    histogram.record(9)
    buckets = {
        dict(labels).get("le"): value for (name, labels), value in exponential.read().items() if "bucket" in name
    }
    assert buckets == {"0.0": 1, "4.0": 2, "8.0": 2, "16.0": 3, "+Inf": 3}


def test_an_exponential_histogram_is_native_in_protobuf(exponential: Program) -> None:
    """With the buckets of now; where attribute sets share a label set, it has classic ones only."""
    histogram = exponential.meter().create_histogram("wait", "s")
    for value in (3, 3, 0, 7):
        histogram.record(value, {"of": "one"})
        histogram.record(value, {"a.b": "x"})
        histogram.record(value, {"a_b": "x"})
    families = families_of(exponential.page.render(PROTOBUF))
    by_labels = {frozenset(labels_of(metric)): metric.histogram for metric in families["wait_seconds"].metric}
    native = by_labels[frozenset({"of", "otel_scope_name"})]
    buckets = buckets_of(native.positive_span, native.positive_delta)
    assert native.zero_count == 1
    assert sorted(count for count in buckets.values() if count) == [1, 2]
    edges = [2 ** (index / 2**native.schema) for index, count in sorted(buckets.items()) if count]
    assert edges == [pytest.approx(3, rel=0.01), pytest.approx(7, rel=0.01)]
    shared = by_labels[frozenset({"a_b", "otel_scope_name"})]
    assert shared.sample_count == 8
    assert not shared.HasField("schema")


def test_exponential_histograms_that_share_a_label_set_are_added(exponential: Program) -> None:
    """Though each has bounds of its own, and both go on growing."""
    histogram = exponential.meter().create_histogram("wait")
    histogram.record(3, {"a.b": "x"})
    histogram.record(0.3, {"a_b": "x"})
    for count, (value, key, top) in enumerate(((100, "a.b", 128.0), (1000, "a_b", 1024.0), (5000, "a.b", 8192.0)), 3):
        histogram.record(value, {key: "x"})
        series = exponential.read()
        assert series[labelled("wait_count", a_b="x")] == count
        assert series[labelled("wait_bucket", a_b="x", le="0.5")] == 1
        assert series[labelled("wait_bucket", a_b="x", le="4.0")] == 2
        assert series[labelled("wait_bucket", a_b="x", le=str(top))] == count
    assert series[labelled("wait_sum", a_b="x")] == 6103.3


def test_exemplars_of_an_exponential_histogram_stay_with_their_values(exponential: Program) -> None:
    """The buckets change under them."""
    histogram = exponential.meter().create_histogram("wait")
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("app")
    for value in (3, 100):
        with tracer.start_as_current_span("call"):
            histogram.record(value)
        page = exponential.page.render(OPENMETRICS_1_0_0).decode()
        assert ' # {span_id="' in page
    lines = [line for line in page.splitlines() if " # {" in line]
    assert [(line.split('le="')[1].split('"')[0], line.split()[-2]) for line in lines] == [
        ("4.0", "3.0"),
        ("128.0", "100.0"),
    ]


def test_a_callback_that_raises_costs_its_own_metric(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """Or that returns what is no observation; the others are on the page."""

    def broken(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(1)
        raise RuntimeError("broken")

    meter = program.meter()
    meter.create_observable_gauge("half", [broken])
    meter.create_observable_gauge("none", [lambda _: None])  # type: ignore[arg-type,return-value]  # what a user may do
    meter.create_observable_gauge("junk", [lambda _: [1, "x"]])  # type: ignore[list-item]  # as above
    meter.create_observable_gauge("text", observing(Observation("x")))  # type: ignore[arg-type]  # as above
    meter.create_gauge("well").set(1)
    assert program.read() == {labelled("half"): 1, labelled("well"): 1}


def test_a_slow_callback_costs_time_and_nothing_else(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would throw the page away after ten seconds; a clock that leaps stands in for them."""
    leap = [0]
    real = time.time_ns
    monkeypatch.setattr("opentelemetry.sdk.metrics._internal.measurement_consumer.time_ns", lambda: real() + leap[0])

    def slow(_: CallbackOptions) -> Iterable[Observation]:
        leap[0] += 30 * 10**9
        return [Observation(1)]

    program.meter().create_observable_gauge("slow", [slow])
    program.meter().create_observable_gauge("quick", observing(2))
    assert program.read() == {labelled("slow"): 1, labelled("quick"): 2}


def test_a_callback_may_ask_for_the_page(program: Program) -> None:
    """The SDK would wait for itself."""
    pages: list[bytes] = []

    def asking(_: CallbackOptions) -> Iterable[Observation]:
        pages.append(program.page.render(TEXT_0_0_4))
        return [Observation(1)]

    program.meter().create_observable_gauge("asking", [asking])
    assert program.read() == {labelled("asking"): 1}
    assert pages == [b"", b""]


def test_churning_attribute_sets_are_bounded_and_loud(caplog: pytest.LogCaptureFixture) -> None:
    """The SDK keeps every set that it ever saw; what is over the limit is one series, logged once."""
    program = Program(cardinality_limit=50)
    scrape = [0]

    def pids(_: CallbackOptions) -> Iterable[Observation]:
        scrape[0] += 1
        return [Observation(1, {"pid": f"{scrape[0]}-{number}"}) for number in range(10)]

    program.meter().create_observable_gauge("pids", [pids])
    for _ in range(40):
        series = series_of(program.page.render(TEXT_0_0_4).decode())
        assert len(series) <= 1 + 10
    assert ("pids", frozenset({("otel_scope_name", "app"), ("otel_metric_overflow", "true")})) in series
    assert [record.getMessage() for record in caplog.records if record.name == "genotel"] == [
        "genotel: pids has more label sets than the SDK keeps; the rest is one series with otel_metric_overflow"
    ]
    (stream,) = program.reader._streams.values()
    assert len(stream._series) <= 2 * 10 + 16 + 10
    program.provider.shutdown()


def test_series_that_are_gone_are_forgotten(exponential: Program) -> None:
    """The reader keeps no more than the page has; what comes back is the same series again."""
    program, alive = Program(), [200]
    program.meter().create_observable_gauge(
        "pids", [lambda _: [Observation(number, {"pid": str(number)}) for number in range(alive[0])]]
    )
    assert len(program.read()) == 200
    alive[0] = 3
    assert len(program.read()) == 3
    (stream,) = program.reader._streams.values()
    assert len(stream._series) == len(stream._by_labels) == 3
    alive[0] = 200
    assert len(program.read()) == 200
    program.provider.shutdown()


def test_observable_metrics_of_ours_have_room_for_every_outcome() -> None:
    """500 models with five outcomes are more than the SDK's 2,000 sets."""
    program = Program()
    program.meter().create_observable_counter(
        "requests", [lambda _: [Observation(1, {"n": number}) for number in range(10_000)]]
    )
    assert sum(program.read().values()) == 10_000
    assert not any("otel_metric_overflow" in dict(labels) for _, labels in program.read())
    program.provider.shutdown()


# --- Exemplars ----------------------------------------------------------------------------------


def test_exemplars_are_seen_by_every_scraper_and_at_every_scrape(program: Program) -> None:
    """The SDK's reservoir is empty after one collection; the page keeps the last one of each bucket."""
    histogram = program.meter().create_histogram("wait", explicit_bucket_boundaries_advisory=[1, 10])
    counter = program.meter().create_counter("jobs")
    gauge = program.meter().create_up_down_counter("running")
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("app")
    ids: dict[float, str] = {}
    for value in (0.5, 5, 50):
        with tracer.start_as_current_span("call") as span:
            histogram.record(value)
            counter.add(value)
            gauge.add(1)
            ids[value] = f"{span.get_span_context().trace_id:032x}"
    pages = [program.page.render(OPENMETRICS_1_0_0).decode() for _ in range(4)]
    assert len({*pages}) == 1
    lines = [line for line in pages[0].splitlines() if " # {" in line]
    assert [line.split("{")[0] for line in lines] == ["wait_bucket"] * 3 + ["jobs_total"]
    for line in lines:
        labels, shown, moment = line.partition(" # ")[2].rsplit(" ", 2)
        assert f'trace_id="{ids[float(shown)]}"' in labels
        assert abs(float(moment) - time.time()) < 60
        assert len("".join(part for part in labels if part not in '{}",=')) <= 128
    read_page(program.page)
    assert " # {" not in program.page.render(TEXT_0_0_4).decode()


def test_a_later_exemplar_takes_the_place_of_an_earlier_one(program: Program) -> None:
    """Of its own bucket only."""
    histogram = program.meter().create_histogram("wait", explicit_bucket_boundaries_advisory=[1])
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("app")
    for value in (0.5, 5, 0.25):
        with tracer.start_as_current_span("call"):
            histogram.record(value)
        page = program.page.render(OPENMETRICS_1_0_0).decode()
    assert [line.split()[-2] for line in page.splitlines() if " # {" in line] == ["0.25", "5.0"]


def test_a_measurement_outside_of_a_span_has_no_exemplar(program: Program) -> None:
    """Whatever the filter says: there is nothing to point to."""
    program.meter().create_histogram("wait").record(1)
    assert " # {" not in program.page.render(OPENMETRICS_1_0_0).decode()


def test_attributes_that_a_view_took_away_stay_away() -> None:
    """They are unbounded, and may be private: not on the series, not on its exemplar."""
    program = Program((View(instrument_name="*", attribute_keys={"kept"}),))
    histogram = program.meter().create_histogram("wait")
    with TracerProvider(shutdown_on_exit=False).get_tracer("app").start_as_current_span("call"):
        histogram.record(1, {"kept": "yes", "user": "a secret"})
    page = program.page.render(OPENMETRICS_1_0_0).decode()
    assert " # {" in page
    assert 'kept="yes"' in page
    assert "secret" not in page
    program.provider.shutdown()


# --- Life -------------------------------------------------------------------------------------------


def test_a_reader_that_is_shut_down_has_an_empty_page(program: Program) -> None:
    """Nothing is kept, and nothing fails."""
    program.meter().create_counter("jobs").add(1)
    assert program.read()
    program.provider.shutdown()
    assert program.reader._streams == {}
    program.provider._shutdown_once = type(program.provider._shutdown_once)()


def test_a_metric_that_cannot_be_shown_costs_itself(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that is no number at all got past the SDK."""
    program.meter().create_gauge("well").set(1)
    received = program.reader._receive_metrics

    def spoil(data: MetricsData, **more: Any) -> None:
        scope = data.resource_metrics[0].scope_metrics[0]
        (metric,) = scope.metrics
        point = type(metric.data.data_points[0])({}, 0, 0, "no number")  # type: ignore[arg-type,call-arg]  # on purpose
        bad = type(metric)("bad", "", "", type(metric.data)([point]))  # type: ignore[call-arg]  # a gauge's data
        scope.metrics[:] = [bad, metric]  # type: ignore[index]  # it is a list
        received(data, **more)

    monkeypatch.setattr(program.reader, "_receive_metrics", spoil)
    with lenient():
        assert program.read() == {labelled("well"): 1}
    assert guard.internal_errors()["telemetry.reader"] >= 1


def test_an_sdk_without_limits_is_not_asked_for_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 1.45.2 readers took no such argument."""
    monkeypatch.setattr("genotel.telemetry.reader.HAS_LIMITS", False)
    program = Program(cardinality_limit=3)
    program.meter().create_counter("jobs").add(1)
    assert program.read() == {labelled("jobs_total"): 1}
    program.provider.shutdown()


def test_the_sdk_says_nothing_while_pages_are_made(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """No warning of conflicts, timeouts or second readers."""
    program.meter().create_counter("jobs").add(1)
    with caplog.at_level(logging.DEBUG):
        program.read()
    assert caplog.records == []
