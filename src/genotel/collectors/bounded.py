"""Run calls that may hang: each within a time limit, none holding up the others for long.

Python cannot end a call that hangs in the kernel or in a driver, only leave it behind in its
thread. So the calls of a run go one after another through one thread that is kept from run to run
(one hand-over a run, about 30 µs); when one of them takes its time, the calls behind it move on to
a second thread. A call that hangs keeps its thread and is skipped until it comes back: never more
than one thread per key is lost, however many runs there are.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, NamedTuple, TypeVar

from genotel.clock import SYSTEM_CLOCK, Clock

T = TypeVar("T")


class Call(NamedTuple, Generic[T]):
    """Name a call; the key says whether a hung one is still the same."""

    key: str
    function: Callable[[], T]


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """Hold what a call returned and the seconds it took."""

    value: T
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Hold what a call raised and the seconds it took."""

    error: BaseException
    seconds: float


@dataclass(frozen=True, slots=True)
class Hung:
    """Say that a call has no value: over its limit in this run, or (``still``) since one before."""

    still: bool


Outcome = Done[T] | Failed | Hung


class BoundedRunner(Generic[T]):
    """Run calls with a time limit each; use from one thread at a time.

    Args:
        name: for the names of the threads.
        limit_seconds: after which a call is given up.
        patience_seconds: after which the calls behind a slow one move on to another thread.
        clock: its monotonic time measures the calls.

    Example:
        >>> runner = BoundedRunner("doc", limit_seconds=1.0)
        >>> runner.run([Call("one", lambda: 1)])["one"].value
        1
        >>> runner.close()
    """

    def __init__(
        self, name: str, *, limit_seconds: float, patience_seconds: float = 0.05, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._name = name
        self._limit = limit_seconds
        self._patience = min(patience_seconds, limit_seconds)
        self._monotonic = clock.monotonic
        self._process = os.getpid()
        # Threads that wait for work, and keys whose call hangs in a thread of its own.
        self._idle: list[_Worker[T]] = []
        self._hung: set[str] = set()

    def run(self, calls: Sequence[Call[T]]) -> dict[str, Outcome[T]]:
        """Return what became of each call, by key.

        Takes at most the limit, plus the patience for each call that is slow.
        """
        if self._process != os.getpid():
            # After a fork there are no threads here but the one that forked.
            self._process, self._idle, self._hung = os.getpid(), [], set()
        outcomes: dict[str, Outcome[T]] = {call.key: Hung(still=True) for call in calls if call.key in self._hung}
        rest = [call for call in calls if call.key not in outcomes]
        shares: list[tuple[_Worker[T], _Share[T]]] = []
        while rest:
            worker = self._idle.pop() if self._idle else _Worker(f"genotel-{self._name}", self._hung.discard)
            share = _Share(rest, self._monotonic)
            worker.inbox.put(share)
            rest = share.wait_patiently(self._patience)
            shares.append((worker, share))
        for worker, share in shares:
            given_up = share.wait_at_most(self._limit, self._hung.add)
            outcomes.update(share.outcomes)
            if given_up is None:
                self._idle.append(worker)
            else:
                outcomes[given_up] = Hung(still=False)
        return outcomes

    def close(self) -> None:
        """End the waiting threads; one that hangs ends when its call comes back."""
        while self._idle:
            self._idle.pop().inbox.put(None)


class _Worker(Generic[T]):
    """Be a thread that works off one share after another until one of its calls was given up."""

    def __init__(self, name: str, came_back: Callable[[str], None]) -> None:
        self.inbox: SimpleQueue[_Share[T] | None] = SimpleQueue()
        self._came_back = came_back
        # A daemon: a call that hangs must not keep the program from ending.
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while (share := self.inbox.get()) is not None:
            given_up = share.work_off()
            if given_up is not None:
                self._came_back(given_up)
                return


class _Share(Generic[T]):
    """Hold calls that one thread works off, while the other one waits and may take some away."""

    def __init__(self, calls: Sequence[Call[T]], monotonic: Callable[[], float]) -> None:
        self.outcomes: dict[str, Outcome[T]] = {}
        self._calls = calls
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._ended = threading.Lock()
        self._ended.acquire()
        # Under the lock: the call that runs, the first that is not ours any more, when it began.
        self._position = 0
        self._end = len(calls)
        self._started = monotonic()
        self._given_up = False

    def work_off(self) -> str | None:
        """Run the calls; return the key of the one that was given up meanwhile."""
        while (call := self._begin()) is not None:
            outcome: Outcome[T]
            try:
                value = call.function()
            except BaseException as error:
                # Whatever it is, it must not end the thread, or the next run would wait in vain.
                outcome = Failed(error, self._monotonic() - self._started)
            else:
                outcome = Done(value, self._monotonic() - self._started)
            if not self._keep(call.key, outcome):
                return call.key
        return None

    def _begin(self) -> Call[T] | None:
        with self._lock:
            if self._position == self._end:
                self._ended.release()
                return None
            self._started = self._monotonic()
            return self._calls[self._position]

    def _keep(self, key: str, outcome: Outcome[T]) -> bool:
        with self._lock:
            if not self._given_up:
                self.outcomes[key] = outcome
                self._position += 1
            return not self._given_up

    def wait_patiently(self, patience: float) -> list[Call[T]]:
        """Wait until all has ended or one call is slow; take away and return the calls behind it."""
        seconds = patience
        while not self._ended.acquire(timeout=seconds):
            with self._lock:
                seconds = self._started + patience - self._monotonic()
                if seconds <= 0:
                    rest = list(self._calls[self._position + 1 : self._end])
                    self._end = min(self._position + 1, self._end)
                    return rest
        self._ended.release()
        return []

    def wait_at_most(self, limit: float, hangs: Callable[[str], None]) -> str | None:
        """Wait for the call that is left; return its key if it was given up."""
        seconds = self._started + limit - self._monotonic()
        while not self._ended.acquire(timeout=max(seconds, 0.0)):
            with self._lock:
                seconds = self._started + limit - self._monotonic()
                if seconds <= 0 and self._position < self._end:
                    self._given_up = True
                    key = self._calls[self._position].key
                    hangs(key)
                    return key
        return None
