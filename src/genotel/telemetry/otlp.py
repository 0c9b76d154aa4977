"""Push by OTLP, where the environment asks for it and the extra ``genotel[otlp]`` is installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from genotel import guard
from genotel.settings import OtlpSettings

_PACKAGES = {
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http",
    "grpc": "opentelemetry.exporter.otlp.proto.grpc",
}


def span_processors(settings: OtlpSettings) -> list[SpanProcessor]:
    """Return the processor that pushes spans, or nothing where no endpoint is set."""
    if settings.otlp_endpoint is None and settings.otlp_traces_endpoint is None:
        return []
    exporter = _exporter(settings, "trace_exporter", "OTLPSpanExporter")
    return [] if exporter is None else [BatchSpanProcessor(exporter)]


def metric_readers(settings: OtlpSettings) -> list[MetricReader]:
    """Return the reader that pushes metrics, or nothing where no endpoint is set."""
    if settings.otlp_endpoint is None and settings.otlp_metrics_endpoint is None:
        return []
    exporter = _exporter(settings, "metric_exporter", "OTLPMetricExporter")
    return [] if exporter is None else [PeriodicExportingMetricReader(exporter)]


def _exporter(settings: OtlpSettings, module: str, name: str) -> Any:
    package = _PACKAGES.get(settings.otlp_protocol)
    if package is None:
        guard.warn_once(
            "telemetry.otlp.protocol",
            "genotel: OTEL_EXPORTER_OTLP_PROTOCOL=%s is not known (http/protobuf or grpc); nothing is pushed",
            settings.otlp_protocol,
        )
        return None
    try:
        return getattr(import_module(f"{package}.{module}"), name)()
    except ImportError:
        install = "genotel[otlp]" if "http" in package else "opentelemetry-exporter-otlp-proto-grpc"
        guard.warn_once(
            "telemetry.otlp.missing",
            "genotel: an OTLP endpoint is set but its exporter is not installed; nothing is pushed. "
            "Install it: pip install '%s'",
            install,
        )
    except Exception as error:
        guard.report("telemetry.otlp", error)
    return None
