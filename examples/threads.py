"""Measure calls in a thread pool, and compare two variants of an experiment."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

import genotel


def sample(seed: int) -> None:
    variant = "euler" if seed % 2 else "heun"
    numbers = random.Random(seed)
    # Set inside the thread that runs the call: a pool's threads know nothing of their caller's context.
    with genotel.experiment("sampler", variant=variant), genotel.generation("sdxl", output="image") as call:
        for _ in range(5 if variant == "euler" else 10):
            time.sleep(0.001)
            call.step()
        call.score("closeness", numbers.uniform(0.6, 0.8) + (0.1 if variant == "heun" else 0.0))
        call.outputs(1)


with genotel.configure(models=["sdxl"]) as handle:
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(sample, range(20)))
    if handle.url:
        for line in urlopen(handle.url).read().decode().splitlines():
            if line.startswith(("genotel_generation_steps_total", "genotel_generation_score_sum")):
                print(line)
