"""What a file or folder of a model is, told by names alone: nothing is opened."""

from __future__ import annotations

import re
from collections.abc import Collection

DIFFUSERS, TRANSFORMERS, LORA = "diffusers", "transformers", "lora"
SAFETENSORS, GGUF, CHECKPOINT, ONNX = "safetensors", "gguf", "ckpt", "onnx"
OLLAMA, OTHER = "ollama", "other"

# Suffix -> format of a single file. Those that other programs use too count as models from 1 MiB on.
_SUFFIXES = {
    ".safetensors": SAFETENSORS,
    ".sft": SAFETENSORS,
    ".gguf": GGUF,
    ".ggml": GGUF,
    ".ckpt": CHECKPOINT,
    ".pt": CHECKPOINT,
    ".pth": CHECKPOINT,
    ".bin": CHECKPOINT,
    ".onnx": ONNX,
}
_AMBIGUOUS = frozenset({".pt", ".pth", ".bin"})
LEAST_BYTES = 1024 * 1024
# Folders of ComfyUI, Automatic1111 and its forks in which every file is an adapter.
_LORA_FOLDERS = frozenset({"lora", "loras", "lycoris", "locon"})
# Names that say nothing: the folder's name is the model's.
_NAMELESS = re.compile(
    r"(model|pytorch_model|diffusion_pytorch_model|pytorch_lora_weights|adapter_model|weights|consolidated)"
    r"(\.fp16|\.bf16)?(-\d{5}-of-\d{5})?\.\w+"
)
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})(\.\w+)")


def suffix_format(name: str) -> str | None:
    """Return the format of a weight file, or None for any other file.

    Example:
        >>> suffix_format("sdxl.SAFETENSORS"), suffix_format("readme.md")
        ('safetensors', None)
    """
    return _SUFFIXES.get(_suffix(name))


def is_weight_file(name: str, size_bytes: int) -> bool:
    """Return whether a file of this size is a model or a part of one."""
    suffix = _suffix(name)
    return suffix in _SUFFIXES and (suffix not in _AMBIGUOUS or size_bytes >= LEAST_BYTES)


def folder_format(names: Collection[str]) -> str | None:
    """Return the format of a folder that is one model as a whole, by the files right in it; None if it is not.

    Example:
        >>> folder_format({"model_index.json"}), folder_format({"a.gguf", "b.gguf"})
        ('diffusers', None)
    """
    if "model_index.json" in names:
        return DIFFUSERS
    weights = [name for name in names if suffix_format(name)]
    if "adapter_config.json" in names and weights:
        return LORA
    if "config.json" in names and weights:
        return TRANSFORMERS
    nameless = [name for name in weights if _NAMELESS.fullmatch(name)]
    if nameless and len(nameless) == len(weights):
        return LORA if any("lora" in name for name in nameless) else suffix_format(nameless[0])
    return None


def tree_format(names: Collection[str]) -> str:
    """Return the format of a model by all files in it, their folders left out: a cached repository."""
    found = folder_format(names)
    if found:
        return found
    formats = {suffix_format(name) for name in names} - {None}
    for format in (GGUF, SAFETENSORS, ONNX, CHECKPOINT):
        if format in formats:
            return format
    return OTHER


def single_format(folder: str, name: str) -> str:
    """Return the format of a model that is one file, in a folder of that name."""
    return LORA if folder.lower() in _LORA_FOLDERS else suffix_format(name) or OTHER


def whole_name(name: str) -> str:
    """Return the name of the first shard for any shard of a file, else the name.

    A program loads all shards by the name of the first one.

    Example:
        >>> whole_name("llama-00002-of-00003.gguf")
        'llama-00001-of-00003.gguf'
    """
    shard = _SHARD.fullmatch(name)
    return f"{shard[1]}-00001-of-{shard[3]}{shard[4]}" if shard else name


def _suffix(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""
