"""Steps and phases are timed from mark to mark."""

from __future__ import annotations

import pytest

import genotel
from genotel.instrumentation import steps
from tests.observed import Observed

STEP = "genotel_generation_step_duration_seconds"
PHASE = "genotel_generation_phase_duration_seconds"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stop the clock of steps; the one element is the time."""
    now = [100.0]
    monkeypatch.setattr(steps, "perf_counter", lambda: now[0])
    monkeypatch.setattr("genotel.instrumentation.generation.perf_counter", lambda: now[0])
    return now


def test_a_step_lasts_from_the_one_before_it(observed: Observed, clock: list[float]) -> None:
    """The first one from the start of the call."""
    with genotel.generation("m") as call:
        for seconds in (0.25, 0.5, 1.0):
            clock[0] += seconds
            call.step()
    assert (observed.value(f"{STEP}_count"), observed.value(f"{STEP}_sum")) == (3, 1.75)
    assert observed.value("genotel_generation_steps_total") == 3
    assert observed.sink.finished[0].steps == 3
    assert (observed.spans[0].attributes or {})["genotel.generation.steps"] == 3


def test_several_steps_at_once_share_their_time(observed: Observed, clock: list[float]) -> None:
    """A callback that comes every fourth step."""
    with genotel.generation("m") as call:
        clock[0] += 1.0
        call.step(4)
    assert (observed.value(f"{STEP}_count"), observed.value(f"{STEP}_sum")) == (4, 1.0)


def test_a_steps_time_may_be_given(observed: Observed, clock: list[float]) -> None:
    """Device events know better than the host's clock."""
    with genotel.generation("m") as call:
        call.step(2, seconds=0.125)
    assert observed.value(f"{STEP}_sum") == 0.25


@pytest.mark.parametrize("count", [0, -3])
def test_no_steps_are_no_steps(observed: Observed, count: int) -> None:
    """They end nothing."""
    with genotel.generation("m") as call:
        call.step(count)
    assert observed.samples(f"{STEP}_count") == []
    assert observed.sink.finished[0].steps == 0


def test_a_mistaken_count_does_not_hold_the_program_up(observed: Observed) -> None:
    """The step's number in the place of one: counted, but not recorded one by one."""
    with genotel.generation("m") as call:
        call.step(10**9)
    assert observed.value("genotel_generation_steps_total") == 10**9
    assert observed.value(f"{STEP}_count") == steps.MAX_RECORDS


def test_a_phase_ends_with_the_next_one_or_the_call(observed: Observed, clock: list[float]) -> None:
    """Or with its own block."""
    with genotel.generation("m") as call:
        call.phase("encode")
        clock[0] += 0.5
        with call.phase("denoise") as phase:
            assert phase is not None
            clock[0] += 2.0
        clock[0] += 8.0
        call.phase("decode")
        clock[0] += 1.0
    phases = {name: observed.value(f"{PHASE}_sum", genotel_phase=name) for name in ("encode", "denoise", "decode")}
    assert phases == {"encode": 0.5, "denoise": 2.0, "decode": 1.0}
    assert observed.value(f"{PHASE}_count") == 3


def test_a_block_ends_its_own_phase_only(observed: Observed, clock: list[float]) -> None:
    """Another one may have begun inside of it."""
    with genotel.generation("m") as call:
        with call.phase("denoise"):
            clock[0] += 1.0
            call.phase("decode")
            clock[0] += 2.0
        clock[0] += 4.0
    assert observed.value(f"{PHASE}_sum", genotel_phase="denoise") == 1.0
    assert observed.value(f"{PHASE}_sum", genotel_phase="decode") == 6.0


def test_a_block_that_outlives_its_call_ends_nothing_twice(observed: Observed, clock: list[float]) -> None:
    """The call's end was its end."""
    call = genotel.generation("m")
    with call:
        phase = call.phase("denoise")
        clock[0] += 1.0
    with phase:
        clock[0] += 1.0
    assert (observed.value(f"{PHASE}_count"), observed.value(f"{PHASE}_sum")) == (1, 1.0)


def test_the_first_step_of_a_phase_lasts_from_its_beginning(observed: Observed, clock: list[float]) -> None:
    """What was before is no part of it."""
    with genotel.generation("m") as call:
        clock[0] += 8.0
        with call.phase("denoise"):
            clock[0] += 0.5
            call.step()
        clock[0] += 0.25
        call.step()
    assert observed.value(f"{STEP}_sum") == 0.75
