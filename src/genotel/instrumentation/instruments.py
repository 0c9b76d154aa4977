"""The instruments of genotel, made once for a pair of providers from the catalogue.

Until :func:`bind` is called they hang on OpenTelemetry's global providers, whose proxies become real
when the program sets its own; so the SDK also works in programs that never call ``configure()``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Histogram, Meter, MeterProvider, Observation
from opentelemetry.trace import Tracer, TracerProvider

from genotel import guard
from genotel.instrumentation import accumulators, batch_instruments, database_totals, model_memory
from genotel.instrumentation.late_ends import settle_all, watch_collector
from genotel.semconv import attributes as a
from genotel.semconv import database_metrics as dm
from genotel.semconv import generation_metrics as gm
from genotel.semconv import model_metrics as mm
from genotel.semconv import self_metrics as sm
from genotel.semconv.spec import Kind, MetricSpec
from genotel.version import __version__


class Instruments:
    """Hold the tracer and every synchronous instrument; observable ones read the accumulators.

    Args:
        tracer_provider: makes the spans; None makes none.
        meter_provider: makes the instruments.
        vintage: which names of the GenAI conventions; older ones by default.
    """

    __slots__ = (
        "_database",
        "_meter",
        "batch",
        "duration",
        "has_token_type",
        "input_tokens",
        "load_duration",
        "output_tokens",
        "phase_duration",
        "queue_duration",
        "score",
        "step_duration",
        "time_per_output_chunk",
        "time_to_first_chunk",
        "tracer",
        "vram_peak",
    )

    def __init__(
        self, tracer_provider: TracerProvider | None, meter_provider: MeterProvider, vintage: gm.Vintage = gm.OLDER
    ) -> None:
        self.tracer: Tracer | None = None
        if tracer_provider is not None:
            self.tracer = tracer_provider.get_tracer(a.SCOPE, __version__, schema_url=a.SCHEMA_URL)
        meter = meter_provider.get_meter(a.SCOPE, __version__, schema_url=a.SCHEMA_URL)
        self._meter = meter
        self._database: DatabaseInstruments | None = None
        self.duration = _histogram(meter, vintage.duration)
        self.input_tokens = _histogram(meter, vintage.input_tokens)
        # In the older vintage both are one metric, told apart by a label.
        self.has_token_type = vintage.output_tokens is vintage.input_tokens
        self.output_tokens = self.input_tokens if self.has_token_type else _histogram(meter, vintage.output_tokens)
        self.time_to_first_chunk = _histogram(meter, vintage.time_to_first_chunk)
        self.time_per_output_chunk = _histogram(meter, vintage.time_per_output_chunk)
        self.step_duration = _histogram(meter, gm.STEP_DURATION)
        self.phase_duration = _histogram(meter, gm.PHASE_DURATION)
        self.queue_duration = _histogram(meter, gm.QUEUE_DURATION)
        self.score = _histogram(meter, gm.SCORE)
        self.vram_peak = _histogram(meter, gm.VRAM_PEAK)
        self.load_duration = _histogram(meter, mm.LOAD_DURATION)
        self.batch = batch_instruments.BatchHistograms(lambda spec: _histogram(meter, spec))
        for spec, read in (*OBSERVED, *batch_instruments.observed(self._batch_in_force)):
            _observable(meter, spec, read)
        if vintage.usage_input_tokens is not None and vintage.usage_output_tokens is not None:
            _observable(meter, vintage.usage_input_tokens, _tokens("tokens_read"))
            _observable(meter, vintage.usage_output_tokens, _tokens("tokens_written"))

        if database_totals.watched():
            self.database()

    def database(self) -> DatabaseInstruments:
        """Return the instruments of databases; most programs watch none and have none."""
        if self._database is None:
            with IN_FORCE.lock:
                if self._database is None:
                    made = DatabaseInstruments(
                        _histogram(self._meter, dm.OPERATION_DURATION), _histogram(self._meter, dm.CONNECTION_WAIT_TIME)
                    )
                    for spec, read in database_totals.OBSERVED:
                        _observable(self._meter, spec, read)
                    self._database = made
        return self._database

    def _batch_in_force(self) -> batch_instruments.BatchHistograms:
        # At the last collection, at shutdown, nothing is in force any more.
        return self.batch if IN_FORCE.bound is None else IN_FORCE.bound.batch


class DatabaseInstruments(NamedTuple):
    """Hold the histograms of databases."""

    operation_duration: Histogram
    wait_time: Histogram


def _histogram(meter: Meter, spec: MetricSpec) -> Histogram:
    return meter.create_histogram(
        spec.name, unit=spec.unit, description=spec.help, explicit_bucket_boundaries_advisory=spec.buckets
    )


def _observable(meter: Meter, spec: MetricSpec, read: Callable[[], Iterator[Observation]]) -> None:
    def callback(_: CallbackOptions) -> Iterable[Observation]:
        return read()

    create = {
        Kind.COUNTER: meter.create_observable_counter,
        Kind.UP_DOWN_COUNTER: meter.create_observable_up_down_counter,
        Kind.GAUGE: meter.create_observable_gauge,
    }[spec.kind]
    create(spec.name, callbacks=[callback], unit=spec.unit, description=spec.help)


def _requests() -> Iterator[Observation]:
    # Asked first (see OBSERVED): what it notes is what the metrics after it show.
    settle_all()
    for totals in accumulators.all_calls():
        for count, attributes in zip(totals.show(), totals.outcomes, strict=True):
            yield Observation(count, attributes)


def _started() -> Iterator[Observation]:
    return (Observation(totals.shown[0], totals.attributes) for totals in accumulators.all_calls())


def _active() -> Iterator[Observation]:
    for totals in accumulators.all_calls():
        started, finished = totals.shown
        yield Observation(started - sum(finished), totals.attributes)


def _steps() -> Iterator[Observation]:
    return (Observation(totals.steps, totals.attributes) for totals in accumulators.all_calls() if totals.steps)


def _outputs(field: str) -> Callable[[], Iterator[Observation]]:
    def read() -> Iterator[Observation]:
        for totals in accumulators.all_calls():
            with totals.lock:
                made = [*totals.outputs.values()]
            for each in made:
                value = getattr(each, field)
                if value:
                    yield Observation(value, each.attributes)

    return read


def _tokens(field: str) -> Callable[[], Iterator[Observation]]:
    def read() -> Iterator[Observation]:
        for totals in accumulators.all_calls():
            value = getattr(totals, field)
            if value:
                yield Observation(value, {**totals.attributes, a.TOKEN_MODALITY: a.OUTPUT_TEXT})

    return read


def _parameters() -> Iterator[Observation]:
    for totals in accumulators.all_calls():
        with totals.lock:
            cells = [*totals.parameters.items()]
        for (name, value), cell in cells:
            yield Observation(cell[0], {**totals.attributes, a.PARAMETER: name, a.PARAMETER_VALUE: value})


def _events() -> Iterator[Observation]:
    for totals in accumulators.all_models():
        for kind, outcome, count in accumulators.events_of(totals):
            yield Observation(count, {**totals.attributes, a.EVENT: kind, a.OUTCOME: outcome})


def _resident() -> Iterator[Observation]:
    for totals in accumulators.all_models():
        if totals.resident is not None:
            yield Observation(totals.resident, totals.attributes)


def _last_used() -> Iterator[Observation]:
    for totals in accumulators.all_models():
        if totals.last_used is not None:
            yield Observation(totals.last_used, totals.attributes)


def _internal_errors() -> Iterator[Observation]:
    return (Observation(count, {a.PLACE: place}) for place, count in guard.internal_errors().items())


def _dropped() -> Iterator[Observation]:
    return (Observation(count, {a.METRIC: name}) for name, count in accumulators.all_dropped().items())


# Every observable metric and what reads it; one visible line each, asked in this order.
OBSERVED: tuple[tuple[MetricSpec, Callable[[], Iterator[Observation]]], ...] = (
    (gm.REQUESTS, _requests),
    (gm.STARTED, _started),
    (gm.ACTIVE, _active),
    (gm.STEPS, _steps),
    (gm.OUTPUTS, _outputs("outputs")),
    (gm.OUTPUT_FRAMES, _outputs("frames")),
    (gm.OUTPUT_PIXELS, _outputs("pixels")),
    (gm.OUTPUT_SECONDS, _outputs("seconds")),
    (gm.PARAMETERS, _parameters),
    (mm.EVENTS, _events),
    (mm.RESIDENT, _resident),
    (mm.LAST_USED, _last_used),
    (mm.VRAM_USAGE, model_memory.usage),
    (mm.VRAM_PEAK, model_memory.peaks),
    (mm.TORCH_ALLOCATED, model_memory.torch_memory("memory_allocated")),
    (mm.TORCH_RESERVED, model_memory.torch_memory("memory_reserved")),
    (sm.INTERNAL_ERRORS, _internal_errors),
    (sm.SERIES_DROPPED, _dropped),
)


class _InForce:
    """Hold the instruments in force, so that the hot path reads one attribute."""

    __slots__ = ("bound", "disabled", "later", "lock")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.bound: Instruments | None = None
        self.later: Callable[[], None] | None = None
        self.disabled = False

    def set(self, bound: Instruments | None, *, disabled: bool = False) -> None:
        with self.lock:
            self.bound, self.later, self.disabled = bound, None, disabled


IN_FORCE = _InForce()


def instruments() -> Instruments | None:
    """Return the instruments in force; None while telemetry is disabled."""
    if IN_FORCE.bound is not None or IN_FORCE.disabled:
        return IN_FORCE.bound
    with IN_FORCE.lock:
        later, IN_FORCE.later = IN_FORCE.later, None
        if later is not None:
            later()
        if IN_FORCE.bound is None and not IN_FORCE.disabled:
            IN_FORCE.bound = _make(trace.get_tracer_provider(), metrics.get_meter_provider(), gm.OLDER)
        return IN_FORCE.bound


def _make(tracer_provider: TracerProvider | None, meter_provider: MeterProvider, vintage: gm.Vintage) -> Instruments:
    watch_collector()
    try:
        return Instruments(tracer_provider, meter_provider, vintage)
    except Exception as error:
        guard.report("instruments.make", error)
        # Calls are still counted. To try again at every call would cost every call.
        return Instruments(None, metrics.NoOpMeterProvider())


def bind(tracer_provider: TracerProvider | None, meter_provider: MeterProvider, vintage: gm.Vintage = gm.OLDER) -> None:
    """Make the instruments hang on these providers from now on, with these names."""
    IN_FORCE.set(_make(tracer_provider, meter_provider, vintage))


def bind_later(bind_now: Callable[[], None]) -> None:
    """Bind at the next call, by calling ``bind_now``; for a forked child that may never make one."""
    IN_FORCE.bound, IN_FORCE.later = None, bind_now


def renew_lock() -> None:
    """Make a new lock in a forked child: a thread that is not there may have held the old one."""
    IN_FORCE.lock = threading.RLock()


def disable() -> None:
    """Measure nothing from now on."""
    IN_FORCE.set(None, disabled=True)


def rest() -> None:
    """Count calls, but record nothing: the providers are shut down, and OpenTelemetry keeps them for ever."""
    IN_FORCE.set(Instruments(None, metrics.NoOpMeterProvider()))


def unbind() -> None:
    """Go back to the global providers; they are asked at the next call."""
    IN_FORCE.set(None)
