"""Time that a program loses to genotel before it does anything: import, and until the first scrape.

    python benchmarks/import_time.py [--rounds 21]

Each way runs in a fresh interpreter; ways are taken in turn in every round, so that a noisy machine
hits all alike. Printed are medians over bare Python, and the ratio to the SDK with the stock
exporter. The bars: the import at most 15 ms over bare Python, the first scrape at most 1.2 times the
stock exporter's.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

ASK = "import http.client; c = http.client.HTTPConnection('127.0.0.1', port); c.request('GET', '/metrics')"
READ = "assert c.getresponse().read()"

WAYS = {
    "bare Python": "pass",
    "import genotel": "import genotel",
    "genotel.configure() to first scrape": f"""
import genotel
handle = genotel.configure(port=0)
port = int(handle.url.split(':')[2].split('/')[0])
{ASK}
{READ}
handle.shutdown()
""",
    "SDK and stock exporter to first scrape": f"""
from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import start_http_server
trace.set_tracer_provider(TracerProvider())
metrics.set_meter_provider(MeterProvider([PrometheusMetricReader()]))
server, thread = start_http_server(0, '127.0.0.1')
port = server.server_port
{ASK}
{READ}
server.shutdown()
""",
}
STOCK = "SDK and stock exporter to first scrape"


def milliseconds(program: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)
    return 1e3 * (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time imports and the first scrape.")
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    for program in WAYS.values():
        milliseconds(program)  # writes the .pyc files
    taken: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, program in WAYS.items():
            taken[way].append(milliseconds(program))
    median = {way: statistics.median(times) for way, times in taken.items()}
    bare = median["bare Python"]
    for way, value in median.items():
        ratio = (value - bare) / (median[STOCK] - bare)
        print(f"{way:<40} {value:8.1f} ms   over bare Python {value - bare:8.1f} ms   {ratio:6.2f} x stock")


if __name__ == "__main__":
    main()
