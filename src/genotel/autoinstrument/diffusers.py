"""diffusers: every pipeline of it, by the hooks that all of them share.

The base class has no ``__call__`` and Python looks that up on the type, so a pipeline's own one is
patched when the first of its kind is made (``register_modules``, which every one calls). Steps are seen
at ``progress_bar``, which touches none of the user's arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from genotel import guard
from genotel.autoinstrument.arguments import Arguments
from genotel.autoinstrument.diffusion_progress import DiffusionProgress
from genotel.autoinstrument.diffusion_results import note_results, output_type
from genotel.autoinstrument.instrumentor import LibraryInstrumentor
from genotel.autoinstrument.library_call import LibraryCall, Measured, call_around, measured
from genotel.autoinstrument.loads import LOADED, loading, named
from genotel.autoinstrument.patching import Patch
from genotel.autoinstrument.placing import placing
from genotel.instrumentation.generation import DEFAULT_OPERATION
from genotel.instrumentation.site import What

PROVIDER = "diffusers"

# Argument -> the name that it has with us. Numbers only; texts are prompts.
_PARAMETERS = {
    "num_inference_steps": "steps",
    "guidance_scale": "guidance_scale",
    "height": "height",
    "width": "width",
    "num_frames": "num_frames",
    "num_images_per_prompt": "n",
    "num_videos_per_prompt": "n",
    "strength": "strength",
}
# What a pipeline calls the part that denoises.
_DENOISERS = ("transformer", "unet", "prior")
_MAX_LORAS = 4


class _PipelineCall(Measured):
    """Measure a call of a pipeline."""

    place = "diffusers"

    def what(self, arguments: Arguments) -> What:
        """Return operation, provider, model and output type."""
        pipeline = arguments.owner
        return (DEFAULT_OPERATION, PROVIDER, pipeline_name(pipeline), output_type(pipeline))

    def parameters(self, arguments: Arguments) -> Mapping[str, object]:
        """Return what was asked for, and with what."""
        given: dict[str, object] = {}
        for theirs, ours in _PARAMETERS.items():
            value = arguments.get(theirs)
            if value is not None:
                given[ours] = value
        given.update(_equipment(arguments))
        return given

    def begun(self, call: LibraryCall, arguments: Arguments) -> None:
        """Follow the phases from here on."""
        call.progress = DiffusionProgress(call)

    def ended(self, call: LibraryCall, arguments: Arguments, result: Any) -> None:
        """Note the last phase and what was made."""
        if isinstance(call.progress, DiffusionProgress):
            call.progress.end()
        if result is not None:
            note_results(call, arguments, result)


def _equipment(arguments: Arguments) -> Iterator[tuple[str, object]]:
    pipeline = arguments.owner
    generator = arguments.get("generator")
    if isinstance(generator, list | tuple):
        generator = generator[0] if generator else None
    if generator is not None and hasattr(generator, "initial_seed"):
        yield "seed", generator.initial_seed()
    scheduler = getattr(pipeline, "scheduler", None)
    if scheduler is not None:
        yield "scheduler", type(scheduler).__name__
    denoiser = next((part for name in _DENOISERS if (part := getattr(pipeline, name, None)) is not None), None)
    if denoiser is None:
        return
    first = next(denoiser.parameters(), None)
    if first is not None:
        yield "dtype", str(first.dtype).removeprefix("torch.")
    # Not by getattr: of a module that has none it looks everywhere else first.
    adapters = vars(denoiser).get("peft_config")
    if adapters:
        yield "lora", "+".join(sorted(adapters)[:_MAX_LORAS])
        strength = _strength(denoiser, sorted(adapters)[0])
        if strength is not None:
            yield "lora_strength", strength


def _strength(denoiser: Any, adapter: str) -> float | None:
    """Return how strongly an adapter acts: its scale over the scale that it was made with."""
    for module in denoiser.modules():
        scaling = getattr(module, "scaling", None)
        if isinstance(scaling, dict) and adapter in scaling:
            rank, alpha = module.r.get(adapter), module.lora_alpha.get(adapter)
            return round(scaling[adapter] * rank / alpha, 3) if rank and alpha else None
    return None


def pipeline_name(pipeline: Any) -> str:
    """Return the name of a pipeline's model: where it was loaded from, else its class."""
    known = LOADED.get(pipeline)
    if known is not None:
        return known
    place = getattr(getattr(pipeline, "config", None), "_name_or_path", None)
    return named(place) if isinstance(place, str) and place else type(pipeline).__name__


_call = measured(_PipelineCall())


def _register_modules(original: Callable[..., Any]) -> Callable[..., Any]:
    def register_modules(self: Any, **kwargs: Any) -> Any:
        result = original(self, **kwargs)
        try:
            for kind in type(self).__mro__:
                if "__call__" in vars(kind):
                    INSTRUMENTOR.patches.wrap(kind, "__call__", _call)
        except Exception as error:
            guard.report("diffusers.register_modules", error)
        return result

    return register_modules


def _progress_bar(original: Callable[..., Any]) -> Callable[..., Any]:
    def progress_bar(self: Any, *args: Any, **kwargs: Any) -> Any:
        bar = original(self, *args, **kwargs)
        try:
            call = call_around()
            if call is not None and isinstance(call.progress, DiffusionProgress):
                call.progress.follow(bar)
        except Exception as error:
            guard.report("diffusers.progress_bar", error)
        return bar

    return progress_bar


_USE = (DEFAULT_OPERATION, PROVIDER)
_PIPELINE = ("diffusers.pipelines.pipeline_utils", "DiffusionPipeline")
_MODULAR = "diffusers.modular_pipelines.modular_pipeline"

INSTRUMENTOR = LibraryInstrumentor(
    PROVIDER,
    ("diffusers",),
    ("0.30", "1"),
    (
        Patch(*_PIPELINE, "register_modules", _register_modules),
        Patch(*_PIPELINE, "progress_bar", _progress_bar),
        Patch(*_PIPELINE, "from_pretrained", loading("pretrained_model_name_or_path", _USE)),
        Patch(*_PIPELINE, "from_pipe", loading("", _USE)),
        Patch(*_PIPELINE, "to", placing("move", pipeline_name)),
        Patch(*_PIPELINE, "enable_model_cpu_offload", placing("offload", pipeline_name)),
        Patch(*_PIPELINE, "enable_sequential_cpu_offload", placing("offload", pipeline_name)),
        Patch(*_PIPELINE, "enable_group_offload", placing("offload", pipeline_name)),
        Patch(
            "diffusers.loaders.single_file",
            "FromSingleFileMixin",
            "from_single_file",
            loading("pretrained_model_link_or_path", _USE),
        ),
        Patch(_MODULAR, "ModularPipeline", "__call__", _call),
        Patch(_MODULAR, "ModularPipeline", "from_pretrained", loading("pretrained_model_name_or_path", _USE)),
        Patch(_MODULAR, "LoopSequentialPipelineBlocks", "progress_bar", _progress_bar),
    ),
)
