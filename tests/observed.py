"""A measured program in a test: providers of its own, everything that leaves it within reach."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from genotel import guard
from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.page import Page
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.instrumentation import accumulators, instruments
from genotel.instrumentation.sink import set_sink
from genotel.journal.rows import CallRow, EventRow
from genotel.semconv import generation_metrics as gm
from genotel.telemetry.pipeline import make_meter_provider
from genotel.telemetry.reader import PageReader


class CountingProcessor(SpanProcessor):
    """Hold the spans that are open and those that ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.open: set[int] = set()
        self.ended: list[ReadableSpan] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Note a span that began."""
        with self._lock:
            self.open.add(span.get_span_context().span_id)

    def on_end(self, span: ReadableSpan) -> None:
        """Note a span that ended."""
        with self._lock:
            self.open.remove(span.get_span_context().span_id)
            self.ended.append(span)


class ListSink:
    """Keep call records in lists."""

    def __init__(self) -> None:
        self.running: dict[int, Callable[[], CallRow]] = {}
        self.finished: list[CallRow] = []
        self.events: list[EventRow] = []

    def start(self, key: int, snapshot: Callable[[], CallRow]) -> None:
        """Keep a running call."""
        self.running[key] = snapshot

    def finish(self, key: int, row: CallRow) -> None:
        """Keep the row of a finished call."""
        self.running.pop(key, None)
        self.finished.append(row)

    def event(self, row: EventRow) -> None:
        """Keep an event."""
        self.events.append(row)


@dataclass
class Observed:
    """Hold what a measured program sends out."""

    tracer_provider: TracerProvider
    meter_provider: MeterProvider
    page: Page
    processor: CountingProcessor = field(default_factory=CountingProcessor)
    sink: ListSink = field(default_factory=ListSink)

    @property
    def spans(self) -> list[ReadableSpan]:
        """Return the spans that ended."""
        return self.processor.ended

    def text(self) -> str:
        """Return the page in the text format."""
        return self.page.render(TEXT_0_0_4).decode()

    def openmetrics(self) -> str:
        """Return the page in OpenMetrics."""
        return self.page.render(OPENMETRICS_1_0_0).decode()

    def samples(self, name: str, **labels: str) -> list[Sample]:
        """Return the samples of a series name that have these labels."""
        return [
            sample
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of a series name that have these labels."""
        return sum(sample.value for sample in self.samples(name, **labels))

    def outcomes(self, model: str | None = None) -> dict[str, int]:
        """Return the finished calls by outcome, those above 0; of one model or of all."""
        counts: dict[str, int] = {}
        for sample in self.samples(gm.REQUESTS.prometheus_name, **_model(model)):
            outcome = sample.labels["genotel_outcome"]
            counts[outcome] = counts.get(outcome, 0) + int(sample.value)
        return {outcome: count for outcome, count in counts.items() if count}

    def active(self, model: str | None = None) -> int:
        """Return the running calls."""
        return int(self.value(gm.ACTIVE.prometheus_name, **_model(model)))

    def started(self, model: str | None = None) -> int:
        """Return the calls that were begun."""
        return int(self.value(gm.STARTED.prometheus_name, **_model(model)))

    def durations(self, model: str | None = None) -> int:
        """Return the calls whose duration was recorded."""
        return int(self.value(f"{gm.DURATION.prometheus_name}_count", **_model(model)))


def _model(model: str | None) -> dict[str, str]:
    return {} if model is None else {"gen_ai_request_model": model}


@contextmanager
def observing() -> Iterator[Observed]:
    """Measure everything inside the block with providers of its own."""
    # What other tests left to the collector ends now: a model that is unloaded later would be told here.
    gc.collect()
    accumulators.reset()
    reader = PageReader()
    tracer_provider = TracerProvider(resource=Resource.get_empty(), shutdown_on_exit=False)
    observed = Observed(tracer_provider, make_meter_provider([reader], Resource.get_empty()), Page([reader]))
    tracer_provider.add_span_processor(observed.processor)
    instruments.bind(tracer_provider, observed.meter_provider)
    set_sink(observed.sink)
    try:
        yield observed
    finally:
        instruments.unbind()
        set_sink(None)
        accumulators.reset()
        tracer_provider.shutdown()
        observed.meter_provider.shutdown()


@contextmanager
def lenient() -> Iterator[None]:
    """Swallow faults of ours as in a user's program, where other tests let them fail."""
    before, guard._strict = guard._strict, False
    try:
        yield
    finally:
        guard._strict = before
