"""Providers are made where there are none, and respected where there are."""

from __future__ import annotations

import pytest
from opentelemetry import metrics, trace
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NoOpTracerProvider, ProxyTracerProvider

from genotel import guard
from genotel.exposition.page import Page
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.settings import Settings, load_settings
from genotel.telemetry import pipeline
from genotel.telemetry.lean_spans import LeanTracerProvider
from genotel.telemetry.pipeline import Pipeline, build, make_meter_provider, retire
from genotel.telemetry.reader import PageReader
from tests.observed import lenient

SETTINGS = Settings()


class Globals:
    """Stand in for OpenTelemetry's globals, which can be set only once in a process."""

    def __init__(self) -> None:
        self.meter: metrics.MeterProvider = metrics.get_meter_provider()
        self.tracer: trace.TracerProvider = ProxyTracerProvider()
        self.was_set: list[str] = []

    def set_meter(self, provider: metrics.MeterProvider) -> None:
        """Set the meter provider."""
        self.meter = provider
        self.was_set.append("meter")

    def set_tracer(self, provider: trace.TracerProvider) -> None:
        """Set the tracer provider."""
        self.tracer = provider
        self.was_set.append("tracer")


class _ProxyMeterProvider(NoOpMeterProvider):
    """Be what stands in until a program sets its own; the API's has no public name."""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Globals:
    """Be a process in which nothing is set yet."""
    world = Globals()
    world.meter = _ProxyMeterProvider()
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: world.meter)
    monkeypatch.setattr(metrics, "set_meter_provider", world.set_meter)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: world.tracer)
    monkeypatch.setattr(trace, "set_tracer_provider", world.set_tracer)
    monkeypatch.setattr(pipeline, "_retired", pipeline._Retired())
    return world


def shown(built: Pipeline) -> bytes:
    """Return the page after one count."""
    built.meter_provider.get_meter("app").create_counter("jobs").add(1)
    return Page([built.reader]).render(TEXT_0_0_4)


def test_where_there_are_none_ours_are_made_and_set(world: Globals) -> None:
    """Spans of the program's own go through them, too."""
    built = build(SETTINGS)
    assert (built.owns_meter_provider, built.owns_tracer_provider) == (True, True)
    assert world.meter is built.meter_provider
    assert world.tracer is built.tracer_provider
    assert isinstance(built.tracer_provider, LeanTracerProvider)
    assert b"jobs_total" in shown(built)
    built.shutdown()


def test_a_programs_providers_are_respected(world: Globals) -> None:
    """Its meter gets our reader beside its own, and keeps living when we go."""
    own = MeterProvider(shutdown_on_exit=False)
    world.meter, world.tracer = own, TracerProvider(shutdown_on_exit=False)
    built = build(SETTINGS)
    assert (built.meter_provider, built.tracer_provider) == (own, world.tracer)
    assert (built.owns_meter_provider, built.owns_tracer_provider) == (False, False)
    assert world.was_set == []
    assert b"jobs_total" in shown(built)
    built.force_flush()
    retire(built)
    assert Page([built.reader]).render(TEXT_0_0_4) == b""
    again = build(SETTINGS)
    assert again.meter_provider is own
    assert b"jobs_total" in shown(again)
    again.shutdown()
    own.shutdown()


def test_one_provider_of_the_program_is_respected_and_the_other_made(world: Globals) -> None:
    """Whichever of the two it is."""
    world.tracer = TracerProvider(shutdown_on_exit=False)
    built = build(SETTINGS)
    assert (built.owns_meter_provider, built.owns_tracer_provider) == (True, False)
    assert world.was_set == ["meter"]
    built.shutdown()


def test_a_program_that_wants_no_telemetry_of_its_own_still_has_our_page(world: Globals) -> None:
    """Its no-op providers stay the global ones; no spans are made against its will."""
    world.meter, world.tracer = NoOpMeterProvider(), NoOpTracerProvider()
    built = build(SETTINGS)
    assert (built.owns_meter_provider, built.owns_tracer_provider) == (True, False)
    assert world.was_set == []
    assert isinstance(built.tracer_provider, NoOpTracerProvider)
    assert b"jobs_total" in shown(built)
    built.shutdown()


def test_what_was_shut_down_is_not_used_again(world: Globals) -> None:
    """OpenTelemetry's globals cannot be set twice, so ours stay there for ever."""
    first = build(SETTINGS)
    retire(first)
    second = build(SETTINGS)
    assert second.meter_provider is not first.meter_provider
    assert second.tracer_provider is not first.tracer_provider
    assert world.was_set == ["meter", "tracer"]
    assert b"jobs_total" in shown(second)
    retire(second)
    assert len(pipeline._retired._providers) == 2


def test_without_spans_there_is_no_tracer(world: Globals) -> None:
    """``configure(spans=False)``."""
    built = build(load_settings({"spans": False}, environ={}))
    assert (built.tracer_provider, built.owns_tracer_provider) == (None, False)
    assert world.was_set == ["meter"]
    built.force_flush()
    built.shutdown()


def test_a_forked_child_takes_nothing_of_its_parents(world: Globals) -> None:
    """Its numbers are its parent's; and the parent's globals stay as they are."""
    world.meter, world.tracer = MeterProvider(shutdown_on_exit=False), TracerProvider(shutdown_on_exit=False)
    built = build(SETTINGS, set_global=False, respect=False)
    assert built.meter_provider is not world.meter
    assert built.tracer_provider is not world.tracer
    assert world.was_set == []
    built.force_flush()
    built.shutdown()


def test_our_observable_metrics_are_not_folded_for_any_reader() -> None:
    """The SDK's 2,000 sets are fewer than the accumulators hold; a user's own keep that limit."""
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    memory = InMemoryMetricReader()
    provider = make_meter_provider([PageReader(), memory], Resource.get_empty())
    for scope in ("genotel", "app"):
        provider.get_meter(scope).create_observable_counter(
            f"{scope}.requests", [lambda _: [Observation(1, {"n": number}) for number in range(5_000)]]
        )
    data = memory.get_metrics_data()
    assert data is not None
    points = {
        metric.name: len(metric.data.data_points)
        for scope in data.resource_metrics[0].scope_metrics
        for metric in scope.metrics
    }
    assert points == {"genotel.requests": 5_000, "app.requests": 2_001}
    provider.shutdown()


def test_an_older_sdk_is_not_asked_for_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 1.45.2 views took no such argument."""
    monkeypatch.setattr(pipeline, "HAS_LIMITS", False)
    provider = make_meter_provider([PageReader()], Resource.get_empty())
    assert len(provider._sdk_config.views) == 1
    provider.shutdown()


def test_a_provider_that_breaks_at_its_end_is_ours_alone(world: Globals) -> None:
    """The others are ended all the same."""
    built = build(SETTINGS)
    built.meter_provider.shutdown()
    removed = Pipeline(None, MeterProvider(shutdown_on_exit=False), built.reader, False, False)
    with lenient():
        removed.shutdown()
    assert guard.internal_errors() == {"telemetry.reader_removal": 1}
    built.shutdown()
