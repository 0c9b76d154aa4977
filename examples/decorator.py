"""Measure a function with one line: every call is counted and timed, its result is untouched."""

import time
from urllib.request import urlopen

import genotel


@genotel.measure(model="sdxl", output="image")
def paint(prompt: str) -> str:
    time.sleep(0.02)  # your model works here
    if "forbidden" in prompt:
        raise ValueError("the safety checker said no")
    return f"an image of {prompt}"


# The page is on http://127.0.0.1:9464/metrics; the block flushes and closes it at its end.
with genotel.configure() as handle:
    for prompt in ("a lighthouse", "a forbidden city", "a fox"):
        try:
            print(paint(prompt))
        except ValueError as error:
            # Your exceptions are yours: raised unchanged, counted as outcome "error".
            print("failed:", error)

    if handle.url:
        print("on the page:")
        for line in urlopen(handle.url).read().decode().splitlines():
            if line.startswith("genotel_generation_requests_total"):
                print(" ", line)
