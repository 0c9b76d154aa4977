"""The pool of an SQLAlchemy engine: what it holds, and how long one waits for a connection."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from time import perf_counter
from typing import Any


class EnginePool:
    """Read and time the pool of an engine; one that an engine takes instead, as after a fork, too.

    Args:
        engine: of SQLAlchemy.
        began: called before a connection is asked for.
        ended: called after that with the seconds that it took, and the exception if there is none.
    """

    def __init__(
        self, engine: Any, began: Callable[[], None], ended: Callable[[float, BaseException | None], None]
    ) -> None:
        self._engine = engine
        self._began = began
        self._ended = ended
        self.time()

    def time(self) -> None:
        """Time the pool that the engine has now; once, however often it is called."""
        pool = self._engine.pool
        if "connect" in vars(pool):
            return
        began, ended, connect = self._began, self._ended, pool.connect

        @wraps(connect)
        def timed() -> Any:
            began()
            start = perf_counter()
            try:
                connection = connect()
            except BaseException as error:
                ended(perf_counter() - start, error)
                raise
            ended(perf_counter() - start, None)
            return connection

        # There is no event before a connection is there. The method is the pool's public one, and the
        # class stays as it is.
        pool.connect = timed

    def leave(self) -> None:
        """Give the pool its own method back."""
        vars(self._engine.pool).pop("connect", None)

    def used(self) -> int | None:
        """Return the connections in use; None where the pool does not count them."""
        return self._asked("checkedout")

    def idle(self) -> int | None:
        """Return the connections that wait for somebody."""
        return self._asked("checkedin")

    def size(self) -> int | None:
        """Return the connections that are kept."""
        return self._asked("size") if self._counts() else None

    def most(self) -> int | None:
        """Return the connections that are made at most; None where there is no limit."""
        size, overflow = self.size(), getattr(self._engine.pool, "_max_overflow", None)
        return size + overflow if size is not None and isinstance(overflow, int) and overflow >= 0 else None

    def overflow(self) -> int | None:
        """Return the connections beyond those that are kept."""
        overflow = self._asked("overflow") if self._counts() else None
        # Below 0 are those that were not opened yet.
        return None if overflow is None else max(overflow, 0)

    def _counts(self) -> bool:
        # Only such a pool keeps a number of connections (QueuePool and its kin).
        return hasattr(self._engine.pool, "checkedout")

    def _asked(self, name: str) -> int | None:
        ask = getattr(self._engine.pool, name, None)
        return ask() if ask is not None else None
