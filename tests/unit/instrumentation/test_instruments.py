"""Instruments hang on the providers in force, and observable ones read what was counted."""

from __future__ import annotations

import gc
import threading
import time

import pytest
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import genotel
from genotel import guard
from genotel.instrumentation import accumulators, instruments
from genotel.instrumentation.instruments import IN_FORCE, Instruments
from genotel.instrumentation.late_ends import COLLECTOR
from genotel.semconv.metrics import CATALOGUE
from genotel.semconv.spec import Kind
from tests.observed import Observed


def test_the_whole_page_of_a_busy_program_adds_up(observed: Observed) -> None:
    """Started is the sum of the outcomes and the running calls on every page, whatever goes on meanwhile."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            with genotel.generation("m"):
                pass

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(30):
            page = observed.text()
            values = {
                name: sum(
                    float(line.rpartition(" ")[2])
                    for line in page.splitlines()
                    if line.startswith(f"genotel_generation_{name}{{")
                )
                for name in ("started_total", "requests_total", "active")
            }
            assert values["started_total"] == values["requests_total"] + values["active"]
            assert 0 <= values["active"] <= 3
    finally:
        stop.set()
        for worker in workers:
            worker.join()


def test_every_observable_metric_of_calls_is_of_the_catalogue() -> None:
    """And asked once."""
    specs = [spec for spec, _ in instruments.OBSERVED]
    assert len({spec.name for spec in specs}) == len(specs)
    assert {*specs} <= {*CATALOGUE}
    assert all(spec.observable and spec.kind is not Kind.HISTOGRAM for spec in specs)


def test_faults_and_drops_are_on_the_page(observed: Observed) -> None:
    """``genotel.internal.errors`` and ``genotel.series.dropped``."""
    with guard._lock:
        guard._counts["a.place"] = 3
    for number in range(60):
        with genotel.generation("m") as call:
            call.phase(f"p{number}")
    assert observed.value("genotel_internal_errors_total", genotel_place="a.place") == 3
    assert observed.value("genotel_series_dropped_total", genotel_metric="genotel.generation.phase.duration") == 10


def test_binding_twice_to_one_provider_counts_once() -> None:
    """configure(), shutdown(), configure() in a program with providers of its own."""
    accumulators.reset()
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    try:
        for _ in range(2):
            instruments.bind(None, provider)
            with genotel.generation("m"):
                pass
        data = reader.get_metrics_data()
        assert data is not None
        points = [
            (metric.name, point.value)
            for scope in data.resource_metrics[0].scope_metrics
            for metric in scope.metrics
            if metric.name == "genotel.generation.started"
            for point in metric.data.data_points
        ]
        assert points == [("genotel.generation.started", 2)]
    finally:
        instruments.unbind()
        accumulators.reset()
        provider.shutdown()


def test_threads_that_bind_at_once_bind_to_the_same() -> None:
    """A forked child's first calls come from several threads; the providers are made for the first one."""
    made: list[Instruments] = []

    def later() -> None:
        time.sleep(0.01)
        instruments.bind(None, NoOpMeterProvider())
        assert IN_FORCE.bound is not None
        made.append(IN_FORCE.bound)

    instruments.bind_later(later)
    found: list[Instruments | None] = []
    barrier = threading.Barrier(4)

    def ask() -> None:
        barrier.wait()
        found.append(instruments.instruments())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        instruments.unbind()
    assert len(made) == 1
    assert {id(each) for each in found} == {id(made[0])}


def test_without_configure_they_hang_on_the_global_providers() -> None:
    """Whose proxies become real when the program sets its own; until then nothing is recorded."""
    instruments.unbind()
    bound = instruments.instruments()
    assert bound is not None
    assert bound.tracer is not None
    assert instruments.instruments() is bound
    instruments.unbind()


def test_disabled_there_are_none() -> None:
    """Until something is bound again."""
    instruments.disable()
    assert instruments.instruments() is None
    instruments.bind(None, NoOpMeterProvider())
    assert instruments.instruments() is not None
    instruments.unbind()


def test_the_collector_is_watched_once(observed: Observed) -> None:
    """Each binding asks for it."""
    instruments.bind(None, NoOpMeterProvider())
    assert gc.callbacks.count(COLLECTOR) == 1
    assert COLLECTOR.thread is None
    assert not COLLECTOR.is_here()


@pytest.mark.usefixtures("forgiving")
def test_a_reader_that_breaks_costs_one_metric(observed: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK logs it; the page has the others."""
    monkeypatch.setattr(accumulators, "all_models", lambda: 1 / 0)
    with genotel.generation("m"):
        pass
    assert observed.outcomes() == {"ok": 1}
    assert observed.samples("genotel_model_last_used_timestamp_seconds") == []
