"""A block is one batch: timed, once, failed if it raises."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from genotel.instrumentation.batch_timer import BatchTimer


class Updates:
    """Keep what a block handed on."""

    def __init__(self) -> None:
        self.seen: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append((args, kwargs))


def test_a_block_hands_its_time_on() -> None:
    """With what was told before and inside of it."""
    updates = Updates()
    with BatchTimer(updates, 8, 0.25, None) as block:
        time.sleep(0.01)
        block.batch_size, block.queue_length = 4, 3
    ((seconds, size, wait), others) = updates.seen[0]
    assert 0.01 <= seconds < 5
    assert (size, wait, others) == (4, 0.25, {"queue_length": 3, "error": False})


def test_a_block_that_raises_is_a_failed_batch_and_raises_on() -> None:
    """The very same exception."""
    updates, error = Updates(), ValueError("secret")
    with pytest.raises(ValueError, match="secret") as caught, BatchTimer(updates, 8, 0.0, None):
        raise error
    assert caught.value is error
    assert updates.seen[0][1]["error"] is True


def test_a_block_of_a_coroutine() -> None:
    """Cancelled is failed."""
    updates = Updates()

    async def work() -> None:
        async with BatchTimer(updates, 8, 0.0, None):
            await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert [others["error"] for _, others in updates.seen] == [True]
