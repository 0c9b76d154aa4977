"""Pipelines of diffusers, on stand-ins with its structure."""

from __future__ import annotations

import gc
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import genotel
from genotel import guard
from genotel.autoinstrument import diffusers, diffusion_progress
from genotel.semconv import attributes as a

STEP_SECONDS = "genotel_generation_step_duration_seconds"
PHASE_SECONDS = "genotel_generation_phase_duration_seconds"
VRAM = "genotel_generation_vram_peak_bytes"


@pytest.fixture
def kinds(load) -> Any:
    """Return the pipelines, measured."""
    genotel.instrument()
    return load("diffusers.pipelines.kinds")


def phases(observed) -> set[str]:
    """Return the phases that were recorded."""
    return {sample.labels["genotel_phase"] for sample in observed.samples(f"{PHASE_SECONDS}_count")}


def test_steps_phases_and_images(observed, kinds):
    """Everything that can be known of a call without touching it."""
    scheduler = type("EulerScheduler", (), {})()
    parameter = SimpleNamespace(dtype="torch.bfloat16")
    transformer = SimpleNamespace(parameters=lambda: iter([parameter]))
    pipeline = kinds.FakeImagePipeline(scheduler=scheduler, transformer=transformer)
    generator = SimpleNamespace(initial_seed=lambda: 42)
    pipeline("a cat", 32, 64, num_inference_steps=3, num_images_per_prompt=2, generator=[generator])
    (row,) = observed.sink.finished
    assert (row.steps, row.outputs, row.output_type) == (3, 2, "image")
    assert row.parameters == {
        "steps": 3,
        "height": 32,
        "width": 64,
        "n": 2,
        "seed": 42,
        "scheduler": "EulerScheduler",
        "dtype": "bfloat16",
    }
    assert observed.value(f"{STEP_SECONDS}_count") == 3
    assert phases(observed) == {"encode", "denoise", "decode"}
    assert observed.value("genotel_generation_output_pixels_total") == 2 * 32 * 64


def test_a_bar_that_is_iterated_over(observed, kinds):
    """Pipelines without a callback iterate over the bar itself."""
    kinds.FakeIteratingPipeline()(num_inference_steps=3)
    assert observed.value("genotel_generation_steps_total") == 3
    assert phases(observed) == {"encode", "denoise", "decode"}


def test_steps_of_an_iterable_are_what_was_given():
    """Its length and its other attributes too: a bar asks for them."""
    seen = []
    progress = SimpleNamespace(stepped=lambda: seen.append(1), finished=lambda: seen.append("end"))
    steps = diffusion_progress._Steps(range(3, 6), progress)
    assert len(steps) == 3
    assert steps.start == 3
    assert [*steps] == [3, 4, 5]
    assert seen == [1, 1, 1, "end"]


def test_video_and_sound(observed, kinds):
    """Frames of a clip, playing time of a sound."""
    kinds.FakeVideoPipeline()(num_frames=5)
    kinds.FakeAudioPipeline(vocoder=SimpleNamespace(config=SimpleNamespace(sampling_rate=16_000)))()
    kinds.FakeAudioPipeline()()
    assert observed.value("genotel_generation_output_frames_total") == 5
    assert observed.value("genotel_generation_output_pixels_total") == 5 * 16 * 8
    assert observed.value("genotel_generation_output_seconds_total") == 2.0
    assert [row.output_type for row in observed.sink.finished] == ["video", "speech", "speech"]


@pytest.mark.parametrize(
    ("image", "pixels"),
    [
        (SimpleNamespace(shape=(3, 8, 16), size=lambda: None), 128),
        (SimpleNamespace(shape=(8, 16, 3), size=384), 128),
        (SimpleNamespace(), 64 * 32),
    ],
    ids=["a tensor", "an array", "something else"],
)
def test_the_size_of_an_image(observed, kinds, monkeypatch, image, pixels):
    """Tensors have the channels first, arrays last; else what was asked for counts."""
    monkeypatch.setattr(kinds, "Image", lambda width, height: image)
    kinds.FakeImagePipeline()("a cat", 32, 64, num_inference_steps=1, return_dict=False)
    assert observed.value("genotel_generation_output_pixels_total") == pixels


def test_latents_have_no_pixels(observed, kinds):
    """What is not decoded is counted only."""
    kinds.FakeImagePipeline()("a cat", num_inference_steps=1, output_type="latent")
    assert observed.value("genotel_generation_outputs_total") == 1
    assert observed.samples("genotel_generation_output_pixels_total") == []


def test_the_users_callback_is_kept(observed, kinds):
    """It runs at every step and what it returns is used."""
    seen = []

    def callback(pipeline, step, timestep, kwargs):
        seen.append(step)
        return kwargs

    result = kinds.FakeImagePipeline()("a cat", num_inference_steps=3, callback_on_step_end=callback)
    assert seen == [0, 1, 2]
    assert result.latents == 3


def test_a_combined_pipeline_counts_once(observed, kinds):
    """Its parts are pipelines too; their steps are its steps."""
    kinds.FakeCombinedPipeline()("a cat", num_inference_steps=2)
    assert observed.outcomes() == {"ok": 1}
    assert observed.value("genotel_generation_steps_total") == 4
    assert observed.sink.finished[0].model == "FakeCombinedPipeline"


def test_steps_before_a_failure_are_counted(observed, kinds):
    """And the phases so far are recorded."""

    def callback(pipeline, step, timestep, kwargs):
        if step == 2:
            raise ValueError("told to")
        return kwargs

    with pytest.raises(ValueError, match="told to"):
        kinds.FakeImagePipeline()("a cat", num_inference_steps=5, callback_on_step_end=callback)
    assert observed.value("genotel_generation_steps_total") == 2
    assert phases(observed) == {"encode", "denoise"}


def test_loading_moving_and_unloading(observed, kinds):
    """Once, by the name of the hub or without the path; gone when Python lets go of it."""
    pipeline = kinds.FakeImagePipeline.from_pretrained("org/sdxl")
    pipeline.to("cuda")
    pipeline.enable_model_cpu_offload()
    pipeline("a cat", num_inference_steps=1)
    kinds.FakeImagePipeline.from_pretrained("/secret/models--org--flux/snapshots/0fad")
    assert observed.outcomes("org/sdxl") == {"ok": 1}
    assert observed.value("genotel_model_load_duration_seconds_count") == 2
    assert observed.value("genotel_model_resident", gen_ai_request_model="org/sdxl") == 1
    del pipeline
    gc.collect()
    assert observed.value("genotel_model_resident") == 0
    seen = [(event.model, event.kind) for event in observed.sink.events]
    assert seen[:3] == [("org/sdxl", "load"), ("org/sdxl", "move"), ("org/sdxl", "offload")]
    assert sorted(seen[3:]) == [("org/flux", "load"), ("org/flux", "unload"), ("org/sdxl", "unload")]
    assert "secret" not in observed.text()


def test_a_failed_load_is_an_error(observed, load, monkeypatch):
    """The library's exception, and no model that is resident."""
    pipeline_utils = load("diffusers.pipelines.pipeline_utils")

    def missing(cls, pretrained_model_name_or_path, **kwargs):
        raise OSError("no such model")

    monkeypatch.setattr(pipeline_utils.DiffusionPipeline, "from_pretrained", classmethod(missing))
    genotel.instrument()
    with pytest.raises(OSError, match="no such model"):
        load("diffusers.pipelines.kinds").FakeImagePipeline.from_pretrained("org/gone")
    assert observed.value("genotel_model_events_total", genotel_event="load", genotel_outcome="error") == 1
    assert observed.value("genotel_model_resident") == 0


def test_a_failed_move_is_an_error(observed, load, monkeypatch):
    """The event says so."""
    pipeline_utils = load("diffusers.pipelines.pipeline_utils")

    def full(self, *args):
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(pipeline_utils.DiffusionPipeline, "to", full)
    genotel.instrument()
    with pytest.raises(RuntimeError, match="memory"):
        load("diffusers.pipelines.kinds").FakeImagePipeline().to("cuda")
    assert [(event.kind, event.outcome) for event in observed.sink.events] == [("move", "error")]


def test_adapters_are_named_with_their_strength(observed, kinds):
    """Names are words, a few at most; the strength is the scale over the one that it was made with."""
    layer = SimpleNamespace(scaling={"anime": 0.5}, r={"anime": 8}, lora_alpha={"anime": 4})
    unet = SimpleNamespace(
        parameters=lambda: iter(()), peft_config={"anime": 1}, modules=lambda: iter([SimpleNamespace(), layer])
    )
    kinds.FakeImagePipeline(unet=unet)("a cat", num_inference_steps=1)
    given = observed.sink.finished[0].parameters
    assert (given["lora"], given["lora_strength"]) == ("anime", 1.0)
    assert diffusers._strength(SimpleNamespace(modules=lambda: iter(())), "anime") is None


@pytest.fixture
def cuda(load, monkeypatch):
    """Return a CUDA whose device is behind the host."""
    return load("torch").cuda


def test_on_cuda_times_are_the_devices(observed, cuda, kinds):
    """Events are recorded at each step and read after the call; nothing waits for the device."""
    kinds.FakeImagePipeline()("a cat", num_inference_steps=3)
    assert "synchronize" not in cuda.calls
    # Beginning, first bar, three steps, the decoding, the end.
    assert cuda.calls.count("Event") == 7
    assert observed.value(f"{STEP_SECONDS}_count") == observed.value("genotel_generation_steps_total") == 3
    assert observed.value(f"{STEP_SECONDS}_sum") == pytest.approx(0.03)
    seen = {each.labels["genotel_phase"]: each.value for each in observed.samples(f"{PHASE_SECONDS}_sum")}
    assert seen == pytest.approx({"encode": 0.01, "denoise": 0.04, "decode": 0.01})


def test_a_device_that_has_not_come_by_tells_no_times(observed, cuda, kinds):
    """Latents that stay on the device: counted, and no time is made up."""
    cuda.has_come_by = False
    kinds.FakeImagePipeline()("a cat", num_inference_steps=3, output_type="latent")
    assert "synchronize" not in cuda.calls
    assert observed.value("genotel_generation_steps_total") == 3
    assert observed.samples(f"{STEP_SECONDS}_count") == []


def test_memory_of_a_call(observed, cuda, kinds):
    """The allocator's peak of this call, by the device's id; calls inside it are the same one."""
    kinds.FakeCombinedPipeline()("a cat", num_inference_steps=1)
    (sample,) = observed.samples(f"{VRAM}_sum")
    assert sample.value == 5 * 2**30
    assert (sample.labels["hw_id"], sample.labels["genotel_vram_shared"]) == ("GPU-0000-1111", "false")
    assert cuda.calls.count("reset") == 1


def test_a_fault_of_the_allocator_leaves_the_call_alone(observed, forgiving, cuda, kinds, monkeypatch):
    """The call ends as it did; its memory is unknown."""

    def broken(device):
        raise RuntimeError("CUDA error")

    monkeypatch.setattr(cuda, "max_memory_allocated", broken)
    assert kinds.FakeImagePipeline()("a cat", num_inference_steps=1).images
    assert guard.internal_errors() == {"library_call.memory": 1}
    assert observed.outcomes() == {"ok": 1}
    assert observed.samples(f"{VRAM}_count") == []


def test_without_cuda_no_memory_is_known(observed, kinds):
    """Absent, not 0."""
    assert "torch" not in sys.modules
    kinds.FakeImagePipeline()("a cat", num_inference_steps=1)
    assert observed.samples(f"{VRAM}_count") == []


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (diffusers, "_equipment"),
        (diffusers, "pipeline_name"),
        (diffusers, "DiffusionProgress"),
        (diffusers, "note_results"),
        (diffusion_progress.DiffusionProgress, "follow"),
        (diffusion_progress.DiffusionProgress, "_enter"),
        (diffusion_progress.DiffusionProgress, "end"),
        (diffusion_progress.LibraryCall, "count_steps"),
        (diffusion_progress.LibraryCall, "steps_took"),
        (diffusion_progress.LibraryCall, "phase_took"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_of_ours_changes_nothing(observed, forgiving, kinds, monkeypatch, owner, name):
    """The picture is there, the fault is counted, the call is over."""

    def broken(*_, **__):
        raise KeyError("ours")

    pipeline, iterating = kinds.FakeImagePipeline(), kinds.FakeIteratingPipeline()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, broken)
        assert pipeline("a cat", num_inference_steps=2).images
        assert iterating().images
    assert sum(guard.internal_errors().values()) > 0
    assert observed.active() == 0


def test_a_broken_registration_is_swallowed(observed, forgiving, kinds, monkeypatch):
    """The pipeline is made."""
    monkeypatch.setattr(diffusers.INSTRUMENTOR.patches, "wrap", None)
    assert kinds.FakeImagePipeline()("a cat", num_inference_steps=1).images
    assert guard.internal_errors() == {"diffusers.register_modules": 1}


def test_a_bar_outside_of_a_call_is_left_alone(kinds):
    """The user's own use of the method."""
    bar = kinds.FakeImagePipeline().progress_bar(total=2)
    assert "update" not in vars(bar)


def test_an_outcome_is_on_the_span(observed, kinds):
    """The prompt is nowhere."""
    kinds.FakeImagePipeline()("a secret cat", num_inference_steps=1)
    (span,) = observed.spans
    assert span.attributes[a.PROVIDER] == "diffusers"
    assert "secret" not in str(span.attributes) + observed.text() + str(observed.sink.finished)


def test_counters_are_born_when_a_pipeline_is_loaded(observed, kinds):
    """A scraper sees the 0 before the first use: from nothing to 1 is no increase."""
    pipeline = kinds.FakeImagePipeline.from_pretrained("org/born")
    counters = observed.samples("genotel_generation_requests_total", gen_ai_request_model="org/born")
    assert {sample.labels["genotel_outcome"] for sample in counters} >= {"ok", "error"}
    assert {sample.value for sample in counters} == {0}
    series = len(observed.samples("genotel_generation_requests_total"))
    pipeline("a cat", num_inference_steps=1)
    assert len(observed.samples("genotel_generation_requests_total")) == series
    assert observed.outcomes("org/born") == {"ok": 1}
