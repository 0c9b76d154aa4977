"""A real Prometheus scrapes native histograms and answers quantiles over them."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import TracerProvider

from genotel.exposition.page import Page
from genotel.exposition.server import PageServer
from genotel.telemetry.reader import PageReader
from tests.servers import RealPrometheus, wait_for

pytestmark = pytest.mark.real_servers


class NativePrometheus(RealPrometheus):
    """Run Prometheus with its native histograms on, which makes it ask for protobuf."""

    def arguments(self) -> list[str]:
        """Return the command line with one more feature."""
        return [word.replace("exemplar-storage", "exemplar-storage,native-histograms") for word in super().arguments()]


@pytest.mark.parametrize("newer", [False, True], ids=["2.42", "newer"])
def test_prometheus_answers_quantiles_over_a_native_histogram(tmp_path: Path, newer: bool) -> None:
    """Within the width of a bucket; counters, gauges and classic histograms of the same page arrive, too."""
    reader = PageReader()
    exponential = View(instrument_name="fine", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], views=[exponential], shutdown_on_exit=False)
    meter = provider.get_meter("app")
    chance = random.Random(7)
    values = sorted(chance.lognormvariate(0, 1) for _ in range(2000))
    fine, coarse = meter.create_histogram("fine", unit="s"), meter.create_histogram("coarse", unit="s")
    for value in values:
        fine.record(value, {"model": "sdxl"})
        coarse.record(value)
    fine.record(0.0, {"model": "sdxl"})
    with TracerProvider(shutdown_on_exit=False).get_tracer("app").start_as_current_span("call") as span:
        fine.record(values[0], {"model": "sdxl"})
        trace_id = f"{span.get_span_context().trace_id:032x}"
    meter.create_counter("jobs").add(7, {"queue": 'a "b"'})
    meter.create_gauge("load").set(0.25)
    with PageServer(Page([reader]), port=0) as server:
        target = re.sub(r"^http://|/metrics$", "", server.url)
        with NativePrometheus(tmp_path, {"app": target}, newer=newer) as prometheus:
            for quantile in (0.1, 0.5, 0.9, 0.99):
                query = f"histogram_quantile({quantile}, fine_seconds)"
                ((labels, found),) = wait_for("a quantile", lambda query=query: prometheus.query(query))
                assert labels["model"] == "sdxl"
                assert found == pytest.approx(values[int(quantile * len(values))], rel=0.1)
            ((_, count),) = prometheus.query("histogram_count(fine_seconds)")
            ((_, total),) = prometheus.query("histogram_sum(fine_seconds)")
            assert count == 2002
            assert total == pytest.approx(sum(values) + values[0])
            now = time.time()
            (found,) = wait_for(
                "an exemplar",
                lambda: prometheus.api("query_exemplars", query="fine_seconds", start=str(now - 60), end=str(now + 60)),
            )
            assert [exemplar["labels"]["trace_id"] for exemplar in found["exemplars"]] == [trace_id]
            assert [value for _, value in prometheus.query('jobs_total{queue="a \\"b\\""}')] == [7]
            assert [value for _, value in prometheus.query("load")] == [0.25]
            ((_, half),) = prometheus.query('coarse_seconds_bucket{le="5.0"}')
            assert half == sum(value <= 5 for value in values)
            assert prometheus.query("target_info")
            assert prometheus.query("up")[0][1] == 1
            scrapes = {series.labels: count for series, count in server.metrics.blocks()[0].rows}
            assert scrapes['genotel_code="200",genotel_format="protobuf"'] > 0
    provider.shutdown()
