"""GPU memory of models, on a torch that is none: its allocator and tensors as the real ones have them."""

from __future__ import annotations

import gc
import threading
from types import SimpleNamespace

import pytest

from genotel import uninstrument
from genotel.autoinstrument.diffusers import INSTRUMENTOR
from genotel.instrumentation.model_memory import note_peak, note_weights
from tests.observed import observing
from tests.stand_ins import stand_ins

USAGE, PEAK = "genotel_model_vram_usage_bytes", "genotel_model_vram_peak_bytes"
ALLOCATED, RESERVED = "genotel_torch_memory_allocated_bytes", "genotel_torch_memory_reserved_bytes"
GIB = 2**30


class Tensor:
    """Be a tensor of 4 bytes an element."""

    def __init__(self, elements, device="cuda:0", pointer=None):
        kind, _, index = device.partition(":")
        self.device = SimpleNamespace(type=kind, index=int(index) if index else None)
        self._elements, self._pointer = elements, id(self) if pointer is None else pointer

    def numel(self):
        return self._elements

    def element_size(self):
        return 4

    def data_ptr(self):
        return self._pointer


class Module:
    """Be a module with parameters and a buffer."""

    def __init__(self, *tensors):
        self.tensors = tensors

    def parameters(self):
        return iter(self.tensors[:-1])

    def buffers(self):
        return iter(self.tensors[-1:])


class Pipeline:
    """Be a pipeline: parts by name, not all of them modules."""

    def __init__(self, **components):
        self.components = components


@pytest.fixture
def observed():
    """Measure the test with providers of its own."""
    with observing() as observed:
        yield observed


@pytest.fixture
def load():
    """Return what imports a module of a stand-in."""
    with stand_ins() as load:
        yield load


def seen(observed, name):
    """Return the values of a series by model and device."""
    return {
        (each.labels.get("gen_ai_request_model"), each.labels["hw_id"]): each.value for each in observed.samples(name)
    }


def test_weights_are_what_the_tensors_on_a_device_hold(observed, load):
    """Parameters and buffers of every part; a tensor that two layers share counts once, one in main memory not."""
    load("torch").cuda.devices = 2
    shared = Tensor(100, pointer=7)
    text = Module(Tensor(1000), shared, Tensor(10))
    picture = Module(Tensor(500, "cuda"), Tensor(100, pointer=7), Tensor(3000, "cpu"))
    pipeline = Pipeline(text_encoder=text, unet=picture, tokenizer=object(), scheduler=None)
    note_weights(pipeline, "org/model")
    assert seen(observed, USAGE) == {("org/model", "GPU-0000-1111"): 4 * (1000 + 100 + 10 + 500)}
    second = Module(Tensor(50), Tensor(50))
    note_weights(second, "org/model")
    assert seen(observed, USAGE) == {("org/model", "GPU-0000-1111"): 4 * (1610 + 100)}
    # Moved off the device, and let go.
    picture.tensors = text.tensors = (Tensor(1610, "cpu"),)
    note_weights(pipeline, "org/model")
    assert seen(observed, USAGE) == {("org/model", "GPU-0000-1111"): 400}
    del second
    gc.collect()
    assert seen(observed, USAGE) == {}


def test_what_has_no_tensors_has_no_weights(observed, load):
    """A session of another library, say."""
    load("torch")
    note_weights(Pipeline(), "org/none")
    note_weights(Tensor(3), "org/other")
    assert seen(observed, USAGE) == {}


def test_a_peak_is_the_highest_of_lone_calls(observed):
    """A lower one later changes nothing; each device has its own."""
    for peak in (3 * GIB, 5 * GIB, 4 * GIB):
        note_peak("org/peak", "GPU-a", peak)
    note_peak("org/peak", "GPU-b", GIB)
    assert seen(observed, PEAK) == {("org/peak", "GPU-a"): 5 * GIB, ("org/peak", "GPU-b"): GIB}


def test_torchs_own_figures_are_read_at_each_scrape(observed, load):
    """Of every device; without torch, or before CUDA is used, there are none, which is not 0."""
    assert seen(observed, ALLOCATED) == seen(observed, RESERVED) == {}
    cuda = load("torch").cuda
    assert seen(observed, ALLOCATED) == {(None, "GPU-0000-1111"): 3 * GIB}
    assert seen(observed, RESERVED) == {(None, "GPU-0000-1111"): 4 * GIB}
    assert "synchronize" not in cuda.calls
    cuda.is_initialized = lambda: False
    assert seen(observed, ALLOCATED) == seen(observed, RESERVED) == {}
    note_weights(Module(Tensor(1), Tensor(1)), "org/early")
    assert seen(observed, USAGE) == {}


def test_a_loaded_pipeline_and_its_calls_tell_by_themselves(observed, load):
    """The load tells the weights, a move tells them anew, a lone call its peak; overlapping calls tell none."""
    cuda = load("torch").cuda
    INSTRUMENTOR.instrument()
    try:
        kinds = load("diffusers.pipelines.kinds")
        pipeline = kinds.FakeImagePipeline.from_pretrained("org/tells")
        assert seen(observed, USAGE) == {}
        pipeline.components = {"unet": Module(Tensor(25), Tensor(25))}
        pipeline.to("cuda")
        assert seen(observed, USAGE) == {("org/tells", "GPU-0000-1111"): 200}
        other = kinds.FakeVideoPipeline()

        def overlapping(pipe, step, timestep, kwargs):
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
            return kwargs

        pipeline("a cat", num_inference_steps=1, callback_on_step_end=overlapping)
        assert seen(observed, PEAK) == {}
        pipeline("a cat", num_inference_steps=2)
        assert seen(observed, PEAK) == {("org/tells", "GPU-0000-1111"): 5 * GIB}
    finally:
        uninstrument()
    assert "synchronize" not in cuda.calls
