"""transformers: ``generate`` of every model, and so every ``pipeline()`` that generates.

``GenerationMixin.generate`` is what nearly all models have; where a model has its own one, that is
patched when its module is imported, and what it calls inside is the same call.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from genotel.autoinstrument.arguments import Arguments
from genotel.autoinstrument.instrumentor import LibraryInstrumentor
from genotel.autoinstrument.library_call import LibraryCall, Measured, measured
from genotel.autoinstrument.loads import LOADED, loading, named
from genotel.autoinstrument.patching import Patch
from genotel.autoinstrument.token_clock import TokenClock, Watcher, watching
from genotel.instrumentation.site import What
from genotel.semconv import attributes as a

PROVIDER = "transformers"
OPERATION = "text_completion"
_PROCESSORS = "transformers.generation.logits_process"

# Argument -> the name that it has with us; numbers only.
_PARAMETERS = {
    "max_new_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "num_beams": "num_beams",
    "num_return_sequences": "n",
    "do_sample": "do_sample",
}


class _Generate(Measured):
    """Measure a call of ``generate``."""

    place = "transformers"
    # Whether this function is known to take a logits processor.
    places = True

    def what(self, arguments: Arguments) -> What:
        """Return operation, provider, model and output type."""
        return (OPERATION, PROVIDER, model_name_of(arguments.owner), a.OUTPUT_TEXT)

    def parameters(self, arguments: Arguments) -> Mapping[str, object]:
        """Return what was asked for."""
        config = arguments.get("generation_config")
        found = {ours: arguments.get(theirs, getattr(config, theirs, None)) for theirs, ours in _PARAMETERS.items()}
        return {name: value for name, value in found.items() if value is not None}

    def begun(self, call: LibraryCall, arguments: Arguments) -> dict[str, Any] | None:
        """Hang a clock on the call."""
        call.progress = TokenClock()
        call.progress.is_burst = bool(
            arguments.get("assistant_model") is not None or arguments.get("prompt_lookup_num_tokens")
        )
        return self.nested(call, arguments)

    def nested(self, call: LibraryCall, arguments: Arguments) -> dict[str, Any] | None:
        """Put a watcher where tokens come in bursts, once: not into the calls of an assistant inside."""
        clock = call.progress
        if not isinstance(clock, TokenClock) or not clock.is_burst or clock.is_placed or not self.places:
            return None
        return _placed(clock, arguments)

    def ended(self, call: LibraryCall, arguments: Arguments, result: Any) -> None:
        """Note when tokens came and how many there were."""
        clock, call.progress = call.progress, None
        if isinstance(clock, TokenClock):
            clock.tell(call)
        if result is not None:
            _note_tokens(call, arguments, result)


class _OwnGenerate(_Generate):
    """Measure a ``generate`` that a model has of its own; what it takes is not known."""

    places = False


def _placed(clock: TokenClock, arguments: Arguments) -> dict[str, Any] | None:
    """Return the arguments with a watcher among the logits processors."""
    given = arguments.get("logits_processor")
    processors = getattr(sys.modules.get(_PROCESSORS), "LogitsProcessorList", None)
    # Code of the user's that generates in its own way may count its processors.
    if processors is None or arguments.get("custom_generate") is not None:
        return None
    if given is not None and "logits_processor" not in arguments.kwargs:
        return None  # given by position
    clock.is_placed = True
    return {**arguments.kwargs, "logits_processor": processors([*(given or ()), Watcher(clock)])}


def _note_tokens(call: LibraryCall, arguments: Arguments, result: Any) -> None:
    sequences = getattr(result, "sequences", result)
    shape = tuple(getattr(sequences, "shape", ()))
    if len(shape) != 2 or sequences.is_floating_point():
        return
    rows, length = shape
    prompt = arguments.get("inputs", arguments.get("input_ids"))
    read = tuple(getattr(prompt, "shape", ()))
    config = getattr(arguments.owner, "config", None)
    ends = getattr(arguments.owner, "generation_config", None)
    if getattr(config, "is_encoder_decoder", False):
        # An encoder reads the prompt; what the decoder is begun with, one token, it may give back.
        begin = getattr(ends, "decoder_start_token_id", None)
        before = int(begin is not None and int((sequences[:, :1] == begin).sum()) == rows)
    else:
        # A decoder alone gives the prompt back before what it wrote.
        before = read[1] if len(read) == 2 else 0
    written = rows * (length - before)
    pad, eos = getattr(ends, "pad_token_id", None), getattr(ends, "eos_token_id", None)
    if rows > 1 and isinstance(pad, int) and eos is not None:
        # Rows that ended early are filled up.
        made = sequences[:, before:]
        is_pad = made == pad
        written -= int(is_pad.sum())
        if pad == eos or (isinstance(eos, list) and pad in eos):
            # The word that ended such a row is none of the filling.
            written += int(is_pad.any(dim=1).sum())
    call.tokens(input=read[0] * read[1] if len(read) == 2 else None, output=max(0, written))
    call.outputs(rows)


def model_name_of(model: Any) -> str:
    """Return the name of a model: where it was loaded from, else its class."""
    known = LOADED.get(model)
    if known is not None:
        return known
    place = getattr(getattr(model, "config", None), "_name_or_path", None)
    return named(place) if isinstance(place, str) and place else type(model).__name__


_generate = measured(_Generate())
_own_generate = measured(_OwnGenerate())

INSTRUMENTOR = LibraryInstrumentor(
    PROVIDER,
    ("transformers",),
    ("4.40", "6"),
    (
        Patch("transformers.generation.utils", "GenerationMixin", "generate", _generate),
        Patch(_PROCESSORS, "LogitsProcessorList", "__call__", watching),
        Patch(
            "transformers.modeling_utils",
            "PreTrainedModel",
            "from_pretrained",
            loading("pretrained_model_name_or_path"),
        ),
        Patch("transformers.models.*.modeling_*", "*", "generate", _own_generate),
    ),
)
