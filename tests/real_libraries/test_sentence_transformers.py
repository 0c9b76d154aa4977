"""A real encoder with random weights."""

from __future__ import annotations

import pytest

from genotel import uninstrument
from tests.observed import Observed
from tests.real_libraries.conftest import require_library

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def folder(measured, tmp_path):
    """Return a folder with an encoder."""
    require_library("sentence_transformers")
    from tests.real_libraries import tiny_models

    return str(tiny_models.bert_folder(tmp_path / "tiny-bert"))


def test_embeddings_are_the_same(observed: Observed, folder: str) -> None:
    """``encode_query`` calls ``encode``: one call each, and the same numbers."""
    import numpy
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(folder, device="cpu")
    with_us = encoder.encode(["a cat", "the dog"])
    encoder.encode_query("a cat")
    encoder.encode_document(["a dog"])
    assert observed.outcomes("tiny-bert") == {"ok": 3}
    assert observed.value("genotel_generation_outputs_total", gen_ai_output_type="embedding") == 4
    assert observed.value("genotel_model_load_duration_seconds_count") == 1
    assert {row.operation for row in observed.sink.finished} == {"embeddings"}
    uninstrument()
    assert numpy.array_equal(encoder.encode(["a cat", "the dog"]), with_us)


def test_a_cross_encoder_is_measured(observed: Observed, folder: str) -> None:
    """``rank`` calls ``predict``."""
    from sentence_transformers import CrossEncoder

    encoder = CrossEncoder(folder, device="cpu")
    score = encoder.predict([("a cat", "a dog")])
    ranks = encoder.rank("a cat", ["a dog", "the cat"])
    assert observed.outcomes("tiny-bert") == {"ok": 2}
    assert [row.outputs for row in observed.sink.finished] == [1, 2]
    uninstrument()
    assert encoder.predict([("a cat", "a dog")]).tolist() == score.tolist()
    assert encoder.rank("a cat", ["a dog", "the cat"]) == ranks
    assert observed.outcomes("tiny-bert") == {"ok": 2}
