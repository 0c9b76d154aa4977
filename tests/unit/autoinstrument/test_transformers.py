"""``generate`` of transformers, on stand-ins with its structure."""

from __future__ import annotations

from typing import Any

import pytest

import genotel
from genotel import guard
from genotel.autoinstrument import token_clock, transformers

FIRST = "gen_ai_client_operation_time_to_first_chunk_seconds_count"
BETWEEN = "gen_ai_client_operation_time_per_output_chunk_seconds_count"


@pytest.fixture
def model(load) -> Any:
    """Return a model, measured."""
    genotel.instrument()
    return load("transformers.modeling_utils").PreTrainedModel()


@pytest.fixture
def ids(load) -> Any:
    """Return two prompts of three tokens."""
    return load("transformers.generation.utils").Ids([[5, 6, 7], [5, 6, 8]])


def test_tokens_and_their_times(observed, model, ids):
    """The first one after the prompt was read; the mean of the others."""
    model.generate(ids, max_new_tokens=4, temperature=0.5)
    (row,) = observed.sink.finished
    assert (row.model, row.input_tokens, row.output_tokens, row.outputs) == ("org/tiny", 6, 8, 2)
    assert row.parameters == {"max_tokens": 4, "temperature": 0.5}
    assert observed.value(FIRST) == 1
    assert observed.value(BETWEEN) == 1


@pytest.mark.parametrize("eos", [0, [2, 0], 2], ids=["the filling is the end", "one of several", "another word"])
def test_rows_that_end_early(observed, model, ids, eos):
    """What fills them up is not written by the model; the word that ends them is."""
    model.generation_config.eos_token_id = eos
    ends = 2 if eos == 2 else 0
    model.answers = [[9, ends, 0, 0], [9, 9, 9, ends]]
    model.generate(ids, max_new_tokens=4)
    assert observed.sink.finished[0].output_tokens == 6


def test_what_a_decoder_is_begun_with_is_not_written(observed, model, ids):
    """Where an encoder reads the prompt, its answer may begin with the token that it was given."""
    model.config.is_encoder_decoder = True
    model.generation_config.decoder_start_token_id = 5
    model.generate(ids, max_new_tokens=4)
    # The stand-in gives the prompt back, which begins with that token: it takes all else for written.
    assert observed.sink.finished[0].output_tokens == 2 * (3 + 4 - 1)
    model.generation_config.decoder_start_token_id = 9
    model.generate(ids, max_new_tokens=4)
    assert observed.sink.finished[1].output_tokens == 2 * (3 + 4)


def test_processors_of_the_user_stay(observed, model, ids):
    """Nothing is put between them, however they are given; tokens are timed all the same."""
    seen = []
    mine = [lambda input_ids, scores: seen.append(scores)]
    model.generate(ids, logits_processor=mine, max_new_tokens=2)
    assert (len(mine), model.seen, seen) == (1, 1, [0.5, 0.5])
    model.generate(ids, None, mine, max_new_tokens=2)
    assert model.seen == 1
    model.generate(ids, custom_generate="mine", max_new_tokens=2)
    assert model.seen == 0
    assert observed.value(FIRST) == 3
    assert observed.outcomes() == {"ok": 3}


def test_where_tokens_come_in_bursts_a_watcher_is_put_in(observed, model, ids):
    """A list of ours is made of the user's; by position, or in their own way of generating, there is no room."""
    mine = [lambda input_ids, scores: scores]
    model.generate(ids, logits_processor=mine, prompt_lookup_num_tokens=3, max_new_tokens=2)
    assert (len(mine), model.seen) == (1, 2)
    model.generate(ids, None, mine, prompt_lookup_num_tokens=3, max_new_tokens=2)
    assert model.seen == 1
    model.generate(ids, custom_generate="mine", prompt_lookup_num_tokens=3, max_new_tokens=2)
    assert model.seen == 0
    assert observed.value(FIRST) == 1
    assert observed.value(BETWEEN) == 0


def test_an_assistants_tokens_are_none(observed, load, model, ids):
    """Its drafts come before the first token; tokens come several at a time, so only the first is timed."""
    model.generate(ids, assistant_model=load("transformers.modeling_utils").PreTrainedModel(), max_new_tokens=4)
    assert observed.outcomes() == {"ok": 1}
    assert observed.value(FIRST) == 1
    assert observed.value(BETWEEN) == 0


def test_a_generate_of_a_models_own(observed, load, ids):
    """What calls the usual one is one call with times; what does not is one without."""
    genotel.instrument()
    own = load("transformers.models.whisper.modeling_whisper")
    own.FakeWhisper().generate(ids, max_new_tokens=2)
    own.FakeBark().generate(input_ids=ids)
    assert observed.outcomes() == {"ok": 2}
    assert observed.value(FIRST) == 1
    before = vars(own.FakeBark)["generate"].__wrapped__
    genotel.uninstrument()
    assert vars(own.FakeBark)["generate"] is before


def test_loading(observed, load):
    """Models are named; what comes with them is passed on."""
    genotel.instrument()
    kind = load("transformers.modeling_utils").PreTrainedModel
    model, information = kind.from_pretrained("org/chat", output_loading_info=True)
    assert information == {}
    assert transformers.model_name_of(model) == "org/chat"
    assert transformers.model_name_of(type("M", (), {})()) == "M"
    assert observed.value("genotel_model_resident", gen_ai_request_model="org/chat") == 1


def test_on_cuda_times_are_the_devices(observed, load, model, ids):
    """10 ms from one event to the next; nothing waits."""
    cuda = load("torch").cuda
    model.generate(ids, max_new_tokens=3)
    assert "synchronize" not in cuda.calls
    assert observed.value(FIRST.replace("_count", "_sum")) == pytest.approx(0.01)
    assert observed.value(BETWEEN.replace("_count", "_sum")) == pytest.approx(0.01)
    cuda.has_come_by = False
    model.generate(ids, max_new_tokens=3)
    assert observed.value(FIRST) == 1


def test_what_is_no_text_is_not_counted(observed, model, ids, monkeypatch):
    """Sound comes as floating-point numbers."""
    monkeypatch.setattr(type(ids), "is_floating_point", lambda self: True)
    model.generate(ids, max_new_tokens=2)
    assert observed.sink.finished[0].output_tokens is None


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (transformers, "model_name_of"),
        (transformers, "TokenClock"),
        (transformers, "_note_tokens"),
        (token_clock.TokenClock, "token"),
        (token_clock.TokenClock, "tell"),
        (token_clock.LibraryCall, "chunks_took"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_of_ours_changes_nothing(observed, forgiving, model, ids, monkeypatch, owner, name):
    """The tokens are there, the fault is counted, the call is over."""

    def broken(*_, **__):
        raise KeyError("ours")

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, broken)
        assert model.generate(ids, max_new_tokens=2).shape == (2, 5)
    assert sum(guard.internal_errors().values()) > 0
    assert observed.active() == 0
