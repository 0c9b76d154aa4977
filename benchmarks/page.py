"""Time to make a metrics page: genotel's reader against the stock OpenTelemetry reader, in one run.

    python benchmarks/page.py [--lines 1000,10000,100000] [--rounds 11] [--contention SECONDS]

Both readers hang on one MeterProvider each with the same series: 80 % of the lines in histograms of
15 bounds, 10 % counters, 10 % gauges, three labels. Ways are taken in turn in every round, so that
a noisy machine hits all alike; medians and their ratio to the stock reader's text page are printed.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider

# The synchronous gauge's class has no public name.
from opentelemetry.sdk.metrics._internal.instrument import Gauge
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.page import Page
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.telemetry.reader import PageReader

BOUNDS = [0.01 * 2**exponent for exponent in range(15)]
KEYS = ("gen_ai.request.model", "gen_ai.operation.name", "server.address")
LIMIT = 10**6


def label_sets(count: int) -> list[dict[str, str]]:
    operations = ("chat", "embeddings", "text_completion")
    return [
        dict(zip(KEYS, (f"model-{i % 50}", operations[i % 3], f"10.0.0.{i // 50}:8000-{i}"), strict=True))
        for i in range(count)
    ]


def fill(provider: MeterProvider, lines: int) -> Callable[[], None]:
    """Make about ``lines`` sample lines; return what records once more on a known series."""
    rng = random.Random(7)
    meter = provider.get_meter("bench")
    for k in range(4):
        histogram = meter.create_histogram(
            f"gen_ai.duration{k}", unit="s", description="How long", explicit_bucket_boundaries_advisory=BOUNDS
        )
        for labels in label_sets(max(1, int(lines * 0.8 / 18 / 4))):
            histogram.record(rng.lognormvariate(0, 1), labels)
    for k in range(2):
        counter = meter.create_counter(f"gen_ai.tokens{k}", description="How many")
        for labels in label_sets(max(1, int(lines * 0.05))):
            counter.add(rng.randrange(1, 10**6), labels)
    for k in range(2):
        gauge = meter.create_gauge(f"gen_ai.load{k}", description="How full")
        for labels in label_sets(max(1, int(lines * 0.05))):
            gauge.set(rng.random(), labels)
    known = label_sets(1)[0]
    return lambda: histogram.record(0.2, known)


LIMITS: dict[type, int] = {Counter: LIMIT, Histogram: LIMIT, Gauge: LIMIT}


class UnlimitedPageReader(PageReader):
    """Our reader with the limits of the stock one in this benchmark."""

    def __init__(self) -> None:
        super().__init__()
        other = InMemoryMetricReader(cardinality_limits=LIMITS)
        self._instrument_class_cardinality_limit = other._instrument_class_cardinality_limit


def ways(lines: int) -> tuple[dict[str, Callable[[], bytes]], Callable[[], None], Callable[[], None]]:
    registry = CollectorRegistry()
    stock = MeterProvider(
        [PrometheusMetricReader(registry=registry, cardinality_limits=LIMITS)], shutdown_on_exit=False
    )
    record_stock = fill(stock, lines)
    reader = UnlimitedPageReader()
    own = MeterProvider([reader], shutdown_on_exit=False)
    record_ours = fill(own, lines)
    memory = InMemoryMetricReader(cardinality_limits=LIMITS)
    bare = MeterProvider([memory], shutdown_on_exit=False)
    fill(bare, lines)
    page = Page([reader])

    def collect_only() -> bytes:
        memory.get_metrics_data()
        return b""

    return (
        {
            "stock text": lambda: generate_latest(registry),
            "genotel text": lambda: page.render(TEXT_0_0_4),
            "stock openmetrics": lambda: generate_openmetrics(registry),
            "genotel openmetrics": lambda: page.render(OPENMETRICS_1_0_0),
            "genotel text + gzip 1": lambda: gzip.compress(page.render(TEXT_0_0_4), 1),
            "SDK collect alone": collect_only,
        },
        record_stock,
        record_ours,
    )


def medians(made: dict[str, Callable[[], bytes]], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, make in made.items():
            start = time.perf_counter()
            make()
            times[name].append((time.perf_counter() - start) * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def lateness_p99(record: Callable[[], None], scrape: Callable[[], bytes], seconds: float) -> float:
    """Return the 99th percentile of due-to-done of a 1 kHz recorder while scraped twice a second, ms."""
    stop = threading.Event()

    def scraper() -> None:
        while not stop.is_set():
            start = time.perf_counter()
            scrape()
            stop.wait(max(0.0, 0.5 - (time.perf_counter() - start)))

    thread = threading.Thread(target=scraper, daemon=True)
    thread.start()
    late = []
    due = time.perf_counter()
    end = due + seconds
    while due < end:
        due = max(due + 0.001, time.perf_counter() - 0.05)
        wait = due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        record()
        late.append((time.perf_counter() - due) * 1e3)
    stop.set()
    thread.join()
    return sorted(late)[int(0.99 * len(late))]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", default="1000,10000,100000")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--contention", type=float, default=0.0, metavar="SECONDS")
    arguments = parser.parse_args()
    print(f"Python {sys.version.split()[0]}; medians in ms (ratio to the stock text page)")
    for lines in (int(text) for text in arguments.lines.split(",")):
        made, record_stock, record_ours = ways(lines)
        sizes = {name: make() for name, make in made.items()}
        count = sum(1 for line in sizes["genotel text"].splitlines() if not line.startswith(b"#"))
        gc.collect()
        rounds = arguments.rounds if lines < 50_000 else max(3, arguments.rounds // 3)
        result = medians(made, rounds)
        base = result["stock text"]
        print(f"{lines} asked, {count} lines, {len(sizes['genotel text']) / 1e6:.2f} MB")
        for name, value in result.items():
            print(f"  {name:<24}{value:10.2f} ms  {value / base:6.3f}")
        print(f"  openmetrics / stock openmetrics {result['genotel openmetrics'] / result['stock openmetrics']:.3f}")
        if arguments.contention and lines == 10_000:
            ratios = []
            for _ in range(5):
                ours = lateness_p99(record_ours, made["genotel text"], arguments.contention)
                stock = lateness_p99(record_stock, made["stock text"], arguments.contention)
                ratios.append(ours / stock)
                print(f"  lateness p99 at 1 kHz: genotel {ours:.2f} ms, stock {stock:.2f} ms, {ours / stock:.2f}")
            print(f"  median of the five ratios {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
