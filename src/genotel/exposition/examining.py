"""Settle what takes time in a thread of its own: one password at a time, away from who talks to clients."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from http import HTTPStatus

from genotel import guard
from genotel.exposition.answer import Answer, plain
from genotel.exposition.gate import Examination, Gate


class ExaminingThread:
    """Answer examinations, urgent ones first.

    Args:
        gate: settles them.
        deliver: called in the thread with each examination and its refusal, or None for who may pass.
        max_waiting: how many that are not urgent may wait; urgent ones are bounded by the connections.

    The thread starts with the first examination and is a daemon.
    """

    def __init__(self, gate: Gate, deliver: Callable[[Examination, Answer | None], None], *, max_waiting: int) -> None:
        self._gate = gate
        self._deliver = deliver
        self._max_waiting = max_waiting
        self._changed = threading.Condition(threading.Lock())
        self._urgent: deque[Examination] = deque()
        self._waiting: deque[Examination] = deque()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def submit(self, examination: Examination) -> bool:
        """Take an examination, or return False where too many wait already."""
        with self._changed:
            if not self._is_running() or (not examination.urgent and len(self._waiting) >= self._max_waiting):
                return False
            (self._urgent if examination.urgent else self._waiting).append(examination)
            self._changed.notify()
            return True

    def withdraw(self, examination: Examination) -> None:
        """Forget an examination whose client waits no longer; one under way is still finished."""
        with self._changed:
            for queue in (self._urgent, self._waiting):
                if examination in queue:
                    queue.remove(examination)

    def stop(self, timeout_seconds: float) -> None:
        """End the thread after the examination under way; wait for it no longer than this."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    def _is_running(self) -> bool:
        if self._stopped or self._thread is not None:
            return not self._stopped
        self._thread = threading.Thread(target=self._run, name="genotel-page-users", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            # The process may have no more threads, or is ending.
            self._thread = None
        return self._thread is not None

    def _run(self) -> None:
        while (examination := self._next()) is not None:
            try:
                refusal = self._gate.settle(examination)
            except Exception as error:
                # Whoever could not be examined does not pass.
                refusal = plain(HTTPStatus.SERVICE_UNAVAILABLE)
                guard.report("exposition.users", error)
            self._deliver(examination, refusal)

    def _next(self) -> Examination | None:
        with self._changed:
            while not (self._urgent or self._waiting or self._stopped):
                self._changed.wait()
            if self._stopped:
                return None
            return self._urgent.popleft() if self._urgent else self._waiting.popleft()
