"""Faults put into every function that our hooks call, found by watching them run; nothing is listed by hand."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

import genotel
from genotel import guard

SOURCE = genotel.__path__[0]
HOOKS = f"{SOURCE}/autoinstrument/"
_GUARD = guard.__file__
# Who gets what leaves a program: the SDK with its processors and exporters, and the tests' own.
_EXPORTERS = re.compile(r"opentelemetry/sdk/|tests/observed\.py")
# Where ours may be entered by machinery that is none of a call's: the import system, the collector.
_MACHINERY = ("<frozen",)


class InjectedError(Exception):
    """Be a fault of ours."""


@dataclass
class Watched:
    """Hold what was seen of one run.

    Attributes:
        called: functions that our hooks call, ours and those of others, and the SDK's and exporters' that
            any code of ours calls; with how often.
        passages: functions of ours that were on the stack when code of the user ran; what they call
            themselves is what catches, and a fault at their own first line cannot be caught by anything.
    """

    called: dict[CodeType, int] = field(default_factory=dict)
    passages: set[CodeType] = field(default_factory=set)
    _callers: dict[CodeType, set[CodeType]] = field(default_factory=dict)

    def targets(self) -> list[CodeType]:
        """Return the functions to put a fault into."""
        return [
            code
            for code in self.called
            if code not in self.passages and not self._callers[code] & self.passages and not _is_generator(code)
        ]


def _is_generator(code: CodeType) -> bool:
    return bool(code.co_flags & 0x220)


def _is_ours(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_code.co_filename.startswith(SOURCE) and frame.f_code.co_filename != _GUARD


def watch(run: Callable[[], Any], users: Callable[[CodeType], bool]) -> Watched:
    """Run and say which functions there are to put a fault into; ``users`` tells code of the user's."""
    seen = Watched()

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        code, caller = frame.f_code, frame.f_back
        if users(code):
            while caller is not None:
                if _is_ours(caller):
                    seen.passages.add(caller.f_code)
                caller = caller.f_back
            return
        if caller is None or not _is_ours(caller) or code.co_filename == _GUARD:
            return
        if code.co_filename.startswith(_MACHINERY):
            return
        if caller.f_code.co_filename.startswith(HOOKS) or _EXPORTERS.search(code.co_filename):
            seen.called[code] = seen.called.get(code, 0) + 1
            seen._callers.setdefault(code, set()).add(caller.f_code)

    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(None)
    return seen


@contextmanager
def fault_in(target: CodeType, *, at: int = 1) -> Iterator[list[int]]:
    """Let the ``at``-th call of a function, of those that code of ours makes, raise at its first line.

    Gives a list that holds 1 for each fault that was put in.
    """
    left = [at]
    done: list[int] = []

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code is target and _is_ours(frame.f_back):
            left[0] -= 1
            if left[0] == 0:
                done.append(1)
                # Raised here it comes out of the function; the interpreter then takes this profiler away.
                raise InjectedError

    # A function that ends like this tells its end to nobody: a tracer that counts frames (coverage's) would
    # go on with the wrong one, so it rests meanwhile.
    tracer = sys.gettrace()
    sys.settrace(None)
    sys.setprofile(profile)
    try:
        yield done
    finally:
        sys.setprofile(None)
        sys.settrace(tracer)
