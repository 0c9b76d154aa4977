"""Whatever calls do, in whatever order, the numbers add up at every moment."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from prometheus_client.parser import text_string_to_metric_families

import genotel
from genotel.instrumentation.generation import Generation, running
from tests.observed import Observed, observing

ERRORS: list[BaseException | None] = [
    None,
    ValueError("no"),
    MemoryError(),
    RuntimeError("CUDA out of memory"),
    KeyboardInterrupt(),
    asyncio.CancelledError(),
    GeneratorExit(),
]
MODELS = st.sampled_from(["a", "b", "c"])
errors = st.sampled_from(ERRORS)


@genotel.measure(model="a")
def stream(count: int) -> Iterator[int]:
    """Be a measured generator."""
    yield from range(count)


@genotel.measure(model="b")
async def async_stream(count: int) -> AsyncIterator[int]:
    """Be a measured async generator."""
    for number in range(count):
        yield number


class Calls(RuleBasedStateMachine):
    """Begin, nest, end, abandon and repeat calls of every shape, in several contexts and threads."""

    @initialize()
    def begin(self) -> None:
        """Start a measured program."""
        self._observing = observing()
        self.observed: Observed = self._observing.__enter__()
        # Each call with the context that it runs in.
        self.open: list[tuple[contextvars.Context, Generation]] = []
        self.streams: list[Iterator[int]] = []
        self.started = self.finished = 0

    def teardown(self) -> None:
        """End what is open, then the program."""
        if hasattr(self, "observed"):
            while self.open:
                self.end(None)
            self.streams.clear()
            assert self.observed.active() == 0
            assert not self.observed.processor.open
            assert len(self.observed.spans) == len(self.observed.sink.finished) == self.observed.durations()
            self._observing.__exit__(None, None, None)

    @rule(model=MODELS)
    def open_call(self, model: str) -> None:
        """Begin a call in a context of its own."""
        context = contextvars.copy_context()
        call = Generation(("o", "p", model, None))
        context.run(call.__enter__)
        self.open.append((context, call))
        self.started += 1

    @rule(model=MODELS, error=errors)
    def nest(self, model: str, error: BaseException | None) -> None:
        """Make a call inside of the last one; of the same model it is the same call."""
        if not self.open:
            return
        context, outer = self.open[-1]
        inner = Generation(("o", "p", model, None))
        assert (context.run(inner.__enter__) is outer) == (outer._what[2] == model)
        context.run(inner.__exit__, type(error), error, None)
        if outer._what[2] != model:
            self.started += 1
            self.finished += 1

    @rule(error=errors)
    def end(self, error: BaseException | None) -> None:
        """End a call, twice."""
        if self.open:
            context, call = self.open.pop()
            for _ in range(2):
                context.run(call.__exit__, type(error), error, None)
            self.finished += 1

    @rule(error=errors)
    def end_elsewhere(self, error: BaseException | None) -> None:
        """End a call in another thread."""
        if self.open:
            _, call = self.open.pop(0)
            thread = threading.Thread(target=call.finish, args=(error,))
            thread.start()
            thread.join()
            self.finished += 1

    @rule(count=st.integers(0, 3))
    def open_stream(self, count: int) -> None:
        """Begin a stream and leave it suspended; one without chunks ends at once."""
        chunks = stream(count)
        if next(chunks, None) is None:
            self.finished += 1
        else:
            self.streams.append(chunks)
        self.started += 1

    @rule(how=st.sampled_from(["drain", "close", "drop", "throw"]))
    def end_stream(self, how: str) -> None:
        """End a stream in one of its ways."""
        if not self.streams:
            return
        chunks: Any = self.streams.pop()
        if how == "drain":
            assert all(number < 3 for number in chunks)
        elif how == "close":
            chunks.close()
        elif how == "throw":
            with pytest.raises(ValueError, match="no"):
                chunks.throw(ValueError("no"))
        del chunks
        self.finished += 1

    @rule(takes=st.integers(0, 4))
    def run_async_stream(self, takes: int) -> None:
        """Take some of an async stream's three chunks, then close it."""

        async def take() -> None:
            chunks: Any = async_stream(3)
            for _ in range(takes):
                await anext(chunks, None)
            await chunks.aclose()

        asyncio.run(take())
        if takes:
            self.started += 1
            self.finished += 1

    @rule(models=st.lists(MODELS, min_size=1, max_size=4), error=errors)
    def run_threads(self, models: list[str], error: BaseException | None) -> None:
        """Make calls in several threads at once."""

        def work(model: str) -> None:
            call = Generation(("o", "p", model, None))
            call.__enter__()
            call.step()
            call.__exit__(type(error), error, None)

        threads = [threading.Thread(target=work, args=(model,)) for model in models]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.started += len(models)
        self.finished += len(models)

    @invariant()
    def counts_add_up(self) -> None:
        """By label set, on one page: started is the sum of the outcomes and what runs."""
        if not hasattr(self, "observed"):
            return
        assert running.get() is None
        found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
        durations = 0.0
        for family in text_string_to_metric_families(self.observed.text()):
            for sample in family.samples:
                labels = {name: value for name, value in sample.labels.items() if name != "genotel_outcome"}
                numbers = found.setdefault(sample.name, {})
                numbers[frozenset(labels.items())] = numbers.get(frozenset(labels.items()), 0) + sample.value
                if sample.name == "gen_ai_client_operation_duration_seconds_count":
                    durations += sample.value
        started = found.get("genotel_generation_started_total", {})
        finished = found.get("genotel_generation_requests_total", {})
        active = found.get("genotel_generation_active", {})
        assert started.keys() == finished.keys() == active.keys()
        assert all(started[labels] == finished[labels] + active[labels] for labels in started)
        assert all(count >= 0 for count in active.values())
        assert (sum(started.values()), sum(finished.values())) == (self.started, self.finished)
        assert durations == self.finished
        assert len(self.observed.processor.open) == self.started - self.finished


Calls.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestCalls = Calls.TestCase
TestCalls.__doc__ = "Random interleavings of calls, outcomes, streams and threads."
