"""Programs that keep the stock ``opentelemetry-exporter-prometheus`` see the same metrics as our page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, generate_latest

import genotel
from genotel.exposition.page import Page
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.instrumentation import accumulators, instruments
from genotel.semconv import generation_metrics as gm
from genotel.semconv import model_metrics as mm
from genotel.semconv.generation_metrics import NEWER, OLDER, Vintage
from genotel.semconv.spec import Kind
from genotel.telemetry.reader import PageReader
from tests.pages import Series, series_of

# What be_busy() makes beside the upstream metrics.
BUSY = (
    *(gm.REQUESTS, gm.STARTED, gm.ACTIVE, gm.STEPS, gm.OUTPUTS, gm.OUTPUT_FRAMES, gm.OUTPUT_PIXELS, gm.OUTPUT_SECONDS),
    *(gm.PARAMETERS, gm.STEP_DURATION, gm.PHASE_DURATION, gm.QUEUE_DURATION, gm.SCORE),
    *(mm.LOAD_DURATION, mm.EVENTS, mm.RESIDENT, mm.LAST_USED),
)


def same_bounds(series: Series) -> Series:
    """Return the series with every bound as a number: the stock page says 1 where ours says 1.0."""
    return {
        (name, frozenset((label, str(float(value)) if label == "le" else value) for label, value in labels)): value
        for (name, labels), value in series.items()
    }


def be_busy() -> None:
    """Use everything that the SDK has."""
    with genotel.model_load("sdxl", source="disk"):
        pass
    genotel.record_event("sdxl", kind="download", duration_seconds=3.0, outcome="error")
    for number in range(7):
        with (
            genotel.experiment("e", variant="B"),
            genotel.generation("sdxl", output="image", queue_seconds=0.5) as call,
        ):
            call.step(3)
            with call.phase("decode"):
                call.outputs(2, frames=16, pixels=1024, seconds=0.5)
            call.tokens(input=12, output=400)
            call.score("clip", 0.31)
            call.parameters(steps=number, width=512, height=512)
            call.chunk()
            call.chunk()
    for error in (ValueError(), MemoryError(), KeyboardInterrupt()):
        with pytest.raises(type(error)), genotel.generation("wan"):
            raise error
    genotel.model_unloaded("sdxl")


@pytest.fixture(params=[OLDER, NEWER], ids=["older names", "newer names"])
def pages(request: pytest.FixtureRequest) -> Iterator[tuple[Series, Series]]:
    """Return our page and the stock one of the same provider."""
    vintage: Vintage = request.param
    accumulators.reset()
    registry = CollectorRegistry()
    reader = PageReader()
    provider = MeterProvider(
        [PrometheusMetricReader(registry=registry), reader],
        resource=Resource({"service.name": "busy"}),
        shutdown_on_exit=False,
    )
    instruments.bind(TracerProvider(shutdown_on_exit=False), provider, vintage)
    try:
        be_busy()
        with genotel.generation("running"):
            ours = series_of(Page([reader]).render(TEXT_0_0_4).decode())
            stock = series_of(generate_latest(registry).decode())
        yield same_bounds(ours), same_bounds(stock)
    finally:
        instruments.unbind()
        accumulators.reset()
        provider.shutdown()


def test_both_pages_have_the_same_series_with_the_same_values(pages: tuple[Series, Series]) -> None:
    """Names, labels, buckets and numbers."""
    ours, stock = pages
    assert ours.keys() == stock.keys()
    assert ours == stock
    assert len(ours) > 300


def test_the_program_was_busy_enough(pages: tuple[Series, Series]) -> None:
    """Every metric that calls, models and events make is among them."""
    names = {name for name, _ in pages[0]}
    for spec in BUSY:
        assert (f"{spec.prometheus_name}_count" if spec.kind is Kind.HISTOGRAM else spec.prometheus_name) in names
    for vintage in (OLDER, NEWER):
        specs = (vintage.duration, vintage.input_tokens, vintage.time_to_first_chunk, vintage.time_per_output_chunk)
        assert len({f"{spec.prometheus_name}_count" in names for spec in specs}) == 1
