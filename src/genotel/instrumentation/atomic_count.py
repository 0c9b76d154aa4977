"""A counter that threads add to without a lock."""

from __future__ import annotations

import threading
from itertools import count


class AtomicCount:
    """Count by ``next``, which Python makes atomic where ``+= 1`` is not.

    A lock around ``+= 1`` costs as much; but threads that meet at a lock hand the interpreter to each
    other each time, which costs a hundred times that.

    Example:
        >>> hits = AtomicCount()
        >>> hits.add(), hits.add(), hits.value
        (None, None, 2)
    """

    __slots__ = ("_lock", "_next", "_reads")

    def __init__(self) -> None:
        self._next = count()
        self._lock = threading.Lock()
        self._reads = 0

    def add(self) -> None:
        """Add one."""
        next(self._next)

    @property
    def value(self) -> int:
        """Return the count so far."""
        with self._lock:
            # To look takes one too.
            value = next(self._next) - self._reads
            self._reads += 1
            return value
