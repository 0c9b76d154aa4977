"""When a language model made its tokens, seen by a processor of its scores that changes none.

``generate`` calls every logits processor once a token, the first time right after the prompt was read,
in greedy, sampling and beam search alike. (A streamer would be refused in beam search, and gets the
prompt first.)
"""

from __future__ import annotations

import inspect
from typing import Any

from genotel import guard
from genotel.autoinstrument.device_clock import DeviceClock
from genotel.autoinstrument.library_call import LibraryCall


class TokenClock:
    """Mark each token of one call.

    Attributes:
        muted: how many calls of other models (an assistant's) run inside of this one now.
        is_burst: whether tokens come several at a time, so that only the first one's time means something.
    """

    __slots__ = ("_clock", "_last", "is_burst", "is_placed", "muted")

    def __init__(self) -> None:
        self._clock = DeviceClock()
        self.muted = 0
        self.is_burst = False
        self.is_placed = False
        self._last = 0

    def token(self) -> None:
        """Mark a token."""
        if not self.muted and (self._last < 1 or not self.is_burst):
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
        # The library reads every processor's signature at every token, which takes longer than all that
        # is done here; from this it is told at once. Calls look at the class and never come here.
        vars(self)["__call__"] = _SIGNED

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the scores as they came."""
        try:
            self._clock.token()
        except Exception as error:
            guard.report("token_clock.token", error)
        return scores


class _Signed:
    """Stand for a processor where only its signature is asked for."""

    __signature__ = inspect.signature(lambda input_ids, scores: scores)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the scores as they came."""
        return scores


_SIGNED = _Signed()
