"""What models on disk are called in use."""

from __future__ import annotations

import pytest

from genotel.collectors.model_names import NameRules, stem_of


def test_without_rules_a_name_stays():
    """A repository is called alike in both places, and so is a file by its last part."""
    assert NameRules().name_of("org/model") == "org/model"


def test_the_first_rule_that_fits_counts():
    """In the order in which they are written."""
    rules = NameRules([("org/special", "one"), ("org/*", "two"), ("*", "three")])
    assert [rules.name_of(name) for name in ("org/special", "org/other", "else")] == ["one", "two", "three"]


def test_case_counts():
    """Repositories differ by case only."""
    assert NameRules([("SDXL*", "x")]).name_of("sdxl") == "sdxl"


def test_a_name_may_be_made_of_the_old_one():
    """Without suffix, or without organisation; anything else in braces is just text."""
    rules = NameRules([("*.gguf", "{stem}"), ("org/*", "{last}"), ("x", "{0.__class__}")])
    assert rules.name_of("llama-00001-of-00003.gguf") == "llama"
    assert rules.name_of("org/model") == "model"
    assert rules.name_of("x") == "{0.__class__}"


def test_names_are_cut():
    """A file name of 255 letters is no label."""
    assert len(NameRules().name_of("x" * 300)) == len(NameRules([("*", "{stem}")]).name_of("x" * 300)) == 200


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.safetensors", "a"),
        ("a.b.GGUF", "a.b"),
        ("qwen2.5", "qwen2.5"),
        ("a-00002-of-00009.bin", "a"),
        ("a-1-of-2", "a-1-of-2"),
    ],
)
def test_a_stem_has_no_suffix_of_weights(name, stem):
    """A dot in a version is not one."""
    assert stem_of(name) == stem
