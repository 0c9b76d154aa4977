"""An experiment's tags flow with the program."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import genotel
from genotel.instrumentation.context import tags
from tests.observed import Observed

Tag = tuple[str, str | None] | None


def test_a_block_tags_the_calls_inside_of_it(observed: Observed) -> None:
    """The inner experiment wins, and ends."""
    with genotel.experiment("a", variant="1"):
        with genotel.generation("m"):
            pass
        with genotel.experiment("b"), genotel.generation("m"):
            pass
        assert tags.get() == ("a", "1")
    assert tags.get() is None
    assert [(row.experiment, row.variant) for row in observed.sink.finished] == [("a", "1"), ("b", None)]
    name = "genotel_generation_requests_total"
    assert observed.value(name, genotel_experiment="a", genotel_variant="1", genotel_outcome="ok") == 1


async def test_a_decorated_function_is_tagged(observed: Observed) -> None:
    """A coroutine function for as long as it runs, not only while it is made."""

    @genotel.experiment("a")
    def function() -> Tag:
        return tags.get()

    @genotel.experiment("b")
    async def coroutine() -> Tag:
        await asyncio.sleep(0)
        return tags.get()

    assert inspect.iscoroutinefunction(coroutine)
    assert (function(), await coroutine(), tags.get()) == (("a", None), ("b", None), None)


async def test_tags_flow_into_tasks_and_into_threads_that_are_given_them() -> None:
    """As context variables do: a task copies them, a pool's thread does not unless told."""

    async def look() -> Tag:
        await asyncio.sleep(0)
        return tags.get()

    with genotel.experiment("a"), ThreadPoolExecutor(1) as pool:
        assert await asyncio.create_task(look()) == ("a", None)
        assert await asyncio.to_thread(tags.get) == ("a", None)
        assert pool.submit(tags.get).result() is None
        assert pool.submit(contextvars.copy_context().run, tags.get).result() == ("a", None)


def test_a_block_that_ends_in_another_context_raises_nothing() -> None:
    """A generator that is closed by another thread."""
    block = genotel.experiment("a")
    contextvars.copy_context().run(block.__enter__)
    thread = threading.Thread(target=block.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    assert tags.get() is None


def test_a_block_may_be_entered_again() -> None:
    """Inside of itself and after its end."""
    block = genotel.experiment("a")
    with block:
        with block:
            assert tags.get() == ("a", None)
        assert tags.get() == ("a", None)
    with block:
        assert tags.get() == ("a", None)
    assert tags.get() is None


def test_names_become_texts() -> None:
    """A number is a good name for a variant."""
    with genotel.experiment(1, variant=2):  # type: ignore[arg-type]  # what a user may do
        assert tags.get() == ("1", "2")


def test_the_exception_passes() -> None:
    """And the tag ends."""
    with pytest.raises(ValueError, match="no"), genotel.experiment("a"):
        raise ValueError("no")
    assert tags.get() is None
