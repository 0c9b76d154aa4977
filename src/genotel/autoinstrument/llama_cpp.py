"""llama-cpp-python: completions and chats, whole or streamed, and embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genotel.autoinstrument.arguments import Arguments
from genotel.autoinstrument.instrumentor import LibraryInstrumentor
from genotel.autoinstrument.library_call import LibraryCall, Measured, measured
from genotel.autoinstrument.loads import LOADED, making, named
from genotel.autoinstrument.patching import Patch
from genotel.instrumentation.site import What
from genotel.semconv import attributes as a

PROVIDER = "llama_cpp"
COMPLETION, CHAT, EMBEDDINGS = "text_completion", "chat", "embeddings"
_PARAMETERS = ("max_tokens", "temperature", "top_p", "top_k", "seed", "stream")


class _Completion(Measured):
    """Measure a call that writes."""

    place = "llama_cpp"

    def __init__(self, operation: str, output: str | None) -> None:
        self._operation = operation
        self._output = output

    def what(self, arguments: Arguments) -> What:
        """Return operation, provider, model and output type."""
        model = arguments.owner
        place = getattr(model, "model_path", None)
        name = LOADED.get(model) or (named(place) if place else type(model).__name__)
        return (self._operation, PROVIDER, name, self._output)

    def parameters(self, arguments: Arguments) -> Mapping[str, object]:
        """Return what was asked for."""
        return {name: value for name in _PARAMETERS if (value := arguments.get(name)) is not None}

    def item(self, call: LibraryCall, item: Any) -> None:
        """Count a chunk as a token, which it is; a chat's first one only names the role."""
        choice = item["choices"][0]
        if choice.get("text") or (choice.get("delta") or {}).get("content"):
            call.tokens(output=1)

    def ended(self, call: LibraryCall, arguments: Arguments, result: Any) -> None:
        """Note the tokens that the library counted."""
        if isinstance(result, dict):
            usage = result.get("usage") or {}
            call.tokens(input=usage.get("prompt_tokens"), output=usage.get("completion_tokens"))
            call.outputs(len(result.get("choices") or result.get("data") or ()) or 1)


_complete = measured(_Completion(COMPLETION, a.OUTPUT_TEXT))
_chat = measured(_Completion(CHAT, a.OUTPUT_TEXT))
_embed = measured(_Completion(EMBEDDINGS, None))

INSTRUMENTOR = LibraryInstrumentor(
    PROVIDER,
    ("llama_cpp_python",),
    ("0.2", "1"),
    (
        Patch("llama_cpp.llama", "Llama", "__init__", making("model_path")),
        Patch("llama_cpp.llama", "Llama", "__call__", _complete),
        Patch("llama_cpp.llama", "Llama", "create_completion", _complete),
        Patch("llama_cpp.llama", "Llama", "create_chat_completion", _chat),
        Patch("llama_cpp.llama", "Llama", "create_embedding", _embed),
    ),
)
