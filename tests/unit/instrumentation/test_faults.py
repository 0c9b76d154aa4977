"""Whatever of ours breaks, the user's result and exception are what they were, and the fault is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import genotel
from genotel import guard
from genotel.instrumentation import call_notes, generation, instruments, site
from genotel.instrumentation.instruments import IN_FORCE
from genotel.instrumentation.sink import OUT
from tests.observed import Observed

pytestmark = pytest.mark.usefixtures("forgiving")


class BrokenError(Exception):
    """Be our fault."""


def broken(*_: object, **__: object) -> Any:
    """Raise."""
    raise BrokenError


class Broken:
    """Raise whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        return broken


class BrokenSpan:
    """Be a span of which one method raises."""

    def __init__(self, span: Any, method: str) -> None:
        self._span, self._method = span, method

    def __getattr__(self, name: str) -> Any:
        return broken if name == self._method else getattr(self._span, name)


class TracerOfBrokenSpans:
    """Make such spans."""

    def __init__(self, tracer: Any, method: str) -> None:
        self._tracer, self._method = tracer, method

    def start_span(self, *arguments: Any) -> Any:
        """Return one."""
        return BrokenSpan(self._tracer.start_span(*arguments), self._method)


Break = Callable[[pytest.MonkeyPatch], None]


def replace(owner: Any, name: str, value: Any = broken) -> Break:
    """Return what breaks one attribute."""
    return lambda patch: patch.setattr(owner, name, value)


def break_instrument(name: str) -> Break:
    """Return what breaks one instrument."""
    return lambda patch: patch.setattr(IN_FORCE.bound, name, Broken())


def break_binding(patch: pytest.MonkeyPatch) -> None:
    """Break the making of instruments."""
    patch.setattr(IN_FORCE, "bound", None)
    patch.setattr(generation, "instruments", broken)


def break_span(method: str) -> Break:
    """Return what breaks one method of every span."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        assert IN_FORCE.bound is not None
        patch.setattr(IN_FORCE.bound, "tracer", TracerOfBrokenSpans(IN_FORCE.bound.tracer, method))

    return apply


# What a call that says everything of itself records.
HISTOGRAMS = [
    "duration",
    "input_tokens",
    "output_tokens",
    "phase_duration",
    "queue_duration",
    "score",
    "step_duration",
    "time_per_output_chunk",
    "time_to_first_chunk",
]
PLACES: dict[str, Break] = {
    **{f"instrument {name}": break_instrument(name) for name in HISTOGRAMS},
    "tracer": break_instrument("tracer"),
    **{
        f"span.{method}": break_span(method)
        for method in ("set_attribute", "set_attributes", "set_status", "end", "get_span_context", "is_recording")
    },
    "every instrument": replace(IN_FORCE, "bound", Broken()),
    "instruments()": break_binding,
    "site_for": replace(generation, "site_for"),
    "set_span_in_context": replace(generation, "set_span_in_context"),
    "attach": replace(generation, "attach"),
    "outcome_of": replace(generation, "outcome_of"),
    "error_type": replace(generation, "error_type"),
    "safe_parameters": replace(call_notes, "safe_parameters"),
    "counted_values": replace(call_notes, "counted_values"),
    "span_attributes": replace(call_notes, "span_attributes"),
    "CallRow": replace(call_notes, "CallRow"),
    "Progress": replace(call_notes, "Progress"),
    "sink": replace(OUT, "sink", Broken()),
    "call_totals": replace(site.accumulators, "call_totals"),
    "model_name": replace(site, "model_name"),
}
# What a call meets only when it fails, and where no fault of ours can be seen.
SEEN_IN_FAILURES = {"outcome_of", "error_type", "span.set_status"}
NEVER_SEEN = {"span.is_recording"}


class UserError(Exception):
    """Be the user's."""


def note_everything() -> None:
    """Say all that can be said of the call that is running."""
    call = genotel.current_generation()
    call.step(2)
    with call.phase("decode"):
        call.outputs(1, frames=2)
    call.queued(1.0)
    call.tokens(input=1, output=2)
    call.score("clip", 0.5)
    call.parameters(steps=3, width=4, height=5)
    call.chunk()
    call.chunk()


measured = genotel.measure(model="m")


def sync_call(fails: bool) -> list[object]:
    """Call a function."""

    @measured
    def function() -> str:
        note_everything()
        if fails:
            raise UserError("mine")
        return "result"

    return [function()]


def block(fails: bool) -> list[object]:
    """Run a block with everything given at its start."""
    with genotel.generation("m", parameters={"steps": 1}, prompt="a cat", queue_seconds=1.0):
        note_everything()
        if fails:
            raise UserError("mine")
    return ["result"]


def generator(fails: bool) -> list[object]:
    """Drain a generator."""

    @measured
    def stream() -> Iterator[str]:
        yield "a"
        note_everything()
        if fails:
            raise UserError("mine")
        yield "b"

    return [*stream()]


def coroutine(fails: bool) -> list[object]:
    """Await a coroutine."""

    @measured
    async def function() -> str:
        await asyncio.sleep(0)
        note_everything()
        if fails:
            raise UserError("mine")
        return "result"

    return [asyncio.run(function())]


def async_generator(fails: bool) -> list[object]:
    """Drain an async generator."""

    @measured
    async def stream() -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(0)
        note_everything()
        if fails:
            raise UserError("mine")
        yield "b"

    async def drain() -> list[object]:
        return [item async for item in stream()]

    return asyncio.run(drain())


SHAPES = {
    sync_call: ["result"],
    block: ["result"],
    generator: ["a", "b"],
    coroutine: ["result"],
    async_generator: ["a", "b"],
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_fault_of_ours_changes_nothing_for_the_user(
    observed: Observed, monkeypatch: pytest.MonkeyPatch, shape: Callable[[bool], list[object]], place: str
) -> None:
    """Result and exception, in every shape, with every part broken; nothing is left running or current."""
    PLACES[place](monkeypatch)
    assert shape(False) == SHAPES[shape]
    seen = guard.internal_errors()
    with pytest.raises(UserError, match="mine") as caught:
        shape(True)
    assert caught.value.__context__ is None
    assert caught.traceback[-1].path.name == "test_faults.py"
    seen_in_failure = guard.internal_errors()
    monkeypatch.undo()
    if place not in NEVER_SEEN:
        assert sum(seen_in_failure.values()) > sum(seen.values())
        assert seen or place in SEEN_IN_FAILURES
    assert observed.active() == 0
    assert observed.started() == sum(observed.outcomes().values())


@pytest.mark.parametrize("place", ["instrument duration", "span.end", "sink", "span.set_attributes", "CallRow"])
def test_one_broken_part_costs_only_itself(observed: Observed, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """The count of record, and whatever else is whole, goes on."""
    PLACES[place](monkeypatch)
    block(False)
    monkeypatch.undo()
    assert observed.outcomes() == {"ok": 1}
    assert observed.durations() == (0 if place == "instrument duration" else 1)
    assert len(observed.spans) == (0 if place == "span.end" else 1)
    assert len(observed.sink.finished) == (0 if place in ("sink", "CallRow") else 1)


def test_instruments_that_cannot_be_made_are_not_asked_for_again(observed: Observed) -> None:
    """Calls are counted all the same; to try at every call would cost every call."""

    class Provider:
        """Be a provider that breaks; count how often it is asked."""

        asked = 0

        def get_meter(self, *_: object, **__: object) -> Any:
            """Raise."""
            self.asked += 1
            raise BrokenError

    provider = Provider()
    instruments.bind(None, provider)  # type: ignore[arg-type]  # a broken one
    assert IN_FORCE.bound is not None
    block(False)
    block(False)
    assert provider.asked == 1
    assert guard.internal_errors() == {"instruments.make": 1}
    (totals,) = site.accumulators.all_calls()
    assert totals.finished[0] == 2


def test_a_given_parameter_never_gets_out_by_a_fault(observed: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be made safe is not handed on as it was."""
    monkeypatch.setattr(call_notes, "safe_parameters", broken)
    with genotel.generation("m", parameters={"prompt": "a secret"}):
        (snapshot,) = observed.sink.running.values() if observed.sink.running else [lambda: None]
        assert "secret" not in str(snapshot())
    assert "secret" not in str(observed.sink.finished)
