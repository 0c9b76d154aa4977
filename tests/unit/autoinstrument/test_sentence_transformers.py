"""Encoders of sentence-transformers, on stand-ins with its structure."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import genotel
from genotel.autoinstrument.sentence_transformers import model_name_of

HOMES = {
    "SentenceTransformer": "sentence_transformers.sentence_transformer.model",
    "SparseEncoder": "sentence_transformers.sparse_encoder.model",
    "MultiVectorEncoder": "sentence_transformers.multi_vector_encoder.model",
}


@pytest.mark.parametrize("name", HOMES)
def test_queries_and_documents_are_one_call(observed, load, name):
    """Both call ``encode``."""
    genotel.instrument()
    encoder = getattr(load(HOMES[name]), name)()
    encoder.encode_query("a cat")
    encoder.encode_document(["a cat", "a dog"])
    encoder.encode(["a"], batch_size=8)
    assert observed.outcomes() == {"ok": 3}
    assert [row.outputs for row in observed.sink.finished] == [1, 2, 1]
    assert {row.operation for row in observed.sink.finished} == {"embeddings"}
    assert observed.sink.finished[2].parameters == {"batch_size": 8}


def test_a_cross_encoder(observed, load):
    """Scores of pairs; ``rank`` calls ``predict``."""
    genotel.instrument()
    encoder = load("sentence_transformers.cross_encoder.model").CrossEncoder("org/cross")
    encoder.predict([("a", "b"), ("c", "d")])
    encoder.rank("a", ["b", "c", "d"])
    assert [(row.model, row.operation, row.outputs) for row in observed.sink.finished] == [
        ("org/cross", "rerank", 2),
        ("org/cross", "rerank", 3),
    ]
    assert observed.value("genotel_model_resident", gen_ai_request_model="org/cross") == 1


def test_the_name_of_an_encoder():
    """Where it was loaded from, what its card says, or its class."""
    card = SimpleNamespace(base_model="/srv/models/mini")
    assert model_name_of(type("E", (), {"model_card_data": card})()) == "mini"
    assert model_name_of(type("E", (), {})()) == "E"
