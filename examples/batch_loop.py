"""A nightly loop over items by hand: each item is a call, and the journal remembers them all."""

import random
import tempfile
import time
from pathlib import Path

import genotel

MODEL = "clip-interrogator"
numbers = random.Random(1)
items = [f"picture-{number:03}.png" for number in range(40)]


def describe(item: str) -> str:
    time.sleep(numbers.uniform(0.001, 0.004))
    if numbers.random() < 0.1:
        raise MemoryError("this one was too large")
    return f"something in {item}"


with tempfile.TemporaryDirectory() as folder:
    journal = Path(folder) / "journal.db"
    # page=False: a job that ends before anybody scrapes it is remembered by its journal.
    with genotel.configure(page=False, journal=journal):
        begun = time.perf_counter()
        described = 0
        for item in items:
            try:
                with genotel.generation(MODEL, output="text", queue_seconds=time.perf_counter() - begun) as call:
                    describe(item)
                    call.outputs(1)
                described += 1
            except MemoryError:
                pass  # counted as out_of_memory; the loop goes on
    print(f"described {described} of {len(items)}")

    figures = genotel.usage_statistics(genotel.Journal(journal), model=MODEL)
    print(f"journal: {figures.uses} calls, {figures.success_rate:.0%} of them ended well")
    if figures.average_duration_seconds is not None:  # as it is before the first call has ended
        print(f"average: {figures.average_duration_seconds * 1000:.1f} ms a call")
    # One night is too short a history to say what may be deleted; what failed can be told at once.
    for advice in genotel.recommend(genotel.Journal(journal)):
        print(f"advice: {advice.kind}, {advice.reason_code}: {advice.reason}")
