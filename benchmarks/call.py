"""Cost of one measured call around an empty function, against hand-written OpenTelemetry and peers.

    python benchmarks/call.py [--rounds 7] [--peers DIR]
    python benchmarks/call.py --setup DIR        make the peers' environments (needs a package index)

Every variant runs in a fresh process per round, the variants in turn within a round; a figure is the
median over rounds of the median batch (25 batches of 1,000 calls). Ratios are to `baseline`: one
span, five attributes, two histogram records and one counter, batch processor, Prometheus reader.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ATTRIBUTES = {
    "gen_ai.operation.name": "generate_content",
    "gen_ai.provider.name": "diffusers",
    "gen_ai.request.model": "wan2.1-t2v-1.3b",
    "gen_ai.output.type": "video",
    "genotel.variant": "a",
}
LABELS = dict(list(ATTRIBUTES.items())[:3])
MODEL = LABELS["gen_ai.request.model"]

# variant -> environment (None: this one)
VARIANTS: dict[str, str | None] = {
    "bare function": None,
    "baseline": None,
    "genotel, same telemetry": None,
    "genotel, same telemetry, provider of the program": None,
    "genotel, duration only, journal": None,
    "genotel, sampled out": None,
    "genotel, disabled": None,
    "prometheus_client": None,
    "util-genai": "genai",
    "openlit.trace": "openlit",
    "traceloop task": "traceloop",
    "logfire": "logfire",
}
ENVIRONMENTS = {
    "genai": [
        "opentelemetry-util-genai==1.3b0",
        "opentelemetry-sdk==1.45.2",
        "opentelemetry-exporter-prometheus==0.66b2",
    ],
    "openlit": ["openlit==1.45.0", "opentelemetry-exporter-prometheus"],
    "traceloop": ["traceloop-sdk==0.62.4", "httpx", "opentelemetry-exporter-prometheus"],
    "logfire": ["logfire", "opentelemetry-exporter-prometheus"],
}


def generate() -> None:
    return None


def measure(call: Callable[[], object], calls: int = 1000, batches: int = 25) -> float:
    """Return the median over batches of the mean nanoseconds of one call."""
    for _ in range(300):
        call()
    means = []
    loop = range(calls)
    for _ in range(batches):
        start = time.perf_counter_ns()
        for _ in loop:
            call()
        means.append((time.perf_counter_ns() - start) / calls)
    return statistics.median(means)


def tracer_provider(sampled: bool = True, lean: bool = False):
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

    class Nowhere(SpanExporter):
        def export(self, spans):
            return SpanExportResult.SUCCESS

    if lean:
        from opentelemetry.sdk.resources import Resource

        from genotel.telemetry.lean_spans import LeanTracerProvider

        provider = LeanTracerProvider(Resource.create())
        provider.sampler = ALWAYS_ON if sampled else ALWAYS_OFF
    else:
        provider = TracerProvider(sampler=ALWAYS_ON if sampled else ALWAYS_OFF)
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    return provider


def stock_meter_provider():
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from opentelemetry.sdk.metrics import MeterProvider
    from prometheus_client import CollectorRegistry

    return MeterProvider(metric_readers=[PrometheusMetricReader(registry=CollectorRegistry())])


def build(variant: str) -> Callable[[], object]:
    if variant == "bare function":
        return generate
    if variant == "baseline":
        return baseline()
    if variant.startswith("genotel"):
        return genotel_call(variant)
    return PEERS[variant]()


def baseline() -> Callable[[], object]:
    tracer = tracer_provider().get_tracer("bench")
    meter = stock_meter_provider().get_meter("bench")
    duration = meter.create_histogram("gen_ai.client.operation.duration", unit="s")
    tokens = meter.create_histogram("gen_ai.client.token.usage", unit="{token}")
    requests = meter.create_counter("requests")
    clock = time.perf_counter

    def call() -> None:
        start = clock()
        with tracer.start_as_current_span("generate_content wan") as span:
            for key, value in ATTRIBUTES.items():
                span.set_attribute(key, value)
            generate()
            duration.record(clock() - start, LABELS)
            tokens.record(7, LABELS)
            requests.add(1, LABELS)

    return call


def genotel_call(variant: str) -> Callable[[], object]:
    from opentelemetry.sdk.resources import Resource

    import genotel
    from genotel.instrumentation import instruments
    from genotel.instrumentation.sink import set_sink
    from genotel.telemetry.pipeline import make_meter_provider
    from genotel.telemetry.reader import PageReader

    if variant == "genotel, disabled":
        instruments.disable()
    else:
        meter_provider = make_meter_provider([PageReader()], Resource.create())
        lean = "provider of the program" not in variant
        instruments.bind(tracer_provider("sampled out" not in variant, lean), meter_provider)
    if "journal" in variant:
        from genotel.journal.writer import JournalWriter

        folder = tempfile.mkdtemp(prefix="genotel-bench-")
        set_sink(JournalWriter(Path(folder) / "journal.db"))
    if "same telemetry" in variant:

        def with_tokens() -> None:
            with genotel.generation(MODEL, provider="diffusers", output="video") as call:
                generate()
                call.tokens(output=7)

        # Five span attributes as the baseline's: the fifth is the number of tokens.
        return with_tokens
    return genotel.measure(model=MODEL, provider="diffusers", output="video")(generate)


def prometheus_client_call() -> Callable[[], object]:
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

    registry = CollectorRegistry()
    names, values = ["op", "provider", "model"], list(LABELS.values())
    histogram = Histogram("duration_seconds", "d", names, registry=registry).labels(*values)
    counter = Counter("requests", "d", names, registry=registry).labels(*values)
    gauge = Gauge("active", "d", names, registry=registry).labels(*values)
    clock = time.perf_counter

    def call() -> None:
        gauge.inc()
        start = clock()
        try:
            generate()
        finally:
            histogram.observe(clock() - start)
            counter.inc()
            gauge.dec()

    return call


def util_genai_call() -> Callable[[], object]:
    from opentelemetry.util.genai.handler import TelemetryHandler

    handler = TelemetryHandler(tracer_provider=tracer_provider(), meter_provider=stock_meter_provider())

    def call() -> None:
        with handler.inference("diffusers", request_model=MODEL, operation_name="generate_content") as invocation:
            invocation.attributes["gen_ai.output.type"] = "video"
            generate()
            invocation.output_tokens = 7

    return call


def openlit_call() -> Callable[[], object]:
    from opentelemetry import trace

    trace.set_tracer_provider(tracer_provider())
    import openlit
    from openlit._config import OpenlitConfig

    # openlit.init() sets these; without them the decorator logs a traceback on every call.
    OpenlitConfig.application_name, OpenlitConfig.environment = "bench", "bench"
    return openlit.trace(generate)


def traceloop_call() -> Callable[[], object]:
    os.environ.update(TRACELOOP_TELEMETRY="false", TRACELOOP_METRICS_ENABLED="false")
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from traceloop.sdk import Traceloop
    from traceloop.sdk.decorators import task

    class Nowhere(SpanExporter):
        def export(self, spans):
            return SpanExportResult.SUCCESS

    Traceloop.init(app_name="bench", exporter=Nowhere(), telemetry_enabled=False, instruments=set())
    return task(name="generate")(generate)


def logfire_call() -> Callable[[], object]:
    import logfire
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans):
            return SpanExportResult.SUCCESS

    logfire.configure(
        send_to_logfire=False,
        console=False,
        inspect_arguments=False,
        additional_span_processors=[BatchSpanProcessor(Nowhere())],
        metrics=False,
    )
    return logfire.instrument("generate", extract_args=False)(generate)


PEERS = {
    "prometheus_client": prometheus_client_call,
    "util-genai": util_genai_call,
    "openlit.trace": openlit_call,
    "traceloop task": traceloop_call,
    "logfire": logfire_call,
}


def python_of(folder: str, environment: str) -> str:
    return str(Path(folder) / environment / "bin" / "python")


def setup(folder: str) -> None:
    for environment, packages in ENVIRONMENTS.items():
        target = str(Path(folder) / environment)
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, target], check=True)
        subprocess.run(
            [
                "uv",
                "pip",
                "install",
                "--quiet",
                "--prerelease=allow",
                "--python",
                python_of(folder, environment),
                *packages,
            ],
            check=False,
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peers", metavar="DIR")
    parser.add_argument("--setup", metavar="DIR")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--only", help="variants whose names contain this text, and the baseline")
    arguments = parser.parse_args()
    if arguments.setup:
        setup(arguments.setup)
        return
    if arguments.worker:
        print("RESULT " + json.dumps(measure(build(arguments.worker))), flush=True)
        os._exit(0)
    figures: dict[str, list[float]] = {}
    for _ in range(arguments.rounds):
        for variant, environment in VARIANTS.items():
            if environment and not arguments.peers:
                continue
            if arguments.only and arguments.only not in variant and variant != "baseline":
                continue
            python = python_of(arguments.peers, environment) if environment else sys.executable
            done = subprocess.run([python, __file__, "--worker", variant], capture_output=True, text=True, check=False)
            lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
            if lines:
                figures.setdefault(variant, []).append(json.loads(lines[0][7:]))
            else:
                print(f"{variant}: failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    base = statistics.median(figures["baseline"])
    print(f"Python {sys.version.split()[0]}; {arguments.rounds} rounds; µs a call (ratio to the baseline)")
    for variant, values in figures.items():
        ratios = statistics.median(value / other for value, other in zip(values, figures["baseline"], strict=False))
        median = statistics.median(values)
        spread = f"{min(values) / 1e3:.2f}-{max(values) / 1e3:.2f}"
        print(f"  {variant:<34}{median / 1e3:9.2f}  {median / base:6.3f}  (pairwise {ratios:.3f})  {spread}")


if __name__ == "__main__":
    main()
