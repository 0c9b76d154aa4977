"""A fault in any function that a hook calls: the user's result, exception and traceback are what they were.

The functions are found by watching each hook of the table run, so a new hook, and whatever a hook comes to
call, is tested without a new line here.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from opentelemetry import context

import genotel
from genotel import guard
from genotel.autoinstrument.patching import Patch
from genotel.autoinstrument.registry import INSTRUMENTORS
from genotel.instrumentation.generation import running
from tests.contract.test_instrumentors import CASES, Case, called
from tests.fault_injection import SOURCE, Watched, fault_in, watch
from tests.observed import Observed, lenient, observing
from tests.stand_ins import LIBRARIES, stand_ins

HOOKS = [(each.library, patch) for each in INSTRUMENTORS for patches in each._by_module.values() for patch in patches]
each_hook = pytest.mark.parametrize(
    ("library", "patch"),
    HOOKS,
    ids=[f"{library}-{patch.module.rsplit('.', 1)[-1]}.{patch.owner}.{patch.name}" for library, patch in HOOKS],
)


class Thing:
    """Be whatever a hook is given or gives back."""

    def __call__(self, *_: Any) -> None:
        """Be a callback."""


def gives(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Be a function of a library."""
    return self.result


def fails(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Be a function that raises."""
    raise ValueError("told to")


def streams(self: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
    """Be a function that gives its answer bit by bit."""
    yield self.result


async def streams_later(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
    """Be that in an event loop."""
    yield self.result


async def collected(stream: AsyncIterator[Any]) -> Any:
    """Return the one item of a stream."""
    (item,) = [each async for each in stream]
    return item


USERS = {each.__code__ for each in (gives, fails, streams, streams_later, Thing.__call__)}


def outcome(original: Callable[..., Any], function: Callable[..., Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Call a function with what it takes; return what the user sees of it."""
    subject = Thing()
    subject.result = Thing()  # type: ignore[attr-defined]
    _, *taken = inspect.signature(function).parameters.values()
    given = [Thing() for each in taken if each.kind is each.POSITIONAL_OR_KEYWORD and each.default is each.empty]
    try:
        result = function(subject, *given, **kwargs)
        if original is streams:
            (result,) = result
        elif original is streams_later:
            result = asyncio.run(collected(result))
    except BaseException as error:
        frames = [
            (frame.name, frame.lineno)
            for frame in traceback.extract_tb(error.__traceback__)
            if not frame.filename.startswith(SOURCE) and frame.name in ("fails",)
        ]
        return (type(error), error.args, error.__context__, error.__cause__, frames)
    return (result is subject.result,)


@pytest.fixture
def observed() -> Iterator[Observed]:
    """Measure the test with providers of its own; nothing may be left current."""
    with observing() as observed, lenient():
        yield observed


def assert_harmless(run: Callable[[], Any], expected: Any, seen: Watched) -> int:
    """Put each fault in, one at a time: into the first call of a function and into its last."""
    met = 0
    for code in seen.targets():
        for at in sorted({1, seen.called[code]}):
            guard.reset()
            where = f"a fault in {code.co_qualname} ({code.co_filename.rpartition('/')[2]}), call {at}"
            with fault_in(code, at=at) as done:
                found = run()
            assert found == expected, where
            if done:
                met += 1
                assert guard.internal_errors(), f"{where} was not counted"
            assert running.get() is None, where
            assert context.get_current() == {}, where
    return met


@each_hook
def test_a_fault_in_what_a_hook_calls_changes_nothing(observed: Observed, library: str, patch: Patch) -> None:
    """Whatever its function gives, raises or streams."""
    runs: list[tuple[Callable[[], Any], Any, Watched]] = []
    for original in (gives, fails, streams, streams_later):
        wrapped = patch.wrap(original)
        has_names = any(each.kind is each.VAR_KEYWORD for each in inspect.signature(wrapped).parameters.values())
        kwargs = {"output_type": "np", "num_inference_steps": 2} if has_names else {}

        def run(
            original: Callable[..., Any] = original,
            wrapped: Callable[..., Any] = wrapped,
            kwargs: dict[str, Any] = kwargs,
        ) -> Any:
            return outcome(original, wrapped, kwargs)

        expected = run()
        runs.append((run, expected, watch(run, USERS.__contains__)))
    passages = {code for *_, seen in runs for code in seen.passages}
    # Its function was called by way of us.
    assert passages
    for run, expected, seen in runs:
        seen.passages |= passages
        assert_harmless(run, expected, seen)


@pytest.mark.parametrize("is_good", [True, False], ids=["gives", "fails"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_fault_inside_of_a_real_call_changes_nothing(observed: Observed, case: Case, is_good: bool) -> None:
    """The same on stand-ins with the libraries' structure: steps, tokens, results, spans, exporters."""
    given = case.good if is_good else case.bad
    if given is None:
        return
    with stand_ins() as load:
        genotel.instrument()
        subject = case.make(load)

        def run() -> Any:
            try:
                return type(called(case, subject, given))
            except BaseException as error:
                frames = traceback.extract_tb(error.__traceback__)
                seen = [(each.name, each.lineno) for each in frames if each.filename.startswith(str(LIBRARIES))]
                return (type(error), error.args, error.__context__, error.__cause__, seen)

        expected = run()
        assert guard.internal_errors() == {}
        seen = watch(run, lambda code: code.co_filename.startswith(str(LIBRARIES)))
        assert assert_harmless(run, expected, seen) > 10
