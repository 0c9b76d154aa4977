"""What the environment asks for is pushed, where that can be done."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from genotel import guard
from genotel.settings import OtlpSettings
from genotel.telemetry import otlp
from tests.observed import lenient

ENDPOINT = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Let warnings be said again."""
    guard.reset()
    yield
    guard.reset()


def made(settings: OtlpSettings) -> tuple[list[type], list[type]]:
    """Return the types of what is made, and end it."""
    processors, readers = otlp.span_processors(settings), otlp.metric_readers(settings)
    for processor in processors:
        processor.shutdown()
    for reader in readers:
        reader._collect = None  # type: ignore[attr-defined]  # nothing to push at its end
        reader.shutdown()
    return [type(each) for each in processors], [type(each) for each in readers]


def test_without_an_endpoint_nothing_is_pushed() -> None:
    """And nothing is imported for it."""
    assert made(OtlpSettings()) == ([], [])


@pytest.mark.parametrize(
    ("settings", "spans", "metrics"),
    [
        (OtlpSettings(otlp_endpoint=ENDPOINT), True, True),
        (OtlpSettings(otlp_traces_endpoint=ENDPOINT), True, False),
        (OtlpSettings(otlp_metrics_endpoint=ENDPOINT), False, True),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_each_signal_goes_where_it_is_asked_to(
    settings: OtlpSettings, spans: bool, metrics: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """To both, or to one of them."""
    assert made(settings) == (
        [BatchSpanProcessor] if spans else [],
        [PeriodicExportingMetricReader] if metrics else [],
    )


@pytest.mark.parametrize(
    ("protocol", "module", "package"),
    [
        ("http/protobuf", "opentelemetry.exporter.otlp.proto.http", "genotel[otlp]"),
        ("grpc", "opentelemetry.exporter.otlp.proto.grpc", "opentelemetry-exporter-otlp-proto-grpc"),
    ],
)
def test_without_the_exporter_there_is_one_warning_that_says_what_to_install(
    protocol: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """For both signals together."""
    for name in ("trace_exporter", "metric_exporter"):
        monkeypatch.setitem(sys.modules, f"{module}.{name}", None)
    assert made(OtlpSettings(otlp_endpoint=ENDPOINT, otlp_protocol=protocol)) == ([], [])
    (record,) = caplog.records
    assert record.getMessage() == (
        "genotel: an OTLP endpoint is set but its exporter is not installed; nothing is pushed. "
        f"Install it: pip install '{package}'"
    )


def test_an_unknown_protocol_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    """It names the variable and what it may be."""
    assert made(OtlpSettings(otlp_endpoint=ENDPOINT, otlp_protocol="carrier pigeon")) == ([], [])
    (record,) = caplog.records
    assert record.getMessage() == (
        "genotel: OTEL_EXPORTER_OTLP_PROTOCOL=carrier pigeon is not known (http/protobuf or grpc); nothing is pushed"
    )


def test_an_exporter_that_breaks_is_ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that it cannot read, say."""

    class Broken:
        """Raise when it is made."""

        def __init__(self) -> None:
            raise OSError("no such certificate")

    for module, name in (("trace_exporter", "OTLPSpanExporter"), ("metric_exporter", "OTLPMetricExporter")):
        monkeypatch.setitem(
            sys.modules, f"opentelemetry.exporter.otlp.proto.http.{module}", SimpleNamespace(**{name: Broken})
        )
    with lenient():
        assert made(OtlpSettings(otlp_endpoint=ENDPOINT)) == ([], [])
    assert guard.internal_errors() == {"telemetry.otlp": 2}
