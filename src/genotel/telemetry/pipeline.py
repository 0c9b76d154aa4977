"""Providers: those that the program already has are respected, else ours are made and set.

Views cannot be added to a provider that exists; so buckets go by the instruments' own advice and the
page by ``add_metric_reader``.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from genotel import guard
from genotel.semconv import attributes
from genotel.settings import Settings
from genotel.telemetry import otlp
from genotel.telemetry.exemplars import LastPerBucketReservoir
from genotel.telemetry.lean_spans import LeanTracerProvider
from genotel.telemetry.reader import HAS_LIMITS, OBSERVABLE, OBSERVED_LABEL_SETS, PageReader


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Hold the providers in force and what of them is ours to shut down."""

    tracer_provider: trace.TracerProvider | None
    meter_provider: MeterProvider
    reader: PageReader
    owns_tracer_provider: bool
    owns_meter_provider: bool

    def shutdown(self) -> None:
        """Flush and end what is ours; of a foreign provider only take our reader away."""
        if self.owns_meter_provider:
            with guard.guarded("telemetry.meter_shutdown"):
                self.meter_provider.shutdown()
        else:
            with guard.guarded("telemetry.reader_removal"):
                self.meter_provider.remove_metric_reader(self.reader)
        if self.owns_tracer_provider and isinstance(self.tracer_provider, TracerProvider):
            with guard.guarded("telemetry.tracer_shutdown"):
                self.tracer_provider.shutdown()

    def force_flush(self, timeout_seconds: float = 5.0) -> None:
        """Push what is buffered, within the time."""
        milliseconds = int(timeout_seconds * 1000)
        if isinstance(self.tracer_provider, TracerProvider):
            with guard.guarded("telemetry.tracer_flush"):
                self.tracer_provider.force_flush(milliseconds)
        with guard.guarded("telemetry.meter_flush"):
            self.meter_provider.force_flush(milliseconds)


def build(settings: Settings, *, set_global: bool = True, respect: bool = True) -> Pipeline:
    """Return the providers to use.

    Args:
        settings: which exporters, and whether spans are made.
        set_global: make our providers OpenTelemetry's global ones where there are none yet.
        respect: use the global providers where the program has set them; a forked child of ours
            does not, since their numbers are its parent's.
    """
    reader = PageReader()
    found = metrics.get_meter_provider()
    resource: Resource | None = None
    if respect and isinstance(found, MeterProvider) and found not in _retired:
        found.add_metric_reader(reader)
        meter_provider, owns_meter_provider = found, False
    else:
        resource = Resource.create()
        meter_provider = make_meter_provider([reader, *otlp.metric_readers(settings.otlp)], resource)
        owns_meter_provider = True
        if set_global and _is_unset(found):
            metrics.set_meter_provider(meter_provider)
    tracer_provider: trace.TracerProvider | None = None
    owns_tracer_provider = False
    if settings.sdk.spans:
        tracer_provider = trace.get_tracer_provider()
        if not respect or _is_unset(tracer_provider) or tracer_provider in _retired:
            unset = _is_unset(tracer_provider)
            ours = LeanTracerProvider(resource or Resource.create())
            for processor in otlp.span_processors(settings.otlp):
                ours.add_span_processor(processor)
            tracer_provider, owns_tracer_provider = ours, True
            if set_global and unset:
                trace.set_tracer_provider(ours)
    return Pipeline(tracer_provider, meter_provider, reader, owns_tracer_provider, owns_meter_provider)


def make_meter_provider(readers: Sequence[MetricReader], resource: Resource) -> MeterProvider:
    """Return a provider whose histograms of genotel keep their exemplars the cheap way."""
    views = [
        View(
            instrument_type=Histogram,
            meter_name=attributes.SCOPE,
            exemplar_reservoir_factory=lambda _: LastPerBucketReservoir,  # type: ignore[arg-type,return-value]  # called with keywords, not a dict
        )
    ]
    if HAS_LIMITS:
        # The counts of record must not be folded for readers that push, either.
        views += [
            View(
                instrument_type=kind,
                meter_name=attributes.SCOPE,
                aggregation_cardinality_limit=OBSERVED_LABEL_SETS,
            )
            for kind in OBSERVABLE
        ]
    return MeterProvider(readers, resource, shutdown_on_exit=False, views=views)


class _Retired:
    """Remember providers of ours that were shut down: OpenTelemetry's globals cannot be set twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # At most two are ever global, one of each kind; nothing else is looked up here.
        self._providers: list[object] = []

    def add(self, pipeline: Pipeline) -> None:
        with self._lock:
            for provider, ours, current in (
                (pipeline.meter_provider, pipeline.owns_meter_provider, metrics.get_meter_provider()),
                (pipeline.tracer_provider, pipeline.owns_tracer_provider, trace.get_tracer_provider()),
            ):
                if ours and provider is current:
                    self._providers.append(provider)

    def __contains__(self, provider: object) -> bool:
        return any(provider is retired for retired in self._providers)


_retired = _Retired()


def retire(pipeline: Pipeline) -> None:
    """Shut a pipeline down and never use its providers again."""
    _retired.add(pipeline)
    pipeline.shutdown()


def _is_unset(provider: object) -> bool:
    # The proxies stand in until a program sets its own; the meter's proxy has no public name.
    return type(provider).__name__ in {"ProxyTracerProvider", "_ProxyMeterProvider"}
