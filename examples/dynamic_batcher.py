"""A dynamic batcher with a pool of workers: requests wait in a queue and are worked on in batches."""

import queue
import random
import threading
import time
from urllib.request import urlopen

import genotel

WORKERS, LARGEST_BATCH, REQUESTS = 2, 8, 200

Request = tuple[float, str]
requests: "queue.Queue[Request | None]" = queue.Queue(maxsize=50)


def infer(prompts: list[str]) -> list[str]:
    # Half of the time of a batch does not depend on its size, as with many a model.
    time.sleep(0.002 + 0.0005 * len(prompts))
    return [prompt.upper() for prompt in prompts]


def next_batch() -> list[Request]:
    """Wait for one request, then take what else is there; nothing at the end."""
    batch: list[Request] = []
    while len(batch) < LARGEST_BATCH:
        try:
            request = requests.get(block=not batch)
        except queue.Empty:
            break
        if request is None:
            requests.put(None)  # for the other workers
            break
        batch.append(request)
    return batch


def work(stats: genotel.BatchStats) -> None:
    while batch := next_batch():
        waited = time.time() - batch[0][0]
        with stats.measure(len(batch), queue_time=waited, queue_length=requests.qsize()):
            infer([prompt for _, prompt in batch])


with genotel.configure() as handle:
    genotel.track_queue(requests, name="requests")
    stats = genotel.BatchStats(name="batcher", workers=WORKERS, target_wait_seconds=0.01)
    workers = [threading.Thread(target=work, args=(stats,)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    numbers = random.Random(1)
    for number in range(REQUESTS):
        time.sleep(numbers.expovariate(2_000))
        requests.put((time.time(), f"request {number}"))
    requests.put(None)
    for worker in workers:
        worker.join()

    figures = stats.get_comprehensive_stats()
    print(f"{figures['total_processed']} requests in {figures['total_batches']} batches")
    print(f"{figures['throughput']:.0f} requests/s, busy {figures['utilization']:.0%}")
    print(f"wait, 95th percentile: {figures['p95_queue_time'] * 1000:.1f} ms")
    capacity = figures["recommended_capacity"]
    if capacity is not None:  # as it is before there are 20 batches
        print(f"workers for a wait below {capacity['target_wait_seconds'] * 1000:.0f} ms: {capacity['workers']}")
    for bottleneck in figures["bottlenecks"]:
        print(f"{bottleneck['kind']}: {bottleneck['message']}")
    if handle.url:
        for line in urlopen(handle.url).read().decode().splitlines():
            if line.startswith(("genotel_queue_limit", "genotel_batch_items_total", "genotel_batch_size_count")):
                print(line)
