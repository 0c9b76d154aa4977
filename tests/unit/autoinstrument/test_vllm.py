"""vLLM inside of a program, on stand-ins with its signatures."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest

import genotel
from genotel.autoinstrument.vllm import model_name_of

FIRST = "gen_ai_client_operation_time_to_first_chunk_seconds"


def test_many_prompts_are_one_call(observed, load):
    """With the tokens of all, and the times to first tokens that the engine kept."""
    genotel.instrument()
    engine = load("vllm.entrypoints.llm").LLM("org/llm")
    engine.generate(["a", "b"], SimpleNamespace(max_tokens=4, temperature=0.0, top_p=None))
    engine.chat([{"role": "user", "content": "hi"}])
    first, second = observed.sink.finished
    assert (first.model, first.operation, first.input_tokens, first.output_tokens, first.outputs) == (
        *("org/llm", "text_completion"),
        *(6, 8, 2),
    )
    assert first.parameters == {"max_tokens": 4, "temperature": 0.0}
    assert (second.operation, second.outputs) == ("chat", 1)
    assert observed.value(f"{FIRST}_count") == 3
    assert observed.value(f"{FIRST}_sum") == 0.75


@pytest.mark.parametrize("kind", ["CUMULATIVE", "DELTA"])
async def test_an_answer_that_grows(observed, load, kind):
    """Each token is counted once, whether the answer comes whole each time or in pieces."""
    genotel.instrument()
    engine = load("vllm.v1.engine.async_llm").AsyncLLM()
    asked = SimpleNamespace(output_kind=SimpleNamespace(name=kind))
    got = [each async for each in engine.generate("hi", asked, "1")]
    assert len(got) == 3
    (row,) = observed.sink.finished
    assert (row.model, row.input_tokens, row.output_tokens) == ("org/served", 3, 3)
    assert observed.value(f"{FIRST}_count") == 1


async def test_a_request_that_is_never_begun_counts_nothing(observed, load):
    """An async generator does nothing until it is asked; wrong arguments fail at once, as they did."""
    genotel.instrument()
    engine = load("vllm.v1.engine.async_llm").AsyncLLM()
    stream = engine.generate("hi", None, "1")
    assert inspect.isasyncgen(stream)
    await stream.aclose()
    with pytest.raises(TypeError):
        engine.generate()
    assert observed.started() == 0


async def test_a_request_that_is_dropped_is_abandoned(observed, load):
    """A client that goes away."""
    genotel.instrument()
    stream = load("vllm.v1.engine.async_llm").AsyncLLM().generate("hi", None, "1")
    await anext(stream)
    await stream.aclose()
    assert observed.outcomes() == {"abandoned": 1}


async def test_a_request_that_fails_is_an_error(observed, load):
    """With the engine's exception; what is thrown in gets through too."""
    genotel.instrument()
    engine = load("vllm.v1.engine.async_llm").AsyncLLM()
    with pytest.raises(ValueError, match="fail"):
        [each async for each in engine.generate("fail", None, "1")]
    stream = engine.generate("hi", None, "2")
    await anext(stream)
    with pytest.raises(KeyError):
        await stream.athrow(KeyError("mine"))
    assert observed.outcomes() == {"error": 2}


async def test_a_request_inside_of_a_call_is_part_of_it(observed, load):
    """It is the outer call that counts."""
    genotel.instrument()
    from genotel.autoinstrument.library_call import LibraryCall

    engine = load("vllm.v1.engine.async_llm").AsyncLLM()
    with LibraryCall(("o", "p", "around", None)):
        assert len([each async for each in engine.generate("hi", None, "1")]) == 3
    assert observed.outcomes() == {"ok": 1}


def test_the_name_of_an_engine():
    """What it serves it as, else what it was loaded from, else its class."""
    named = type("E", (), {"model_config": SimpleNamespace(served_model_name="chat", model="/x")})()
    assert model_name_of(named) == "chat"
    assert model_name_of(type("E", (), {})()) == "E"
