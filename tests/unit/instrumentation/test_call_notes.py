"""What is told of a call is recorded once, bounded, and never raises."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import pytest

import genotel
from genotel import guard
from genotel.instrumentation import accumulators
from tests.observed import Observed

STEP = "genotel_generation_step_duration_seconds"


def test_tokens_add_up(observed: Observed) -> None:
    """Said in parts, recorded once at the end."""
    with genotel.generation("m") as call:
        call.tokens(input=12)
        call.tokens(output=100)
        call.tokens(output=300)
    assert observed.value("gen_ai_client_token_usage_sum", gen_ai_token_type="input") == 12
    assert observed.value("gen_ai_client_token_usage_sum", gen_ai_token_type="output") == 400
    assert observed.value("gen_ai_client_token_usage_count") == 2
    (row,) = observed.sink.finished
    assert (row.input_tokens, row.output_tokens) == (12, 400)
    attributes = observed.spans[0].attributes or {}
    assert attributes["gen_ai.usage.input_tokens"] == 12
    assert attributes["gen_ai.usage.output_tokens"] == 400


def test_no_tokens_are_tokens_too(observed: Observed) -> None:
    """An empty answer is known to be empty."""
    with genotel.generation("m") as call:
        call.tokens(output=0)
    assert observed.value("gen_ai_client_token_usage_count", gen_ai_token_type="output") == 1
    assert observed.sink.finished[0].output_tokens == 0


def test_outputs_are_counted_by_kind(observed: Observed) -> None:
    """The kind is the call's own unless another one is named."""
    with genotel.generation("m", output="video") as call:
        call.outputs(2, frames=32, pixels=1000, seconds=1.5)
        call.outputs(kind="image")
    assert observed.value("genotel_generation_outputs_total", gen_ai_output_type="video") == 2
    assert observed.value("genotel_generation_outputs_total", gen_ai_output_type="image") == 1
    assert observed.value("genotel_generation_output_frames_total") == 32
    assert observed.value("genotel_generation_output_pixels_total") == 1000
    assert observed.value("genotel_generation_output_seconds_total") == 1.5
    assert observed.sink.finished[0].outputs == 3
    assert (observed.spans[0].attributes or {})["genotel.generation.outputs"] == 3


def test_outputs_without_a_kind_are_other(observed: Observed) -> None:
    """Nobody said what they are."""
    with genotel.generation("m") as call:
        call.outputs()
    assert observed.value("genotel_generation_outputs_total", gen_ai_output_type="other") == 1


def test_the_wait_before_a_call_is_recorded(observed: Observed) -> None:
    """Given at the start or later."""
    with genotel.generation("m", queue_seconds=0.5):
        pass
    with genotel.generation("m") as call:
        call.queued(1.5)
    name = "genotel_generation_queue_duration_seconds"
    assert (observed.value(f"{name}_count"), observed.value(f"{name}_sum")) == (2, 2.0)
    assert [row.queue_seconds for row in observed.sink.finished] == [0.5, 1.5]
    assert (observed.spans[0].attributes or {})["genotel.generation.queue.duration"] == 0.5


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -1.0])
def test_a_wait_that_is_no_duration_is_unknown(observed: Observed, seconds: float) -> None:
    """Absent, never 0 and never NaN."""
    with genotel.generation("m", queue_seconds=seconds):
        pass
    assert observed.sink.finished[0].queue_seconds is None


def test_scores_are_recorded_by_name(observed: Observed) -> None:
    """And kept with the call."""
    with genotel.generation("m") as call:
        call.score("clip", 0.31)
        call.score("aesthetic", np.float32(0.5))
    assert observed.value("genotel_generation_score_count", genotel_score_name="clip") == 1
    assert observed.sink.finished[0].scores == {"clip": 0.31, "aesthetic": 0.5}


def test_parameters_are_noted_at_the_start_or_later(observed: Observed) -> None:
    """The later ones add to the others."""
    with genotel.generation("m", parameters={"steps": 30, "prompt": "a secret"}) as call:
        call.parameters(width=1024, height=768, negative_prompt="another secret")
    assert observed.sink.finished[0].parameters == {"steps": 30, "width": 1024, "height": 768}
    attributes = observed.spans[0].attributes or {}
    assert (attributes["genotel.request.steps"], attributes["genotel.request.width"]) == (30, 1024)
    name = "genotel_generation_parameters_total"
    assert observed.value(name, genotel_parameter="resolution", genotel_value="1024x768") == 1
    assert observed.value(name, genotel_parameter="steps", genotel_value="30") == 1


def test_parameters_need_no_span(observed: Observed) -> None:
    """They are counted where none is made."""
    from genotel.instrumentation import instruments

    instruments.bind(None, observed.meter_provider)
    with genotel.generation("m", parameters={"steps": 30}):
        pass
    assert observed.value("genotel_generation_parameters_total") == 1


BAD_NOTES: list[tuple[str, str, dict[str, Any]]] = [
    ("step", "generation.step", {"count": "many"}),
    ("step", "generation.step", {"seconds": math.nan}),
    ("step", "generation.step", {"seconds": -1}),
    ("outputs", "generation.outputs", {"count": -1}),
    ("outputs", "generation.outputs", {"seconds": math.nan}),
    ("outputs", "generation.outputs", {"seconds": math.inf}),
    ("outputs", "generation.outputs", {"frames": "many"}),
    ("tokens", "generation.tokens", {"input": -1}),
    ("tokens", "generation.tokens", {"output": math.nan}),
    ("queued", "generation.queued", {"seconds": "long"}),
    ("score", "generation.score", {"name": "clip", "value": math.nan}),
    ("score", "generation.score", {"name": "clip", "value": "good"}),
]


@pytest.mark.usefixtures("forgiving")
@pytest.mark.parametrize(("method", "place", "arguments"), BAD_NOTES)
def test_what_makes_no_sense_is_left_out_and_counted(
    observed: Observed, method: str, place: str, arguments: dict[str, Any]
) -> None:
    """One NaN would stay in a counter for ever, and one exception in the user's program."""
    with genotel.generation("m") as call:
        getattr(call, method)(**arguments)
    assert guard.internal_errors() == {place: 1}
    assert observed.outcomes() == {"ok": 1}
    assert not any(
        sample.value != sample.value for sample in observed.samples("genotel_generation_output_seconds_total")
    )
    assert observed.sink.finished[0].scores is None


def test_numbers_of_numpy_are_taken_as_pythons_own(observed: Observed) -> None:
    """They would wrap around, and OTLP does not know them."""
    with genotel.generation("m") as call:
        call.step(np.int64(2))
        call.outputs(np.int32(3), frames=np.int64(2**62))
        call.outputs(np.int32(3), frames=np.int64(2**62))
        call.tokens(input=np.int64(5))
    (totals,) = accumulators.all_calls()
    made = totals.outputs["other"]
    assert (made.outputs, made.frames, type(made.frames)) == (6, 2**63, int)
    assert type(totals.steps) is type(observed.sink.finished[0].input_tokens) is int


def test_chunks_noted_by_hand_are_timed(observed: Observed) -> None:
    """A callback that gets the tokens."""
    with genotel.generation("m") as call:
        for _ in range(4):
            call.chunk()
    assert observed.value("gen_ai_client_operation_time_to_first_chunk_seconds_count") == 1
    assert observed.value("gen_ai_client_operation_time_per_output_chunk_seconds_count") == 3


def test_what_is_said_before_the_start_or_after_the_end_counts_nothing(observed: Observed) -> None:
    """The call is the one that it was when it ended."""
    call = genotel.generation("m")
    call.step()
    call.outputs()
    with call:
        pass
    call.outputs(5)
    assert observed.samples("genotel_generation_outputs_total") == []
    assert observed.sink.finished[0].outputs == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_leaves_its_parents_call_alone(observed: Observed) -> None:
    """A lock may be held by a thread that the child does not have; and the parent counts the call."""
    with genotel.generation("m") as call:
        phase = call.phase("denoise")
        (totals,) = accumulators.all_calls()
        with totals.lock:
            child = os.fork()
            if child == 0:
                accumulators.reset()
                # A lock that is never given back stands in for the other thread's.
                totals.lock = _Held()  # type: ignore[assignment]
                call.step()
                call.outputs()
                call.tokens(input=1)
                call.score("clip", 0.5)
                phase.__exit__()
                call.finish()
                with genotel.generation("m") as own:
                    fresh = own is not call
                (mine,) = accumulators.all_calls()
                os._exit(7 if fresh and mine.finished[0] == 1 and guard.internal_errors() == {} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert observed.outcomes() == {"ok": 1}


class _Held:
    """Be a lock that another thread holds."""

    def __enter__(self) -> None:
        os._exit(2)

    def __exit__(self, *_: object) -> None:
        pass
