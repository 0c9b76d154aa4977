"""A wrong argument is refused by its name, in one line, as a mistake of the settings and a ValueError."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from genotel.errors import SettingsError
from genotel.instrumentation.batch_arguments import ArgumentError, number, one_of, share, text, whole


@pytest.mark.parametrize("value", [True, 1.0, "1", None, 0, 11])
def test_a_whole_number_is_within_its_bounds(value: object) -> None:
    """Truth values are no numbers here."""
    with pytest.raises(ArgumentError, match=r"^size must be a whole number from 1 to 10, not "):
        whole("size", value, 1, 10)
    assert whole("size", 10, 1, 10) == 10


@pytest.mark.parametrize("value", [True, "1", None, -0.5, float("nan"), float("inf")])
def test_a_number_is_finite_and_not_too_small(value: object) -> None:
    """NaN and infinity pass every naive comparison."""
    with pytest.raises(ArgumentError, match=r"^seconds must be a number of at least 0, not "):
        number("seconds", value, 0.0)
    assert number("seconds", 0, 0.0) == 0.0


def test_a_number_may_have_to_be_above_its_bound() -> None:
    """An age of 0 s would leave out everything."""
    with pytest.raises(ArgumentError, match=r"^age must be a number above 0, not 0$"):
        number("age", 0, 0.0, above=True)


def test_a_share_is_at_most_one() -> None:
    """A percentage is the usual mistake."""
    with pytest.raises(ArgumentError, match=r"^rate must be a number from 0 to 1, not 5$"):
        share("rate", 5)
    assert share("rate", 1) == 1.0


@pytest.mark.parametrize(
    "refused",
    [lambda: text("name", ""), lambda: text("name", 3), lambda: one_of("format", "xml", ("json", "prometheus"))],
)
def test_texts_and_choices_are_refused_by_name(refused: Callable[[], object]) -> None:
    """The message has the choices."""
    with pytest.raises(
        ArgumentError, match=r"^(name must be a text that is not empty|format must be one of json, pro)"
    ):
        refused()


def test_the_error_is_of_both_families() -> None:
    """Who catches ValueError and who catches our errors both see it; a long value is cut."""
    with pytest.raises(SettingsError) as caught:
        text("name", ["x" * 1000])
    assert isinstance(caught.value, ValueError)
    assert len(str(caught.value)) < 150
