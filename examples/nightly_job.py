"""A nightly job over batches: a measured loop, a failed item here and there, an alert at the end."""

import random
import time
from urllib.request import urlopen

import genotel

numbers = random.Random(7)
pictures = [f"picture-{number:03}.png" for number in range(120)]
batches = [pictures[first : first + 8] for first in range(0, len(pictures), 8)]


def caption(picture: str) -> str:
    if numbers.random() < 0.05:
        raise ValueError(f"{picture} is broken")
    return "a picture"


with genotel.configure() as handle:
    # progress=True would show a bar here, on a terminal and nowhere else.
    with genotel.batches(batches, name="nightly", size=len) as loop:
        for batch in loop:
            with genotel.batch("captions", size=len(batch)) as current:
                for picture in batch:
                    try:
                        caption(picture)
                    except ValueError:
                        current.fail()  # this item; the batch goes on
            time.sleep(0.001)
            if loop.done == 10 and loop.eta_seconds is not None:  # as it is where the length is not known
                print(f"after {loop.done} batches: {loop.remaining} left, {loop.eta_seconds * 1000:.0f} ms to go")
    print(f"{loop.items} pictures in {loop.done} batches, {loop.failures} failed batches")

    stats = genotel.BatchStats(name="upload")
    for _ in range(30):
        stats.update(processing_time=2.5, batch_size=100, error=numbers.random() < 0.2)
    for alert in genotel.BatchStatsMonitor(stats, throughput=10.0).check_alerts():
        print(f"{alert['severity']}: {alert['message']}")
    print(f"status: {stats.dashboard_data()['status']}")
    if handle.url:
        for line in urlopen(handle.url).read().decode().splitlines():
            if line.startswith(("genotel_batch_items_total", "genotel_batch_batches_total")) and not line.endswith(
                " 0"
            ):
                print(line)
