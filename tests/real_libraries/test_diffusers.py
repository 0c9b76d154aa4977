"""Real pipelines with random weights: the same pictures with and without us, and what is known of each call."""

from __future__ import annotations

import pytest

from genotel import instrument, uninstrument
from tests.observed import Observed
from tests.real_libraries.conftest import require_library

pytestmark = pytest.mark.filterwarnings("ignore")

KINDS = {
    "wan": ("wan", "WAN", "WanPipeline", "video"),
    "stable diffusion": ("stable_diffusion", "STABLE_DIFFUSION", "StableDiffusionPipeline", "image"),
    "flux": ("flux", "FLUX", "FluxPipeline", "image"),
    "without callbacks": ("unconditional", "UNCONDITIONAL", "DDPMPipeline", "image"),
    "legacy callback": ("adapter", "ADAPTER", "StableDiffusionAdapterPipeline", "image"),
    "combined": ("combined", "COMBINED", "KandinskyV22CombinedPipeline", "image"),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def made(kind: str):
    """Return a pipeline and the arguments of a call."""
    require_library("diffusers")
    from tests.real_libraries import tiny_models

    make, arguments, *_ = KINDS[kind]
    return getattr(tiny_models, make)(), getattr(tiny_models, arguments)


def called(pipeline, arguments, **more):
    """Call with the same seed each time."""
    import torch

    return pipeline(generator=torch.Generator().manual_seed(0), **arguments, **more)


@each_kind
def test_a_picture_is_bit_identical(observed: Observed, kind: str) -> None:
    """The same seed gives the same bits, without us, with us, and without us again."""
    import numpy

    instrument()
    try:
        pipeline, arguments = made(kind)
        with_us = called(pipeline, arguments)[0]
    finally:
        uninstrument()
    # The same object: parts of its weights are whatever memory held.
    plain, again = (called(pipeline, arguments)[0] for _ in range(2))
    assert type(with_us) is type(plain)
    assert numpy.array_equal(numpy.asarray(plain), numpy.asarray(again))
    assert numpy.array_equal(numpy.asarray(with_us), numpy.asarray(plain))
    assert observed.outcomes() == {"ok": 1}


@each_kind
def test_what_is_known_of_a_call(observed: Observed, measured: None, kind: str) -> None:
    """Steps, phases, what was asked for and what was made."""
    pipeline, arguments = made(kind)
    called(pipeline, arguments)
    (row,) = observed.sink.finished
    *_, name, output = KINDS[kind]
    assert (row.model, row.provider, row.output_type, row.outcome) == (name, "diffusers", output, "ok")
    assert row.steps == 4
    # Those of the parts together, where a pipeline has parts.
    assert row.parameters["steps"] == (2 if kind == "combined" else 4)
    assert row.outputs == 1
    assert row.parameters["seed"] == 0
    assert row.parameters["dtype"] == "float32"
    if kind != "combined":
        assert row.parameters["scheduler"] == type(pipeline.scheduler).__name__
    assert observed.value("genotel_generation_step_duration_seconds_count") == 4
    phases = {
        each.labels["genotel_phase"]: each.value
        for each in observed.samples("genotel_generation_phase_duration_seconds_sum")
    }
    assert set(phases) == {"encode", "denoise", "decode"}
    assert sum(phases.values()) <= row.duration_seconds
    if output == "video":
        assert observed.value("genotel_generation_output_frames_total") == 9
        assert observed.value("genotel_generation_output_pixels_total") == 9 * 16 * 16


def test_the_users_callback_still_runs(observed: Observed, measured: None) -> None:
    """It gets what it got and what it returns is used."""
    pipeline, arguments = made("stable diffusion")
    seen = []

    def callback(given, step, timestep, kwargs):
        seen.append((given is pipeline, step))
        return {**kwargs, "latents": kwargs["latents"] * 0}

    result = called(pipeline, arguments, callback_on_step_end=callback)
    assert seen == [(True, step) for step in range(4)]
    plain = called(pipeline, arguments)
    assert bool((result[0] != plain[0]).any())
    assert observed.outcomes() == {"ok": 2}


def test_an_older_callback_still_runs(observed: Observed, measured: None) -> None:
    """With its three arguments, as often as it asked."""
    pipeline, arguments = made("legacy callback")
    seen = []
    called(pipeline, arguments, callback=lambda *given: seen.append(given), callback_steps=2)
    assert [step for step, *_ in seen] == [0, 2]
    assert {len(given) for given in seen} == {3}
    assert observed.outcomes() == {"ok": 1}


def test_a_failing_call_is_an_error(observed: Observed, measured: None) -> None:
    """The exception is the pipeline's own; steps that were done are counted."""
    pipeline, arguments = made("stable diffusion")

    def callback(given, step, timestep, kwargs):
        if step == 2:
            raise ValueError("told to")
        return kwargs

    with pytest.raises(ValueError, match="told to"):
        called(pipeline, arguments, callback_on_step_end=callback)
    assert observed.outcomes() == {"error": 1}
    assert observed.value("genotel_generation_steps_total") == 2


def test_a_pipeline_of_the_users_own_that_calls_others_is_one_call(observed: Observed, measured: None) -> None:
    """Its parts are pipelines of their own and count nothing."""
    require_library("diffusers")
    from diffusers import DiffusionPipeline

    from tests.real_libraries import tiny_models

    class Combined(DiffusionPipeline):
        def __init__(self, unet, scheduler):
            super().__init__()
            self.register_modules(unet=unet, scheduler=scheduler)
            self.parts = [tiny_models.unconditional(), tiny_models.unconditional()]

        def __call__(self, num_inference_steps=4):
            return [part(num_inference_steps=num_inference_steps, output_type="np") for part in self.parts][-1]

    one = tiny_models.unconditional()
    Combined(one.unet, one.scheduler)()
    assert observed.outcomes() == {"ok": 1}
    assert observed.outcomes("Combined") == {"ok": 1}
    assert observed.value("genotel_generation_steps_total") == 8


def test_loading_and_unloading(observed: Observed, measured: None, tmp_path) -> None:
    """A pipeline is loaded once, with all its parts, by its name without the path; gone when it is let go."""
    import gc

    pipeline, _ = made("without callbacks")
    folder = tmp_path / "models--org--tiny" / "snapshots" / "0fad"
    pipeline.save_pretrained(folder)
    kind = type(pipeline)
    loaded = kind.from_pretrained(folder)
    loaded.set_progress_bar_config(disable=True)
    assert observed.value("genotel_model_load_duration_seconds_count", gen_ai_request_model="org/tiny") == 1
    assert observed.value("genotel_model_resident", gen_ai_request_model="org/tiny") == 1
    loaded.to("cpu")
    loaded(num_inference_steps=1, output_type="np")
    assert observed.outcomes() == {"ok": 1}
    assert observed.outcomes("org/tiny") == {"ok": 1}
    del loaded
    gc.collect()
    assert observed.value("genotel_model_resident", gen_ai_request_model="org/tiny") == 0
    assert str(tmp_path) not in observed.text()
    kinds = [(event.kind, event.outcome) for event in observed.sink.events]
    assert kinds == [("load", "ok"), ("move", "ok"), ("unload", "ok")]


def test_every_class_is_as_it_was(measured: None) -> None:
    """After uninstrument each class has its own functions again."""
    require_library("diffusers")
    from diffusers import StableDiffusionPipeline
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    uninstrument()
    before = [dict(vars(StableDiffusionPipeline)), dict(vars(DiffusionPipeline))]
    instrument()
    made("stable diffusion")
    assert vars(StableDiffusionPipeline)["__call__"] is not before[0]["__call__"]
    uninstrument()
    for kind, attributes in zip((StableDiffusionPipeline, DiffusionPipeline), before, strict=True):
        assert all(vars(kind)[name] is value for name, value in attributes.items())
