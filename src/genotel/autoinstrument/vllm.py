"""vLLM inside of the user's program: offline batches of ``LLM`` and the async engine.

vLLM moves its modules, so its classes are looked for in every module of their kind. A vLLM server has
metrics of its own: docs/auto-instrumentation.md has their names.
"""

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

PROVIDER = "vllm"
COMPLETION, CHAT = "text_completion", "chat"
_PARAMETERS = ("max_tokens", "temperature", "top_p", "top_k", "seed", "n")


class _Offline(Measured):
    """Measure a call of ``LLM``, which answers many prompts at once."""

    place = "vllm"

    def __init__(self, operation: str) -> None:
        self._operation = operation

    def what(self, arguments: Arguments) -> What:
        """Return operation, provider, model and output type."""
        return (self._operation, PROVIDER, model_name_of(arguments.owner), a.OUTPUT_TEXT)

    def parameters(self, arguments: Arguments) -> Mapping[str, object]:
        """Return what was asked for, of all prompts alike."""
        asked = arguments.get("sampling_params")
        return {name: value for name in _PARAMETERS if (value := getattr(asked, name, None)) is not None}

    def ended(self, call: LibraryCall, arguments: Arguments, result: Any) -> None:
        """Note every answer."""
        for answer in result if isinstance(result, list) else ():
            call.tokens(input=len(answer.prompt_token_ids or ()), output=_written(answer))
            call.outputs(len(answer.outputs))
            first = getattr(getattr(answer, "metrics", None), "first_token_latency", None)
            # Only kept by the engine with disable_log_stats=False.
            if isinstance(first, float) and first > 0:
                call.chunks_took([first])


class _Online(_Offline):
    """Measure a request to the async engine, which gives its answer as it grows, or piece by piece."""

    def begun(self, call: LibraryCall, arguments: Arguments) -> None:
        """Remember in which of the two ways the answer comes."""
        kind = getattr(arguments.get("sampling_params"), "output_kind", None)
        call.progress = _Answer(is_pieces=getattr(kind, "name", None) == "DELTA")

    def item(self, call: LibraryCall, item: Any) -> None:
        """Count what is new."""
        answer: _Answer = call.progress
        read, written = len(item.prompt_token_ids or ()), _written(item)
        call.tokens(
            input=read - answer.read if read > answer.read else None,
            output=written if answer.is_pieces else max(0, written - answer.written),
        )
        answer.read, answer.written = max(read, answer.read), written


class _Answer:
    """Keep how much of an answer there was."""

    __slots__ = ("is_pieces", "read", "written")

    def __init__(self, *, is_pieces: bool) -> None:
        self.is_pieces = is_pieces
        self.read = self.written = 0


def _written(answer: Any) -> int:
    return sum(len(output.token_ids) for output in answer.outputs)


def model_name_of(engine: Any) -> str:
    """Return the name of an engine's model."""
    known = LOADED.get(engine)
    if known is not None:
        return known
    for holder in (engine, getattr(engine, "llm_engine", None)):
        config = getattr(holder, "model_config", None)
        name = getattr(config, "served_model_name", None) or getattr(config, "model", None)
        if isinstance(name, list) and name:
            name = name[0]
        if isinstance(name, str) and name:
            return named(name)
    return type(engine).__name__


INSTRUMENTOR = LibraryInstrumentor(
    PROVIDER,
    ("vllm",),
    ("0.6", "1"),
    (
        Patch("vllm.*llm", "LLM", "__init__", making("model")),
        Patch("vllm.*llm", "LLM", "generate", measured(_Offline(COMPLETION))),
        Patch("vllm.*llm", "LLM", "chat", measured(_Offline(CHAT))),
        Patch("vllm.*async_llm", "AsyncLLM", "generate", measured(_Online(COMPLETION))),
    ),
)
