"""Steps and phases of a diffusion pipeline, read off its progress bar.

What comes before the first bar is ``encode``, from there to the bar's last step ``denoise``, and what
comes after it ``decode``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genotel import guard
from genotel.autoinstrument.device_clock import DeviceClock
from genotel.autoinstrument.library_call import LibraryCall

ENCODE, DENOISE, DECODE = "encode", "denoise", "decode"


class DiffusionProgress:
    """Follow one call of a pipeline; on CUDA every time is read after the call."""

    __slots__ = ("_bars", "_call", "_clock", "_phase", "_phases", "_since", "_spans")

    def __init__(self, call: LibraryCall) -> None:
        self._call = call
        self._clock = DeviceClock()
        self._phase = ENCODE
        # Mark at which the phase began, and the last one.
        self._phases: list[tuple[str, int, int]] = []
        self._spans: list[tuple[int, int, int]] = []
        self._since = 0
        self._bars: list[Any] = []
        if not self._clock.is_asynchronous:
            call.phase(ENCODE)

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
            done += n
            self._stepped(n, is_last=total is not None and done >= total)
            return result

        bar.update = count
        self._bars.append(bar)

    def stepped(self) -> None:
        """Note one step of an iteration."""
        self._stepped(1, is_last=False)

    def finished(self) -> None:
        """Note that an iteration came to its end."""
        self._guarded_enter(DECODE)

    def end(self) -> None:
        """End the last phase; read the device's times."""
        self._call.progress = None
        for bar in self._bars:
            # It would hold itself alive.
            vars(bar).pop("update", None)
        self._bars.clear()
        if not self._clock.is_asynchronous:
            return
        self._phases.append((self._phase, self._phase_begin, self._clock.mark()))
        # Where the result was left on the device it may not have come by; unknown times stay unsaid.
        if not self._clock.is_readable():
            return
        self._call.steps_took(
            [each for first, last, n in self._spans for each in [self._clock.seconds(first, last) / n] * n]
        )
        for name, first, last in self._phases:
            self._call.phase_took(name, self._clock.seconds(first, last))

    @property
    def _phase_begin(self) -> int:
        return self._phases[-1][2] if self._phases else 0

    def _guarded_enter(self, phase: str) -> None:
        try:
            self._enter(phase)
        except Exception as error:
            guard.report("diffusion_progress.phase", error)

    def _enter(self, phase: str) -> None:
        if phase == self._phase:
            return
        if self._clock.is_asynchronous:
            mark = self._clock.mark()
            self._phases.append((self._phase, self._phase_begin, mark))
            self._since = mark
        else:
            self._call.phase(phase)
        self._phase = phase

    def _stepped(self, count: int, *, is_last: bool) -> None:
        try:
            if self._clock.is_asynchronous:
                mark = self._clock.mark()
                self._call.count_steps(count)
                self._spans.append((self._since, mark, count))
                self._since = mark
            else:
                self._call.step(count)
            if is_last:
                self._enter(DECODE)
        except Exception as error:
            guard.report("diffusion_progress.step", error)


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
