"""Measure an async generator: it stays as lazy as it was, and its first chunk is timed by itself."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.request import urlopen

import genotel


@genotel.measure(model="qwen2.5-7b-instruct", operation="chat", output="text")
async def answer(question: str) -> AsyncGenerator[str, None]:
    await asyncio.sleep(0.02)  # prefill
    words = f"You asked: {question}".split()
    # The decorator opened the call; inside of it, it is the current one.
    genotel.current_generation().tokens(input=len(question.split()))
    for word in words:
        await asyncio.sleep(0.002)
        genotel.current_generation().tokens(output=1)
        yield word


async def main() -> None:
    print(" ".join([word async for word in answer("what is a stream?")]))
    # Two at once; what belongs to which is told apart by the task that runs it.
    await asyncio.gather(*(consume(f"question {number}") for number in range(2)))
    # A client that goes away: the call ends as "abandoned", not as an error.
    async with aclosing(answer("never heard to its end")) as words:
        async for _ in words:
            break


async def consume(question: str) -> None:
    async for _ in answer(question):
        pass


with genotel.configure() as handle:
    asyncio.run(main())
    if handle.url:
        for line in urlopen(handle.url).read().decode().splitlines():
            if line.startswith(("genotel_generation_requests_total", "gen_ai_client_token_usage_sum")):
                print(line)
