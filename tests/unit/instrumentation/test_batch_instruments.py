"""Every figure reaches its histogram once, by itself, and what waits stays bounded."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.metrics import NoOpHistogram, NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from genotel.instrumentation import batch_instruments, batch_totals, instruments
from genotel.instrumentation.batch_instruments import BatchHistograms, relieve
from genotel.instrumentation.batch_stats import BatchStats
from genotel.instrumentation.batch_totals import MOST_PENDING
from genotel.semconv.spec import MetricSpec
from tests.observed import Observed

DURATION = "genotel_batch_duration_seconds"


class FakeHistogram:
    """Keep what is recorded."""

    def __init__(self, spec: MetricSpec) -> None:
        self.name = spec.name
        self.values: list[float] = []

    def record(self, value: float, attributes: Any = None, context: Any = None) -> None:
        """Keep a value."""
        self.values.append(value)


def test_histograms_hold_every_single_figure(batches: Observed) -> None:
    """Never an average; each in its bucket, the unknown in none."""
    stats = BatchStats(10, name="engine")
    for number in range(400):
        stats.update(0.5 if number % 2 else 3.0, 8, 0.25)
    stats.update(-1, 8, latency=1.0)
    assert batches.value(f"{DURATION}_count", genotel_batch_name="engine") == 400
    assert batches.value(f"{DURATION}_sum", genotel_batch_name="engine") == pytest.approx(700.0)
    assert batches.value(f"{DURATION}_bucket", genotel_batch_name="engine", le="0.512") == 200
    assert batches.value("genotel_batch_latency_seconds_count", genotel_batch_name="engine") == 401
    assert batches.value("genotel_batch_latency_seconds_sum", genotel_batch_name="engine") == pytest.approx(801.0)
    assert batches.value("genotel_batch_queue_duration_seconds_count", genotel_batch_name="engine") == 401
    assert batches.value("genotel_batch_size_bucket", genotel_batch_name="engine", le="8.0") == 401
    assert batches.value(f"{DURATION}_count", genotel_batch_name="engine") == 400


def test_several_windows_stand_on_one_page(batches: Observed) -> None:
    """Every counter of each, born at 0."""
    for name in ("one", "two"):
        BatchStats(name=name)
        for outcome in ("ok", "error", "out_of_memory", "cancelled", "abandoned"):
            labels = {"genotel_batch_name": name, "genotel_outcome": outcome}
            assert [sample.value for sample in batches.samples("genotel_batch_items_total", **labels)] == [0]
            assert [sample.value for sample in batches.samples("genotel_batch_batches_total", **labels)] == [0]
        assert batches.value("genotel_batch_active", genotel_batch_name=name) == 0


def test_any_reader_of_the_program_hears_them() -> None:
    """Not only our page: OTLP and the stock exporters collect the same way."""
    batch_totals.reset()
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    instruments.bind(None, provider)
    try:
        stats = BatchStats(name="engine")
        for _ in range(5):
            stats.update(0.5, 8)
        collected = reader.get_metrics_data()
        points = {
            metric.name: metric.data.data_points
            for scope in collected.resource_metrics[0].scope_metrics
            for metric in scope.metrics
        }
        assert points["genotel.batch.duration"][0].count == 5
        assert sum(point.value for point in points["genotel.batch.items"]) == 40
        assert points["genotel.batch.window.throughput"][0].value > 0
    finally:
        instruments.unbind()
        provider.shutdown()


def test_the_last_collection_of_a_short_job_has_its_times() -> None:
    """A reader that pushes collects once more at shutdown, when nothing is in force any more."""
    batch_totals.reset()
    # One that another test left would put instruments in force again, for its own first figures.
    batch_totals.windows.clear()
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    instruments.bind(None, provider)
    stats = BatchStats(name="job")
    stats.update(0.5, 8)
    instruments.unbind()
    names = {
        metric.name: metric.data.data_points
        for scope in reader.get_metrics_data().resource_metrics[0].scope_metrics
        for metric in scope.metrics
    }
    provider.shutdown()
    assert names["genotel.batch.duration"][0].count == 1


def test_updating_threads_record_when_too_much_waits(batches: Observed) -> None:
    """So memory stays bounded between two scrapes, and nothing is lost."""
    stats = BatchStats(10, name="engine")
    for _ in range(MOST_PENDING + 1024):
        stats.update(0.5, 8)
    totals = batch_totals.batch_totals("engine")
    assert totals.pending_count <= MOST_PENDING
    assert batches.value(f"{DURATION}_count", genotel_batch_name="engine") == MOST_PENDING + 1024


def test_who_hands_over_a_million_batches_does_not_wait_for_the_histograms(
    batches: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they cannot take is in the counts, and counted as left out."""
    monkeypatch.setattr(batch_instruments, "MOST_PENDING", 100)
    monkeypatch.setattr(batch_instruments, "_MOST_LEFT", 1_600)
    monkeypatch.setattr(batch_instruments, "_AT_ONCE", 10)
    stats = BatchStats(10, name="engine")
    stats.update_many([0.5] * 5_000, 8)
    assert batches.value("genotel_batch_items_total", genotel_batch_name="engine") == 40_000
    recorded = batches.value(f"{DURATION}_count", genotel_batch_name="engine")
    left_out = batches.value("genotel_series_dropped_total", genotel_metric="genotel.batch.duration")
    assert 160 < recorded < 2_000
    assert recorded + left_out == 5_000


def test_nobody_hears_before_there_is_a_provider() -> None:
    """OpenTelemetry's stand-ins drop what is recorded, so nothing is kept for them."""
    silent = BatchHistograms(lambda spec: NoOpMeterProvider().get_meter("x").create_histogram(spec.name))
    waiting = BatchHistograms(lambda spec: metrics.get_meter_provider().get_meter("x").create_histogram(spec.name))
    heard = BatchHistograms(FakeHistogram)  # type: ignore[arg-type]  # a fake
    # What the process has by now: nothing, a provider, or one that another test has shut down.
    deaf = type(metrics.get_meter_provider()).__name__ == "_ProxyMeterProvider"
    deaf = deaf or isinstance(waiting.duration, NoOpHistogram)
    assert (silent.is_heard(), waiting.is_heard(), heard.is_heard()) == (False, not deaf, True)
    totals = batch_totals.BatchTotals("doc")
    stats = BatchStats(10)
    stats._window.hand_on = totals.take
    for histograms in (None, silent):
        totals.keeps_pending = True
        stats.update_many([0.5] * 10, 8)
        assert totals.pending_count == 10
        relieve(histograms, totals)
        assert (totals.pending_count, totals.keeps_pending) == (0, False)
    relieve(heard, totals)
    assert totals.keeps_pending


def test_a_provider_is_looked_for_again_and_again() -> None:
    """But not at every update; and whoever is collected from is heard."""
    silent = BatchHistograms(lambda spec: NoOpMeterProvider().get_meter("x").create_histogram(spec.name))
    assert not silent.is_heard()
    silent.duration = FakeHistogram(batch_instruments.bm.DURATION)  # type: ignore[assignment]  # a fake
    assert [silent.is_heard() for _ in range(batch_instruments._LOOK_EVERY)] == [False] * 63 + [True]
    assert silent.is_heard()
    silent = BatchHistograms(lambda spec: NoOpMeterProvider().get_meter("x").create_histogram(spec.name))
    silent.hear()
    assert silent.is_heard()


def test_a_batch_of_the_moment_leaves_the_unknown_out(batches: Observed) -> None:
    """Without a wait there is no latency to tell."""
    histograms = BatchHistograms(FakeHistogram)  # type: ignore[arg-type]  # a fake
    totals = batch_totals.BatchTotals("doc")
    histograms.record_one(totals, 0.5, None, None, None)
    histograms.record_one(totals, 0.5, 8, 0.25, None)
    values = [
        each.values  # type: ignore[attr-defined]  # a fake
        for each in (histograms.duration, histograms.size, histograms.queue_duration, histograms.latency)
    ]
    assert values == [[0.5, 0.5], [8], [0.25], [0.75]]
