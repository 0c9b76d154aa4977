"""Completions of llama-cpp-python, on a stand-in with its signatures."""

from __future__ import annotations

import pytest

import genotel

FIRST = "gen_ai_client_operation_time_to_first_chunk_seconds_count"


@pytest.fixture
def llama(load):
    """Return a model, measured."""
    genotel.instrument()
    return load("llama_cpp.llama").Llama("/srv/tiny.gguf", n_ctx=128)


def test_a_completion_is_counted_once(observed, llama):
    """A call of the object ends in ``create_completion``; so does a chat."""
    llama("hi", max_tokens=4)
    llama.create_chat_completion([{"role": "user", "content": "hi"}])
    llama.create_embedding("hi")
    rows = observed.sink.finished
    assert [(row.model, row.operation) for row in rows] == [
        ("tiny.gguf", "text_completion"),
        ("tiny.gguf", "chat"),
        ("tiny.gguf", "embeddings"),
    ]
    assert [(row.input_tokens, row.output_tokens) for row in rows] == [(3, 2), (3, 2), (3, None)]
    assert observed.value("genotel_model_load_duration_seconds_count") == 1


@pytest.mark.parametrize("way", ["completion", "chat"])
def test_a_stream_is_measured_to_its_end(observed, llama, way):
    """The chunks are the library's; each is a token, but for the one that names the role."""
    messages = [{"role": "user", "content": "hi"}]
    chunks = llama("hi", stream=True) if way == "completion" else llama.create_chat_completion(messages, stream=True)
    assert observed.active() == 1
    assert len([*chunks]) == (2 if way == "completion" else 3)
    (row,) = observed.sink.finished
    assert (row.outcome, row.output_tokens) == ("ok", 2)
    assert observed.value(FIRST) == 1


def test_a_stream_that_is_dropped_is_abandoned(observed, llama):
    """As any other stream of ours."""
    chunks = llama("hi", stream=True)
    next(chunks)
    chunks.close()
    assert observed.outcomes() == {"abandoned": 1}


def test_what_is_thrown_in_gets_through(observed, llama):
    """To the library's own generator."""
    chunks = llama("hi", stream=True)
    next(chunks)
    with pytest.raises(KeyError):
        chunks.throw(KeyError("mine"))
    assert observed.outcomes() == {"error": 1}
