"""Every setting is explained, and its example is one."""

from __future__ import annotations

import dataclasses

import pytest

from genotel.settings import Settings

EVERY = [
    pytest.param(setting, id=f"{section.name}.{setting.name}")
    for section in dataclasses.fields(Settings)
    for setting in dataclasses.fields(type(section.default))
]


@pytest.mark.parametrize("setting", EVERY)
def test_a_setting_is_one_sentence(setting: dataclasses.Field[object]) -> None:
    """A capital, a period, no line break; a name that ends in a unit says it."""
    text = setting.metadata["help"]
    assert text[:1].isupper()
    assert text.endswith(".")
    assert "\n" not in text
    for unit in ("seconds", "minutes", "days"):
        if setting.name.endswith(f"_{unit}"):
            assert unit in text.lower()


@pytest.mark.parametrize("setting", EVERY)
def test_an_example_is_read_by_the_setting_s_parser(setting: dataclasses.Field[object]) -> None:
    """And says more than a default of nothing."""
    example = setting.metadata["example"]
    assert example not in (None, ())
    assert setting.metadata["parse"](example) is not None
