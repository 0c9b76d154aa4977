"""Keep every fault of genotel out of user code: count it, log it once per place, go on.

The hot path does not use a context manager (it costs about a microsecond); it writes
``try: … except Exception as error: guard.report(place, error)`` around our own code only. Code of
the user is always called outside of it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from genotel.semconv.self_metrics import INTERNAL_ERRORS

logger = logging.getLogger("genotel")

# Places are literals in our own code, so their number is small; the cap only stops a mistake.
MAX_PLACES = 256

# Re-entrant: a signal handler or the garbage collector may come back in here in the same thread.
_lock = threading.RLock()
_counts: dict[str, int] = {}
_warned: set[str] = set()
_strict = False


def report(place: str, error: BaseException) -> None:
    """Count a fault of ours at ``place`` and log it the first time.

    Under :func:`strict` (our own tests) the fault is raised again instead of being swallowed.

    Only the type of the exception and where it was raised are logged, never its text: the text may
    hold a prompt or a path of the user.

    Example:
        >>> report("doc.example", ValueError("secret"))
        >>> internal_errors()["doc.example"]
        1
    """
    if _strict:
        raise error
    with _lock:
        known = place in _counts or len(_counts) < MAX_PLACES
        key = place if known else "other"
        _counts[key] = _counts.get(key, 0) + 1
        if _counts[key] > 1:
            return
    _warn(
        "genotel: fault at %s (%s in %s); telemetry of this place may be missing, your program goes on; "
        "further faults here are counted in %s and not logged",
        key,
        type(error).__name__,
        _origin(error),
        INTERNAL_ERRORS.prometheus_name,
    )


def warn_once(place: str, message: str, *arguments: object) -> None:
    """Log a warning the first time that ``place`` asks for it.

    Example:
        >>> warn_once("doc.warning", "said once")
        >>> warn_once("doc.warning", "not said again")
    """
    with _lock:
        if place in _warned or len(_warned) >= MAX_PLACES:
            return
        _warned.add(place)
    _warn(message, *arguments)


def internal_errors() -> dict[str, int]:
    """Return the number of swallowed faults by place, for ``genotel.internal.errors``."""
    with _lock:
        return dict(_counts)


@contextmanager
def guarded(place: str) -> Iterator[None]:
    """Swallow and count an ``Exception`` raised by our own code inside the block.

    ``BaseException`` (Ctrl-C, cancellation, interpreter exit) passes through.

    Example:
        >>> with guarded("doc.guarded"):
        ...     raise KeyError("lost")
    """
    try:
        yield
    except Exception as error:
        report(place, error)


@contextmanager
def strict() -> Iterator[None]:
    """Raise faults instead of swallowing them while the block runs; for our own tests.

    Example:
        >>> with strict():
        ...     report("doc.strict", ValueError("seen"))
        Traceback (most recent call last):
        ValueError: seen
    """
    global _strict
    before, _strict = _strict, True
    try:
        yield
    finally:
        _strict = before


def reset() -> None:
    """Forget all counts and warnings; for tests and for a forked child."""
    global _lock
    # A fork may have happened while another thread held the lock.
    _lock = threading.RLock()
    _counts.clear()
    _warned.clear()


def _warn(message: str, *arguments: object) -> None:
    # A filter of the user's may raise, and nothing of ours may let that out.
    with suppress(Exception):
        logger.warning(message, *arguments)


def _origin(error: BaseException) -> str:
    traceback = error.__traceback__
    if traceback is None:
        return "unknown place"
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    return f"{code.co_name}:{traceback.tb_lineno}"
