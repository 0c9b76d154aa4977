"""Steps and phases of a diffusion pipeline, read off its progress bar.

What comes before the first bar is ``encode``, from there to the bar's last step ``denoise``, and what
comes after it ``decode``. While the call runs its steps are counted and moments are marked; times are
recorded when it has ended. On CUDA they are not known before, and elsewhere code of ours between the
steps would cost several times what it costs in one go: the pipeline's own code crowds it out of the
processor's caches each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genotel import guard
from genotel.autoinstrument.device_clock import DeviceClock
from genotel.autoinstrument.library_call import LibraryCall

ENCODE, DENOISE, DECODE = "encode", "denoise", "decode"


class DiffusionProgress:
    """Follow one call of a pipeline."""

    __slots__ = ("_bars", "_call", "_clock", "_phase", "_phase_begin", "_phases", "_since", "_steps")

    def __init__(self, call: LibraryCall) -> None:
        self._call = call
        # Its first mark, number 0, is the begin of the call.
        self._clock = DeviceClock()
        self._phase = ENCODE
        self._phase_begin = 0
        # Name, first and last mark of each phase that has ended.
        self._phases: list[tuple[str, int, int]] = []
        # First and last mark of steps that ended together, and how many they were.
        self._steps: list[tuple[int, int, int]] = []
        self._since = 0
        self._bars: list[Any] = []

    def follow(self, bar: Any) -> None:
        """See the steps of a bar, by its updates or by its iteration; the bar stays the user's own object."""
        self._enter(DENOISE)
        if bar.iterable is not None:
            bar.iterable = _Steps(bar.iterable, self)
            return
        update, total = bar.update, bar.total
        done = 0

        def count(n: Any = 1) -> Any:
            nonlocal done
            result = update(n)
            try:
                done += n
                self._stepped(n, is_last=total is not None and done >= total)
            except Exception as error:
                guard.report("diffusion_progress.step", error)
            return result

        bar.update = count
        self._bars.append(bar)

    def stepped(self) -> None:
        """Note one step of an iteration."""
        try:
            self._stepped(1, is_last=False)
        except Exception as error:
            guard.report("diffusion_progress.step", error)

    def finished(self) -> None:
        """Note that an iteration came to its end."""
        try:
            self._enter(DECODE)
        except Exception as error:
            guard.report("diffusion_progress.phase", error)

    def end(self) -> None:
        """End the last phase; record every time that is known."""
        call, clock = self._call, self._clock
        call.progress = None
        for bar in self._bars:
            # It would hold itself alive.
            vars(bar).pop("update", None)
        self._bars.clear()
        self._phases.append((self._phase, self._phase_begin, clock.mark()))
        # Where the result was left on the device it may not have come by; unknown times stay unsaid.
        if not clock.is_readable():
            return
        for first, last, count in self._steps:
            call.steps_took(clock.seconds(first, last) / count, count)
        for name, first, last in self._phases:
            call.phase_took(name, clock.seconds(first, last))

    def _enter(self, phase: str) -> None:
        if phase == self._phase:
            return
        self._since = self._clock.mark()
        self._phases.append((self._phase, self._phase_begin, self._since))
        self._phase, self._phase_begin = phase, self._since

    def _stepped(self, count: int, *, is_last: bool) -> None:
        if count < 1:
            return
        mark = self._clock.mark()
        self._steps.append((self._since, mark, count))
        self._since = mark
        self._call.count_steps(count)
        if is_last:
            self._enter(DECODE)


class _Steps:
    """Be what a bar iterates over, and tell of each item that was worked on."""

    def __init__(self, items: Any, progress: DiffusionProgress) -> None:
        self._items, self._progress = items, progress

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            yield item
            self._progress.stepped()
        self._progress.finished()

    def __len__(self) -> int:
        return len(self._items)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._items, name)
