"""Numbers may be exported; of texts only the words of the trade."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from genotel.instrumentation.parameters import MAX_PARAMETERS, counted_values, safe_parameters, span_attributes


def test_numbers_and_truth_values_pass() -> None:
    """They keep their type."""
    given = {"steps": 30, "guidance": 7.5, "tiled": True, "strength": 0.0}
    assert safe_parameters(given) == given


def test_numbers_of_other_libraries_become_pythons_own() -> None:
    """OTLP and JSON know no others."""
    safe = safe_parameters({"steps": np.int64(30), "guidance": np.float32(0.5), "share": Fraction(1, 4)})
    assert safe == {"steps": 30, "guidance": 0.5, "share": 0.25}
    assert [type(value) for value in safe.values()] == [int, float, float]


@pytest.mark.parametrize(("seed", "shown"), [(2**63 - 1, 2**63 - 1), (2**63, str(2**63)), (-(2**63), -(2**63))])
def test_a_seed_that_otlp_cannot_hold_becomes_a_text(seed: int, shown: object) -> None:
    """Torch's seeds have 64 bits without a sign; one such number would cost a span all of its attributes."""
    assert safe_parameters({"seed": seed}) == {"seed": shown}


@pytest.mark.parametrize("value", [math.nan, math.inf, "a cat", b"a cat", None, [1], {"a": 1}, object(), 1j])
def test_anything_else_is_left_out(value: object) -> None:
    """Absent, never NaN; and no text that might be a prompt."""
    assert safe_parameters({"x": value, "prompt": value}) == {}


@pytest.mark.parametrize("word", ["euler", "DPM++ 2M SDE Karras", "FlowMatchEulerDiscreteScheduler", "fp8_e4m3"])
def test_words_of_the_trade_pass(word: str) -> None:
    """Under the keys that hold such words."""
    assert safe_parameters({"scheduler": word}) == {"scheduler": word}


@pytest.mark.parametrize("text", ["a cat in a hat sits", "/home/ann/euler", "x" * 65, "a\nb", "", "naïve", "a  b"])
def test_what_is_no_word_of_the_trade_is_left_out(text: str) -> None:
    """It might be a prompt or a path in the wrong place."""
    assert safe_parameters({"scheduler": text}) == {}


@pytest.mark.parametrize(
    ("text", "passes"), [("720p", True), ("1280x720", True), ("4K", True), ("wide", False), ("a", False)]
)
def test_a_resolution_must_be_one(text: str, passes: bool) -> None:
    """It is counted by its value."""
    assert safe_parameters({"resolution": text}) == ({"resolution": text} if passes else {})


@pytest.mark.parametrize("name", ["a cat", "", "1st", "a-b", "x" * 65, 3])
def test_names_must_be_names(name: object) -> None:
    """A dict keyed by prompts is not unheard of."""
    assert safe_parameters({name: 1}) == {}  # type: ignore[dict-item]  # what a user may do


def test_parameters_are_bounded() -> None:
    """A span has room for 128 attributes."""
    assert len(safe_parameters({f"p{number}": number for number in range(1000)})) == MAX_PARAMETERS


def test_upstream_names_are_used_where_there_are_some() -> None:
    """The others are in our own namespace."""
    assert span_attributes({"seed": 1, "steps": 2}) == {"gen_ai.request.seed": 1, "genotel.request.steps": 2}


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        ({"width": 1024, "height": 768}, [("resolution", "1024x768")]),
        ({"resolution": "720p"}, [("resolution", "720p")]),
        ({"resolution": "1280x720", "steps": 4}, [("resolution", "1280x720"), ("steps", "4")]),
        ({"width": 1024}, []),
        ({"steps": True}, []),
        ({"steps": 4.0}, []),
        ({"seed": 7}, []),
    ],
)
def test_only_resolution_and_steps_are_counted(given: dict[str, bool | int | float | str], counted: object) -> None:
    """Models × parameters × values would be too many series."""
    assert counted_values(given) == counted
