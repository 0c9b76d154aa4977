"""Reading a long answer of a server: seconds and memory beside prometheus-api-client's.

    python benchmarks/reading.py --peer-python PATH [--rounds 3]

``PATH`` is a Python that has prometheus-api-client and pandas. A file of 1,000 (and 10,000) series of 720
hours is served on loopback; each reader asks for it over HTTP in a process of its own, the two in turns.
Memory is the peak above what the process had before it asked; the ratio of processor times does not feel what
else the machine does.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

POINTS = 720
START = 1_763_000_000 // 3600 * 3600

OURS = """
import resource, sys, time
from genotel.prometheus_api.access import ServerAccess
from genotel.prometheus_api.chunking import read_span
from genotel.prometheus_api.client import PrometheusClient
from genotel.prometheus_api.transport import HttpTransport
url, start, points = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin, before = time.perf_counter(), time.process_time()
client = PrometheusClient(HttpTransport(ServerAccess(url=url, timeout_seconds=300)))
table = read_span(client, "x", start, start + (points - 1) * 3600, 3600)
took, worked = time.perf_counter() - begin, time.process_time() - before
print(took, worked, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024, *table.values.shape)
"""
PEER = """
import datetime, resource, sys, time
from prometheus_api_client import MetricRangeDataFrame, PrometheusConnect
url, start, points = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin, before = time.perf_counter(), time.process_time()
moment = datetime.datetime.fromtimestamp
answer = PrometheusConnect(url=url).custom_query_range("x", moment(start), moment(start + (points - 1) * 3600), "1h")
frame = MetricRangeDataFrame(answer)
took, worked = time.perf_counter() - begin, time.process_time() - before
print(took, worked, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024, *frame.shape)
"""


def write(file: Path, series: int) -> None:
    """Write an answer: half of its values whole, half not."""
    rng = np.random.default_rng(0)
    with file.open("w", encoding="utf-8") as out:
        out.write('{"status":"success","data":{"resultType":"matrix","result":[')
        for number in range(series):
            counted = np.cumsum(rng.poisson(3, POINTS))
            texts = counted.tolist() if number % 2 else (counted / 7.3).tolist()
            values = ",".join(f'[{START + 3600 * k},"{text!r}"]' for k, text in enumerate(texts))
            labels = json.dumps({"__name__": "x_total", "model": f"org/model-{number}", "instance": "a:1"})
            out.write(f"{',' if number else ''}" + '{"metric":' + f'{labels},"values":[{values}]' + "}")
        out.write("]}}")


class Handler(BaseHTTPRequestHandler):
    def __init__(self, file: Path, *arguments: object) -> None:
        self._file = file
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(os.path.getsize(self._file)))
        self.end_headers()
        with self._file.open("rb") as body:
            self.connection.sendfile(body)

    do_POST = do_GET  # noqa: N815  # the base class's name

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def run(python: str, program: str, url: str) -> tuple[float, float, float]:
    """Return seconds, seconds of processor, and megabytes."""
    answer = subprocess.run(
        [python, "-c", program, url, str(START), str(POINTS)], capture_output=True, text=True, check=True
    )
    seconds, worked, megabytes, *_ = answer.stdout.split()
    return float(seconds), float(worked), float(megabytes)


def shown(figures: tuple[float, float, float]) -> str:
    return "{:.2f} s, {:.2f} s of processor, {:.0f} MB".format(*figures)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer-python", metavar="PATH")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--series", default="1000,10000")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="genotel-reading-") as folder:
        for series in (int(part) for part in arguments.series.split(",")):
            file = Path(folder) / f"{series}.json"
            write(file, series)
            server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, file))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_address[1]}"
            rounds = []
            for _ in range(arguments.rounds):
                ours = run(sys.executable, OURS, url)
                peer = run(arguments.peer_python, PEER, url) if arguments.peer_python and series <= 1000 else None
                rounds.append((ours, peer))
                print(f"{series} series: ours {shown(ours)}{f'; peer {shown(peer)}' if peer else ''}", flush=True)
            if rounds[0][1] is not None:
                for place, what in ((0, "times"), (1, "processor times")):
                    ratio = statistics.median(ours[place] / peer[place] for ours, peer in rounds if peer)
                    print(f"{series} series: median ratio of {what} {ratio:.3f}", flush=True)
            server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
