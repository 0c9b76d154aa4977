"""Keep one child process that answers questions: start it, ask it, leave it behind, replace it.

Nothing here waits for long: a question is given up after its limit and its answer taken at the next
one. A child that ended is started again, after 1 s at first, then after twice as long each time; one
that says nothing for 10 s is killed and left behind, since not even a killed process ends while the
kernel hangs for it.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.collectors.framing import FrameReader, Message, packed

# A box without GPUs starts no child, and saves the module's memory.
if TYPE_CHECKING:
    import subprocess

_CHUNK_BYTES = 65_536
_SILENCE_SECONDS = 10.0
_FIRST_DELAY_SECONDS = 1.0
_LONGEST_DELAY_SECONDS = 60.0
_CLOSE_SECONDS = 0.5


class ChildProcess:
    """Ask a Python module that runs as a process of its own; use from one thread at a time.

    Args:
        module: run with ``python -m``; it reads questions on standard input and answers on output.
        words: its command line.
        clock: its monotonic time.
        silence_seconds: after which a child that does not answer is left behind.
    """

    def __init__(
        self,
        module: str,
        words: Sequence[str],
        *,
        clock: Clock = SYSTEM_CLOCK,
        silence_seconds: float = _SILENCE_SECONDS,
    ) -> None:
        self._module = module
        self._words = words
        self._monotonic = clock.monotonic
        self._silence = silence_seconds
        self._owner = os.getpid()
        self._child: subprocess.Popen[bytes] | None = None
        self._left_behind: list[subprocess.Popen[bytes]] = []
        self._frames = FrameReader()
        # When the question was asked that has no answer yet.
        self._asked_at: float | None = None
        self._started_at = 0.0
        self._next_start = 0.0
        self._delay = _FIRST_DELAY_SECONDS
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Return the process id of the child that runs, or None."""
        return None if self._child is None else self._child.pid

    @property
    def age_seconds(self) -> float:
        """Return how long the child has been running."""
        return self._monotonic() - self._started_at

    def ask(self, question: Message, limit_seconds: float) -> list[Message]:
        """Return everything that the child said until it answered, or within the limit.

        An empty list says that there is no answer: it is late, or there is no child now.
        """
        self._look_after()
        heard: list[Message] = []
        if self._child is None or self._child.stdin is None or self._child.stdout is None:
            return heard
        now = self._monotonic()
        deadline = now + limit_seconds
        try:
            if self._asked_at is None:
                self._asked_at = now
                # Of a child that has ended, the last words are still to be read.
                with suppress(BrokenPipeError):
                    os.write(self._child.stdin.fileno(), packed(question))
            while self._asked_at is not None and now <= deadline:
                if not _is_readable(self._child.stdout.fileno(), deadline - now):
                    break
                piece = os.read(self._child.stdout.fileno(), _CHUNK_BYTES)
                if not piece:
                    raise EOFError
                for message in self._frames.messages(piece):
                    heard.append(message)
                    if "seq" in message:
                        self._asked_at = None
                now = self._monotonic()
        except (OSError, EOFError, ValueError):
            self.replace()
            return heard
        if self._asked_at is not None and now - self._asked_at >= self._silence:
            self.replace()
        elif self._asked_at is None and self.age_seconds > _LONGEST_DELAY_SECONDS:
            self._delay = _FIRST_DELAY_SECONDS
        return heard

    def replace(self, *, at_once: bool = False) -> None:
        """Kill the child and start another one, at the next question or, as a rule, some time later."""
        self._let_go()
        if at_once:
            self._next_start = 0.0
        else:
            self._next_start = self._monotonic() + self._delay
            self._delay = min(2 * self._delay, _LONGEST_DELAY_SECONDS)

    def close(self) -> None:
        """End the child; one that hangs in the kernel is left to it."""
        if self._owner != os.getpid():
            return
        self._let_go()
        self._next_start = float("inf")
        if self._left_behind:
            import subprocess

            for child in self._left_behind:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(_CLOSE_SECONDS)

    def _look_after(self) -> None:
        if self._owner != os.getpid():
            self._disown()
        self._left_behind = [child for child in self._left_behind if child.poll() is None]
        if self._child is None and self._monotonic() >= self._next_start:
            self._start()

    def _start(self) -> None:
        import subprocess

        self._frames, self._asked_at = FrameReader(), None
        self._started_at = self._monotonic()
        self.starts += 1
        flags, environment = _same_modules()
        try:
            self._child = subprocess.Popen(  # noqa: S603  (no shell, nothing of the user's)
                [sys.executable, *flags, "-m", self._module, *self._words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env=environment,
            )
        except OSError:
            self.replace()

    def _let_go(self) -> None:
        child, self._child, self._asked_at = self._child, None, None
        if child is None:
            return
        child.kill()
        _close_pipes(child)
        self._left_behind.append(child)

    def _disown(self) -> None:
        """Forget the child of the process that this one was forked from."""
        children = [*self._left_behind, *([] if self._child is None else [self._child])]
        for child in children:
            _close_pipes(child)
            # It is not ours to wait for.
            child.returncode = 0
        self._owner, self._child, self._left_behind = os.getpid(), None, []
        self._next_start = 0.0


def _is_readable(descriptor: int, seconds: float) -> bool:
    # Not select(), which knows no descriptor above 1023.
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(seconds, 0.0) * 1000))


def _close_pipes(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()


def _same_modules() -> tuple[list[str], dict[str, str]]:
    """Return flags and environment with which a child finds the same genotel as this process."""
    if sys.flags.isolated:
        return ["-I"], {**os.environ}
    home = str(Path(__file__).parents[2])
    path = os.environ.get("PYTHONPATH")
    # -P: the working folder is searched by no child of ours.
    return ["-P"], {**os.environ, "PYTHONPATH": home if not path else f"{home}{os.pathsep}{path}"}
