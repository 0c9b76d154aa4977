"""Calls of one label set share what is ready-made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from genotel.instrumentation import accumulators, site
from genotel.instrumentation.context import experiment
from genotel.instrumentation.site import site_for


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Begin and end with no numbers."""
    accumulators.reset()
    yield
    accumulators.reset()


def test_the_same_call_has_the_same_site() -> None:
    """Another output type has another one with the same numbers."""
    first = site_for(("chat", "vllm", "m", None))
    assert site_for(("chat", "vllm", "m", None)) is first
    other = site_for(("chat", "vllm", "m", "text"))
    assert other is not first
    assert other.totals is first.totals
    assert (first.span_name, other.span_attributes["gen_ai.output.type"]) == ("chat m", "text")


def test_an_experiment_has_a_site_of_its_own() -> None:
    """Its tags are on the span, too."""
    plain = site_for(("chat", "vllm", "m", None))
    with experiment("e", variant="B"):
        tagged = site_for(("chat", "vllm", "m", None))
    assert tagged.totals is not plain.totals
    assert tagged.span_attributes["genotel.experiment"] == "e"
    assert tagged.span_attributes["genotel.variant"] == "B"
    with experiment("e"):
        assert "genotel.variant" not in site_for(("chat", "vllm", "m", None)).span_attributes


def test_names_become_texts_without_paths() -> None:
    """Whatever was given as a model."""
    found = site_for((1, 2, Path("/home/ann/sdxl"), 3))  # type: ignore[arg-type]  # what a user may do
    assert found.key == ("1", "2", "sdxl", None, None)
    assert found.output == "3"


def test_sites_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """100,000 distinct names keep memory flat."""
    monkeypatch.setattr(accumulators, "MAX_LABEL_SETS", 10)
    for number in range(100):
        site_for(("chat", "vllm", f"m{number}", None))
    assert len(site._sites) <= 10


def test_a_site_does_not_outlive_its_numbers() -> None:
    """After a fork the child begins at zero."""
    first = site_for(("chat", "vllm", "m", None))
    accumulators.reset()
    assert site_for(("chat", "vllm", "m", None)) is not first
