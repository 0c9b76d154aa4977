"""A block of code that is one batch of a :class:`~genotel.instrumentation.batch_stats.BatchStats`."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from types import TracebackType


class BatchTimer:
    """Time a ``with`` or ``async with`` block and hand its seconds and its failure on.

    ``batch_size`` and ``queue_length`` may be set inside the block, where they are known only then.

    Args:
        update: called once at the end, as ``BatchStats.update``.
        batch_size: items of the batch.
        queue_time: seconds that it waited before.
        queue_length: items that waited when it began.
    """

    __slots__ = ("_queue_time", "_start", "_update", "batch_size", "queue_length")

    def __init__(
        self, update: Callable[..., None], batch_size: int, queue_time: float, queue_length: int | None
    ) -> None:
        self._update = update
        self._queue_time = queue_time
        self._start = 0.0
        self.batch_size = batch_size
        self.queue_length = queue_length

    def __enter__(self) -> BatchTimer:
        self._start = perf_counter()
        return self

    def __exit__(
        self, exception_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._update(
            perf_counter() - self._start,
            self.batch_size,
            self._queue_time,
            queue_length=self.queue_length,
            error=error is not None,
        )

    async def __aenter__(self) -> BatchTimer:
        return self.__enter__()

    async def __aexit__(
        self, exception_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(exception_type, error, traceback)
