"""Real language models with random weights: the same tokens with and without us, and when they came."""

from __future__ import annotations

import pytest

from genotel import instrument, uninstrument
from tests.observed import Observed
from tests.real_libraries.conftest import require_library

pytestmark = pytest.mark.filterwarnings("ignore")

FORMS = {
    "greedy": {"do_sample": False},
    "sampling": {"do_sample": True, "temperature": 0.7},
    "beam": {"num_beams": 3, "do_sample": False},
    "beam sampling": {"num_beams": 2, "do_sample": True},
    "several": {"do_sample": True, "num_return_sequences": 2},
    "details": {"do_sample": False, "return_dict_in_generate": True, "output_scores": True},
    "lookup": {"do_sample": False, "prompt_lookup_num_tokens": 3},
}
NEW = 16


def generated(model, ids, **form):
    """Generate with the same seed each time; return the tokens."""
    import torch

    torch.manual_seed(0)
    result = model.generate(ids, max_new_tokens=NEW, **form)
    return getattr(result, "sequences", result)


@pytest.fixture
def model():
    """Return a tiny model."""
    require_library("transformers")
    from tests.real_libraries import tiny_models

    return tiny_models.llama()


@pytest.fixture
def ids():
    """Return a prompt."""
    require_library("transformers")
    from tests.real_libraries import tiny_models

    return tiny_models.token_ids()


@pytest.mark.parametrize("form", FORMS)
def test_tokens_are_the_same(observed: Observed, model, ids, form: str) -> None:
    """Same seed, same tokens; and what is known of the call."""
    plain = generated(model, ids, **FORMS[form])
    instrument()
    try:
        with_us = generated(model, ids, **FORMS[form])
    finally:
        uninstrument()
    assert plain.tolist() == with_us.tolist()
    (row,) = observed.sink.finished
    rows = len(plain)
    assert (row.model, row.operation, row.provider) == ("LlamaForCausalLM", "text_completion", "transformers")
    assert (row.input_tokens, row.output_tokens, row.outputs) == (12, NEW * rows, rows)
    assert 0 < row.first_chunk_seconds < row.duration_seconds
    between = observed.value("gen_ai_client_operation_time_per_output_chunk_seconds_count")
    assert between == (0 if form == "lookup" else 1)


def test_a_streamer_gets_what_it_got(observed: Observed, measured: None, model, ids) -> None:
    """Its first put is the prompt, which is not the first token."""
    from transformers.generation.streamers import BaseStreamer

    class Streamer(BaseStreamer):
        def __init__(self):
            self.puts = []

        def put(self, value):
            self.puts.append(tuple(value.shape))

        def end(self):
            self.puts.append("end")

    streamer = Streamer()
    generated(model, ids, do_sample=False, streamer=streamer)
    assert streamer.puts == [(1, 12), *[(1,)] * NEW, "end"]
    assert observed.sink.finished[0].first_chunk_seconds > 0


def test_an_assistant_is_no_call_of_its_own(observed: Observed, measured: None, model, ids) -> None:
    """Its tokens are drafts: the first token is the first one of the model that was asked."""
    from tests.real_libraries import tiny_models

    plain = generated(model, ids, do_sample=False)
    assisted = generated(model, ids, do_sample=False, assistant_model=tiny_models.llama())
    assert assisted.tolist() == plain.tolist()
    assert observed.outcomes() == {"ok": 2}
    assert [row.output_tokens for row in observed.sink.finished] == [NEW, NEW]


def test_rows_that_ended_early_are_not_counted_to_the_end(observed: Observed, measured: None, model) -> None:
    """What fills them up is no token of theirs."""
    from tests.real_libraries import tiny_models

    ids = tiny_models.token_ids(2)
    free = generated(model, ids, do_sample=False)
    model.generation_config.eos_token_id = int(free[0, 12 + 3])
    ended = generated(model, ids, do_sample=False)
    written = sum(int((row[12:] != 0).sum()) for row in ended)
    assert observed.sink.finished[-1].output_tokens == written


def test_the_users_processors_are_left_alone(observed: Observed, measured: None, model, ids) -> None:
    """The list that was given is not changed, and its processors have their say."""
    from transformers import LogitsProcessor, LogitsProcessorList

    class Only(LogitsProcessor):
        def __call__(self, input_ids, scores):
            scores = scores.clone()
            scores[:, :7] = scores[:, 8:].max() - 100
            scores[:, 8:] = -100.0
            scores[:, 7] = 100.0
            return scores

    mine = LogitsProcessorList([Only()])
    tokens = generated(model, ids, do_sample=False, logits_processor=mine)
    assert len(mine) == 1
    assert set(tokens[0, 12:].tolist()) == {7}
    assert observed.sink.finished[0].first_chunk_seconds > 0


def test_a_batch_and_a_model_of_two_halves(observed: Observed) -> None:
    """Every row counts; a prompt that was read by an encoder is none of what was written."""
    require_library("transformers")
    from tests.real_libraries import tiny_models

    for model, count in ((tiny_models.llama(), 3), (tiny_models.t5(), 2)):
        ids = tiny_models.token_ids(count) % 60
        # Neither the word that fills rows up nor the one that ends them.
        plain = generated(model, ids, do_sample=False, suppress_tokens=[0, 1])
        instrument()
        try:
            with_us = generated(model, ids, do_sample=False, suppress_tokens=[0, 1])
        finally:
            uninstrument()
        assert plain.tolist() == with_us.tolist()
    batch, halves = observed.sink.finished
    assert (batch.input_tokens, batch.output_tokens, batch.outputs) == (36, NEW * 3, 3)
    # The token that a decoder is begun with comes back before what it wrote.
    assert halves.model == "T5ForConditionalGeneration"
    assert (halves.input_tokens, halves.output_tokens, halves.outputs) == (24, NEW * 2, 2)


def test_a_streamer_in_a_thread(observed: Observed, measured: None, model, ids) -> None:
    """As people stream: generate runs in a thread, and the consumer reads the texts."""
    import threading

    from transformers import TextIteratorStreamer

    from tests.real_libraries import tiny_models

    streamer = TextIteratorStreamer(tiny_models.tokenizer(), skip_prompt=True, timeout=60)
    arguments = {"do_sample": False, "streamer": streamer, "max_new_tokens": 4}
    thread = threading.Thread(target=model.generate, args=(ids,), kwargs=arguments)
    thread.start()
    texts = [*streamer]
    thread.join()
    assert texts
    (row,) = observed.sink.finished
    assert (row.outcome, row.output_tokens) == ("ok", 4)
    assert row.first_chunk_seconds > 0


def test_a_pipeline_of_several_prompts(observed: Observed, measured: None, model) -> None:
    """One call of generate a batch; answers come as they came."""
    from transformers import pipeline

    from tests.real_libraries import tiny_models

    text = pipeline("text-generation", model=model, tokenizer=tiny_models.tokenizer(), max_new_tokens=4)
    answers = text(["a cat", "the dog", "red grass"], batch_size=3, do_sample=False)
    assert [len(answer) for answer in answers] == [1, 1, 1]
    (row,) = observed.sink.finished
    assert row.outputs == 3


def test_a_pipeline_is_counted_once(observed: Observed, measured: None, model) -> None:
    """``pipeline()`` ends in generate."""
    from transformers import pipeline

    from tests.real_libraries import tiny_models

    text = pipeline("text-generation", model=model, tokenizer=tiny_models.tokenizer())
    answer = text("a cat walks", max_new_tokens=4, do_sample=False)
    assert "generated_text" in answer[0]
    assert observed.outcomes() == {"ok": 1}
    assert observed.sink.finished[0].output_tokens == 4


def test_a_model_with_a_generate_of_its_own(observed: Observed, measured: None) -> None:
    """Whisper's calls the usual one: one call, with the time to its first token."""
    require_library("transformers")
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=64,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        num_mel_bins=8,
        max_source_positions=20,
        max_target_positions=24,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    model = WhisperForConditionalGeneration(config).eval()
    model.generate(torch.zeros(1, 8, 40), max_new_tokens=5)
    (row,) = observed.sink.finished
    assert (row.model, row.outcome) == ("WhisperForConditionalGeneration", "ok")
    assert row.first_chunk_seconds > 0


def test_loading_is_measured(observed: Observed, measured: None, model, tmp_path) -> None:
    """By its name without the path."""
    folder = tmp_path / "tiny-llama"
    model.save_pretrained(folder)
    loaded = type(model).from_pretrained(folder)
    assert observed.value("genotel_model_resident", gen_ai_request_model="tiny-llama") == 1
    del loaded
