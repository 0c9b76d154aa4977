"""What the instrumentation of real libraries costs a call: tiny models, with and without us in turn.

    make test-libraries && .venv-libraries/bin/python benchmarks/auto_instrumentation.py [--pairs 200]

Both of a pair run one right after the other, in an order drawn by chance, so that what else the machine
does meets both; what is compared is the time that the processor worked for the calling thread.
Printed: the median of the ratios with and without us, its 95 % interval (bootstrap
over pairs), and the median difference. Tiny models are the worst case: a real step takes a thousand
times as long, and we cost the same. The shortest one is also compared with a span and a histogram
record of the SDK, written by hand around the call.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
warnings.filterwarnings("ignore")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import genotel  # noqa: E402  (not installed where this is run)


def interval(values: list[float], rng: random.Random) -> tuple[float, float]:
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(2000))
    return medians[50], medians[1949]


def by_hand(call):
    """Return the call with one span and one histogram record of the SDK around it."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider().get_tracer("by hand")
    histogram = MeterProvider([InMemoryMetricReader()]).get_meter("by hand").create_histogram("duration", unit="s")
    attributes = {"gen_ai.operation.name": "inference", "gen_ai.provider.name": "p", "gen_ai.request.model": "m"}

    def measured() -> None:
        start = time.perf_counter()
        with tracer.start_as_current_span("inference m", attributes=attributes):
            call()
            histogram.record(time.perf_counter() - start, attributes)

    return measured


def compare(name: str, call, pairs: int, repeat: int = 1, other=None) -> None:
    from genotel.autoinstrument.registry import INSTRUMENTORS

    rng = random.Random(1)
    switches = [patched.switch for each in INSTRUMENTORS for patched in each.patches._patched.values()]

    def timed(is_on: bool) -> float:
        for switch in switches:
            switch[0] = is_on and other is None
        run = call if other is None or not is_on else other
        start = time.thread_time()
        for _ in range(repeat):
            run()
        return (time.thread_time() - start) / repeat

    for _ in range(3):
        timed(True), timed(False)
    found = []
    for _ in range(pairs):
        order = rng.sample((True, False), 2)
        took = {is_on: timed(is_on) for is_on in order}
        found.append((took[True] / took[False], took[True] - took[False], took[False]))
    ratios = [ratio for ratio, *_ in found]
    # On a machine that is busy with other things the calmest tenth is what the call itself takes.
    calm = [
        statistics.quantiles(side, n=10)[0]
        for side in zip(*((plain + more, plain) for _, more, plain in found), strict=True)
    ]
    low, high = interval(ratios, rng)
    print(
        f"{name}: {statistics.median(plain for *_, plain in found) * 1e6:.0f} µs a call; ratio "
        f"{statistics.median(ratios):.4f} [{low:.4f}, {high:.4f}]; "
        f"{statistics.median(more for _, more, _ in found) * 1e6:+.1f} µs; "
        f"calmest tenth {calm[0] / calm[1]:.4f}, {(calm[0] - calm[1]) * 1e6:+.1f} µs; {pairs} pairs",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=200)
    pairs = parser.parse_args().pairs
    genotel.configure(port=0)
    genotel.instrument()
    import numpy
    import onnxruntime
    import torch

    from tests.real_libraries import tiny_models

    torch.set_num_threads(1)
    session = onnxruntime.InferenceSession(tiny_models.onnx_bytes(), providers=["CPUExecutionProvider"])
    fed = {"x": numpy.ones((2, 16), "f4")}
    short = lambda: session.run(None, fed)  # noqa: E731
    compare("onnxruntime run, a product and a ReLU", short, pairs, repeat=100)
    compare("the same, a span and a record by hand", short, pairs, repeat=100, other=by_hand(short))
    llama, ids = tiny_models.llama(), tiny_models.token_ids()
    compare("Llama, 16 tokens", lambda: llama.generate(ids, max_new_tokens=16, do_sample=False), pairs)
    wan = tiny_models.wan()
    compare("Wan, 9 frames of 16×16, 4 steps", lambda: wan(**tiny_models.WAN), pairs)
    drawn = tiny_models.stable_diffusion()
    compare("Stable Diffusion, 32×32, 4 steps", lambda: drawn(**tiny_models.STABLE_DIFFUSION), pairs)


if __name__ == "__main__":
    main()
