"""sentence-transformers: embeddings of every kind of encoder, and the scores of a cross-encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genotel.autoinstrument.arguments import Arguments
from genotel.autoinstrument.instrumentor import LibraryInstrumentor
from genotel.autoinstrument.library_call import LibraryCall, Measured, measured
from genotel.autoinstrument.loads import LOADED, making, named
from genotel.autoinstrument.patching import Patch
from genotel.instrumentation.site import What

PROVIDER = "sentence_transformers"
EMBEDDINGS, RERANK = "embeddings", "rerank"


class _Encode(Measured):
    """Measure a call that encodes or scores texts."""

    place = "sentence_transformers"

    def __init__(self, operation: str, texts: tuple[str, ...], made: str) -> None:
        self._operation = operation
        self._texts = texts
        self._made = made

    def what(self, arguments: Arguments) -> What:
        """Return operation, provider, model and output type."""
        return (self._operation, PROVIDER, model_name_of(arguments.owner), None)

    def parameters(self, arguments: Arguments) -> Mapping[str, object] | None:
        """Return the size of a batch, where it was given."""
        size = arguments.get("batch_size")
        return None if size is None else {"batch_size": size}

    def ended(self, call: LibraryCall, arguments: Arguments, result: Any) -> None:
        """Note how many texts there were."""
        if result is None:
            return
        texts = next((given for name in self._texts if (given := arguments.get(name)) is not None), None)
        is_one = texts is None or isinstance(texts, str) or not hasattr(texts, "__len__")
        call.outputs(1 if is_one or texts is None else len(texts), kind=self._made)


def model_name_of(model: Any) -> str:
    """Return the name of a model: where it was loaded from, else its class."""
    known = LOADED.get(model)
    if known is not None:
        return known
    card = getattr(model, "model_card_data", None)
    name = getattr(card, "base_model", None)
    return named(name) if isinstance(name, str) and name else type(model).__name__


_encode = measured(_Encode(EMBEDDINGS, ("sentences", "inputs"), "embedding"))
_predict = measured(_Encode(RERANK, ("sentences", "inputs"), "score"))
_rank = measured(_Encode(RERANK, ("documents",), "score"))
_PLACE = "model_name_or_path"

# Where each class was up to version 5, and where it is since.
_BI = ("sentence_transformers.SentenceTransformer", "sentence_transformers.sentence_transformer.model")
_SPARSE = ("sentence_transformers.sparse_encoder.SparseEncoder", "sentence_transformers.sparse_encoder.model")
_MULTI = ("sentence_transformers.multi_vector_encoder.model",)
_CROSS = ("sentence_transformers.cross_encoder.CrossEncoder", "sentence_transformers.cross_encoder.model")

INSTRUMENTOR = LibraryInstrumentor(
    PROVIDER,
    ("sentence-transformers",),
    ("3", "7"),
    (
        *(
            Patch(module, owner, name, _encode)
            for modules, owner in (
                (_BI, "SentenceTransformer"),
                (_SPARSE, "SparseEncoder"),
                (_MULTI, "MultiVectorEncoder"),
            )
            for module in modules
            for name in ("encode_query", "encode_document", "encode")
        ),
        *(Patch(module, "SentenceTransformer", "__init__", making(_PLACE, (EMBEDDINGS, PROVIDER))) for module in _BI),
        *(Patch(module, "CrossEncoder", "__init__", making(_PLACE, (RERANK, PROVIDER))) for module in _CROSS),
        *(Patch(module, "CrossEncoder", "predict", _predict) for module in _CROSS),
        *(Patch(module, "CrossEncoder", "rank", _rank) for module in _CROSS),
    ),
)
