"""What a file or folder of a model is, by names."""

from __future__ import annotations

import pytest

from genotel.collectors import model_formats as formats


@pytest.mark.parametrize(
    ("names", "format"),
    [
        ({"model_index.json", "readme.md"}, "diffusers"),
        ({"config.json", "model.safetensors"}, "transformers"),
        ({"config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}, "transformers"),
        ({"adapter_config.json", "adapter_model.safetensors"}, "lora"),
        ({"pytorch_lora_weights.safetensors"}, "lora"),
        ({"diffusion_pytorch_model.fp16.safetensors"}, "safetensors"),
        ({"config.json"}, None),
        ({"sdxl.safetensors", "model.safetensors"}, None),
        (set(), None),
    ],
)
def test_a_folder_is_a_model_as_a_whole_or_not(names, format):
    """A folder of loose files is not one."""
    assert formats.folder_format(names) == format


@pytest.mark.parametrize(
    ("names", "format"),
    [
        ({"model_index.json", "unet.safetensors"}, "diffusers"),
        ({"a.gguf", "b.gguf"}, "gguf"),
        ({"a.safetensors", "a.ckpt"}, "safetensors"),
        ({"a.onnx"}, "onnx"),
        ({"model.pt", "x.bin"}, "ckpt"),
        ({"tokenizer.json"}, "other"),
    ],
)
def test_a_repository_has_the_format_of_its_files(names, format):
    """The most telling one."""
    assert formats.tree_format(names) == format


@pytest.mark.parametrize(
    ("name", "size", "is_weight"),
    [
        ("a.safetensors", 1, True),
        ("a.pt", 1, False),
        ("a.pt", formats.LEAST_BYTES, True),
        ("a.txt", 10**9, False),
        (".gguf", 10**9, False),
        ("gguf", 10**9, False),
    ],
)
def test_suffixes_of_other_programs_need_a_size(name, size, is_weight):
    """An optimizer's state of a few bytes is no model."""
    assert formats.is_weight_file(name, size) is is_weight


def test_a_folder_of_adapters_makes_adapters():
    """In ComfyUI and Automatic1111 the folder tells."""
    assert formats.single_format("Lora", "style.safetensors") == "lora"
    assert formats.single_format("checkpoints", "sdxl.safetensors") == "safetensors"


def test_shards_are_called_by_the_first():
    """That is the one that a program is given."""
    assert formats.whole_name("a-00003-of-00003.gguf") == "a-00001-of-00003.gguf"
    assert formats.whole_name("a.gguf") == "a.gguf"
