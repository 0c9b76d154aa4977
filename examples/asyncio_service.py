"""An asyncio service: tasks put requests into a queue, one task works on them in batches."""

import asyncio
import random
import time
from collections.abc import AsyncIterator

import genotel

Request = tuple[float, str, "asyncio.Future[str]"]


async def in_batches(requests: "asyncio.Queue[Request | None]", most: int) -> AsyncIterator[list[Request]]:
    """Yield what waits, until there is no more to come."""
    while (first := await requests.get()) is not None:
        batch = [first]
        while len(batch) < most and not requests.empty():
            if (request := requests.get_nowait()) is None:
                requests.put_nowait(None)
                break
            batch.append(request)
        yield batch


async def serve(requests: "asyncio.Queue[Request | None]") -> None:
    loop = genotel.batches(
        in_batches(requests, most=4),
        stats=stats,
        size=len,
        enqueued_at=lambda batch: batch[0][0],
    )
    async for batch in loop:
        await asyncio.sleep(0.003)
        for _, prompt, answer in batch:
            answer.set_result(prompt[::-1])


async def ask(requests: "asyncio.Queue[Request | None]", prompt: str) -> str:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    await requests.put((time.time(), prompt, answer))
    return await answer


async def main() -> None:
    requests: asyncio.Queue[Request | None] = asyncio.Queue(maxsize=16)
    genotel.track_queue(requests, name="prompts")
    service = asyncio.create_task(serve(requests))
    numbers = random.Random(3)

    async def client(number: int) -> str:
        await asyncio.sleep(numbers.uniform(0, 0.05))
        return await ask(requests, f"prompt {number}")

    answers = await asyncio.gather(*(client(number) for number in range(40)))
    await requests.put(None)
    await service
    print(f"{len(answers)} answers, such as {answers[0]!r}")


with genotel.configure(page=False):
    stats = genotel.BatchStats(name="service")
    asyncio.run(main())
    print(f"{stats.total_processed} requests in {stats.batch_counts} batches")
    for line in stats.export_metrics("prometheus").splitlines():
        if line.startswith(("batch_throughput{", "batch_queue_time_avg", "batch_error_rate")):
            print(line)
