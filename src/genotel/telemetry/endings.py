"""Ends of a process at which Python's own exit functions do not run, and what can be done before them.

Not for ``os._exit`` and SIGKILL: nothing runs before those.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from genotel import guard

Handler = Callable[[int, FrameType | None], Any] | int | None

# A supervisor waits some 30 s before it kills; whatever flushing waits for, the program ends before.
FLUSH_SECONDS = 10.0

# Our handler and the one before it.
_chained: tuple[Handler, Handler] | None = None


def before_sigterm(flush: Callable[[], None]) -> None:
    """Call ``flush`` on SIGTERM, then do what would have been done without us.

    Again is harmless as long as no other handler was set in between. :func:`leave_sigterm` undoes it.
    """
    global _chained
    if threading.current_thread() is not threading.main_thread():
        guard.warn_once(
            "startup.signals",
            "genotel: handle_signals needs configure() to be called in the main thread; SIGTERM is left alone",
        )
        return
    before = signal.getsignal(signal.SIGTERM)
    if _chained is not None and before is _chained[0]:
        return

    def flush_then(number: int, frame: FrameType | None) -> None:
        _in_thread(flush)
        _pass_on(before, number, frame)

    signal.signal(signal.SIGTERM, flush_then)
    _chained = (flush_then, before)


def leave_sigterm() -> None:
    """Put back the handler that was there before ours, if ours is still the one in force."""
    global _chained
    if _chained is None or threading.current_thread() is not threading.main_thread():
        return
    ours, before = _chained
    _chained = None
    if signal.getsignal(signal.SIGTERM) is ours:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def _in_thread(flush: Callable[[], None]) -> None:
    """Flush in a thread: the one that the signal interrupted may hold a lock which that needs."""
    thread = threading.Thread(target=flush, name="genotel-sigterm", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter is ending, or there are no more threads
        flush()
        return
    thread.join(FLUSH_SECONDS)


def before_multiprocessing_ends(flush: Callable[[], None]) -> None:
    """Call ``flush`` at the end of a child of ``multiprocessing``, which leaves by ``os._exit``.

    It does nothing in a process that ``multiprocessing`` did not start.

    Args:
        flush: a function of a module, which is there until the end.
    """
    # Whoever runs in such a child has these loaded; nobody else has to.
    process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if process is None or util is None:
        return
    if process.parent_process() is not None:
        util.Finalize(None, flush, exitpriority=0)
    # A child imports the program before it knows that it is one, and then forgets its finalizers.
    util.register_after_fork(flush, before_multiprocessing_ends)


def _pass_on(before: Handler, number: int, frame: FrameType | None) -> None:
    if callable(before):
        before(number, frame)
    elif before != signal.SIG_IGN:
        # Die of the signal as the program would have without us, so that its parent sees that.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
