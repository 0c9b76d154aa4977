"""Keep OpenTelemetry's own Prometheus reader: the same metrics under the same names, on its page."""

from urllib.request import urlopen

from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import start_http_server

import genotel

# What the program had before genotel: its own provider, its own page.
metrics.set_meter_provider(MeterProvider(metric_readers=[PrometheusMetricReader()]))
server, thread = start_http_server(port=0, addr="127.0.0.1")

# genotel finds the provider, uses it, and serves no second page.
with genotel.configure(page=False):

    @genotel.measure(model="sdxl", output="image")
    def paint(prompt: str) -> str:
        return f"an image of {prompt}"

    paint("a lighthouse")

    for line in urlopen(f"http://127.0.0.1:{server.server_port}/metrics").read().decode().splitlines():
        if line.startswith(("genotel_generation_requests_total", "gen_ai_client_operation_duration_seconds_count")):
            print(line)

server.shutdown()
server.server_close()
thread.join()
