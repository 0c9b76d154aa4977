"""What flows with the program by ``contextvars``: experiment and variant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# (experiment, variant) or None; a pair, so that the hot path reads one variable.
tags: ContextVar[tuple[str, str | None] | None] = ContextVar("genotel_tags", default=None)


@contextmanager
def experiment(name: str, *, variant: str | None = None) -> Iterator[None]:
    """Tag every call made inside the block (or decorated function) with an experiment.

    The tags are labels of the metrics, so both are bounded: over 50 names or variants count as
    ``other``. They flow into threads and tasks as ``contextvars`` do.

    Example:
        >>> with experiment("sampler-test", variant="B"):
        ...     tags.get()
        ('sampler-test', 'B')
    """
    token = tags.set((str(name), None if variant is None else str(variant)))
    try:
        yield
    finally:
        tags.reset(token)
