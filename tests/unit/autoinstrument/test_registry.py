"""The table of libraries."""

from __future__ import annotations

import pytest

import genotel
from genotel.autoinstrument.registry import INSTRUMENTORS
from genotel.errors import SettingsError


def test_some_libraries_only(load):
    """By name; one name is enough."""
    genotel.instrument("vllm")
    assert [each.library for each in INSTRUMENTORS if each.is_on] == ["vllm"]
    genotel.uninstrument(["vllm"])
    assert not any(each.is_on for each in INSTRUMENTORS)


@pytest.mark.parametrize("function", [genotel.instrument, genotel.uninstrument])
def test_an_unknown_name_is_refused(function):
    """Naming what is known."""
    with pytest.raises(SettingsError, match=r"no library named torch; known are diffusers, transformers"):
        function(["torch", "vllm"])
    assert not any(each.is_on for each in INSTRUMENTORS)
