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


def before_sigterm(flush: Callable[[], None]) -> None:
    """Call ``flush`` on SIGTERM, then do what would have been done without us."""
    if threading.current_thread() is not threading.main_thread():
        guard.warn_once(
            "startup.signals",
            "genotel: handle_signals needs configure() to be called in the main thread; SIGTERM is left alone",
        )
        return
    before = signal.getsignal(signal.SIGTERM)

    def flush_then(number: int, frame: FrameType | None) -> None:
        flush()
        _pass_on(before, number, frame)

    signal.signal(signal.SIGTERM, flush_then)


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


def _pass_on(before: Callable[[int, FrameType | None], Any] | int | None, number: int, frame: FrameType | None) -> None:
    if callable(before):
        before(number, frame)
    elif before != signal.SIG_IGN:
        # Die of the signal as the program would have without us, so that its parent sees that.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
