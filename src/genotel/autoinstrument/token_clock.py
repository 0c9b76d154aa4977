"""When a language model made its tokens, seen where its scores are processed.

``generate`` calls its list of logits processors once a token, the first time right after the prompt was
read, in greedy, sampling and beam search alike. (A streamer would be refused in beam search, and gets
the prompt first.) The list is called even where it is empty, but not where tokens come several at a
time: there a processor of ours, which changes nothing, is put into it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genotel import guard
from genotel.autoinstrument.device_clock import DeviceClock
from genotel.autoinstrument.library_call import LibraryCall
from genotel.instrumentation.generation import running


class TokenClock:
    """Mark each token of one call.

    Attributes:
        is_burst: whether tokens come several at a time, so that only the first one's time means something.
        is_placed: whether a :class:`Watcher` tells of the tokens.
    """

    __slots__ = ("_clock", "_last", "is_burst", "is_placed")

    def __init__(self) -> None:
        self._clock = DeviceClock()
        self.is_burst = False
        self.is_placed = False
        self._last = 0

    def token(self) -> None:
        """Mark a token."""
        if self._last < 1 or not self.is_burst:
            self._last = self._clock.mark()

    def tell(self, call: LibraryCall) -> None:
        """Tell the call the time to its first token, and the mean time between the others.

        A record for every token would cost a small model more than its tokens.
        """
        if not self._last or not self._clock.is_readable():
            return
        took = [self._clock.seconds(0, 1)]
        if self._last > 1:
            took.append(self._clock.seconds(1, self._last) / (self._last - 1))
        call.chunks_took(took)


class Watcher:
    """Be a logits processor that only looks at the clock."""

    def __init__(self, clock: TokenClock) -> None:
        self._clock = clock

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the scores as they came."""
        try:
            self._clock.token()
        except Exception as error:
            guard.report("token_clock.token", error)
        return scores


def watching(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what makes the call of a list of logits processors one that marks a token."""

    def process(*args: Any, **kwargs: Any) -> Any:
        try:
            clock = getattr(running.get(), "progress", None)
            # An assistant's drafts go through such a list too, and they come in bursts only.
            if type(clock) is TokenClock and not clock.is_burst:
                clock.token()
        except Exception as error:
            guard.report("token_clock.watching", error)
        return original(*args, **kwargs)

    return process
