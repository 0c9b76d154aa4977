"""A model's label is its name, never where it lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from genotel.instrumentation.model_name import model_name


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("sdxl", "sdxl"),
        ("Wan-AI/Wan2.2-T2V-A14B", "Wan-AI/Wan2.2-T2V-A14B"),
        ("/home/ann/sdxl.safetensors", "sdxl.safetensors"),
        ("/home/ann/sdxl/", "sdxl"),
        ("./models/sdxl", "sdxl"),
        ("../sdxl", "sdxl"),
        ("~/models/sdxl", "sdxl"),
        ("C:\\models\\sdxl", "sdxl"),
        ("\\\\nas\\models\\sdxl", "sdxl"),
        ("s3://bucket/key/sdxl", "sdxl"),
        ("https://ann:secret@host/sdxl.safetensors?token=secret#x", "sdxl.safetensors"),
        (Path("/home/ann/sdxl"), "sdxl"),
        (None, "None"),
        ("", ""),
        ("x" * 1000, "x" * 200),
    ],
)
def test_paths_and_addresses_are_cut_to_their_last_part(given: object, name: str) -> None:
    """``org/name`` is a name and stays."""
    assert model_name(given) == name
