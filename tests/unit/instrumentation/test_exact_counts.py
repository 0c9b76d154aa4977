"""The count of record is kept where it outlives a killed process."""

from __future__ import annotations

import os
import re

import pytest

from genotel import generation
from genotel.instrumentation import accumulators
from genotel.instrumentation.exact_counts import keep_counts
from genotel.semconv import attributes as a
from tests.observed import observing


class Memory:
    """Gives out lists and remembers them by name."""

    def __init__(self, room: int = 99) -> None:
        self.room = room
        self.given: list[tuple[list[tuple[str, str]], list[int]]] = []

    def give(self, names):
        """Return a list of zeros, as long as there is room."""
        if len(self.given) >= self.room:
            return None
        self.given.append((list(names), [0] * len(names)))
        return self.given[-1][1]

    def counts(self) -> dict[tuple[str, str], int]:
        """Return what was counted, without zeros."""
        return {name: count for names, counts in self.given for name, count in zip(names, counts, strict=True) if count}


@pytest.fixture
def observed():
    """Measure with providers of our own."""
    with observing() as measured:
        yield measured


def test_calls_are_counted_under_the_names_of_the_page(observed):
    """Those before and those after; so what a killed process left joins what it had written."""
    with generation("sdxl"):
        pass
    memory = Memory()
    keep_counts(memory.give)
    with pytest.raises(ValueError, match="lost"), generation("sdxl"):
        raise ValueError("lost")
    with generation("flux"):
        pass
    page = re.findall(
        r"^(genotel_generation_(?:requests|started))_total\{(.*)\} ([1-9])$", observed.text(), re.MULTILINE
    )
    assert memory.counts() == {(family, labels): int(count) for family, labels, count in page}
    assert len(page) == 5


def test_without_room_calls_are_counted_all_the_same(observed):
    """In ordinary memory."""
    keep_counts(Memory(room=0).give)
    with generation("sdxl"):
        pass
    assert observed.outcomes() == {"ok": 1}


def test_a_reset_forgets_the_place(observed):
    """New counts go there no more, and calls under way are counted nowhere."""
    memory = Memory()
    keep_counts(memory.give)
    totals = accumulators.call_totals(accumulators.CallKey("o", "p", "m"))
    accumulators.reset()
    totals.counts[-1] += 1
    accumulators.call_totals(accumulators.CallKey("o", "p", "m")).counts[-1] += 1
    assert memory.counts() == {}


def test_a_call_that_ends_in_a_forked_child_is_not_counted_in_its_parents_memory(observed):
    """The memory is shared; the call is the parent's."""
    shared = memoryview(bytearray(8 * 6)).cast("q")
    keep_counts(lambda names: shared)
    with generation("sdxl"):
        accumulators.reset()
        assert os.getpid()
    assert [*shared] == [0] * len(a.OUTCOMES) + [1]
